import { Bitset, Weights } from './bitset.ts';
import type { Classes, DeviceClass } from './classes.ts';
import type { Deliveries } from './deliveries.ts';
import type { Resolved, Resolver } from './resolver.ts';
import { SelfPeers } from './self-peers.ts';

/**
 * Who sees whom. Two devices are peers when a rule on one of them (packet rule, capability, or a via grant that selects
 * it) has a source that meets the other's addresses or approved subnet routes; always in both directions (captures).
 *
 * Kept by what places rules and by what is a source, not by pairs of classes: `autogroup:self` apart, the peers of a
 * class are the sources of the places that it belongs to, and the places of the rules that it is a source of.
 */
export class PeerRelation {
  readonly #classes: Classes;
  readonly #deliveries: Deliveries;
  /** For every place, the classes that its rules admit. */
  readonly #admitted: readonly Bitset[];
  /** For every source, the classes whose rules have it. */
  readonly #reached: readonly Bitset[];
  /** For every class, the sources that meet it, as positions in `#reached`. */
  readonly #sourcesOf: readonly number[][];
  readonly #self: SelfPeers;

  constructor(classes: Classes, resolver: Resolver, deliveries: Deliveries) {
    this.#classes = classes;
    this.#deliveries = deliveries;
    const self = this.#none();
    this.#sourcesOf = classes.list.map(() => []);
    const reached = new Map<Resolved, Bitset>();
    this.#admitted = deliveries.places.map((place) => {
      const admitted = this.#none();
      if (place.to === 'self') {
        self.addAll(place.classes);
        return admitted;
      }
      for (const { rule } of place.entries) admitted.addAll(classes.sources(rule.src));
      for (const s of new Set(place.entries.flatMap(({ rule }) => rule.src))) {
        const known = reached.get(s) ?? this.#none();
        known.addAll(place.classes);
        reached.set(s, known);
      }
      return admitted;
    });
    this.#reached = [...reached.values()];
    for (const [i, s] of [...reached.keys()].entries()) {
      for (const id of classes.meeting(s).values()) this.#sourcesOf[id]?.push(i);
    }
    this.#self = new SelfPeers(classes, resolver, self);
  }

  /** Positions of a device's peers, ascending, without itself. */
  of(device: number): number[] {
    const c = this.#classes.of(device);
    if (c === undefined) return [];
    const found = new Set<number>();
    for (const id of this.#row(c, this.#none()).values()) {
      for (const member of this.#classes.list[id]?.members ?? []) found.add(member);
    }
    for (const other of this.#self.candidates(device)) if (this.#self.has(device, other)) found.add(other);
    found.delete(device);
    return [...found].sort((a, b) => a - b);
  }

  has(device: number, other: number): boolean {
    if (device === other) return false;
    const c = this.#classes.of(device);
    const o = this.#classes.of(other);
    if (c === undefined || o === undefined) return false;
    return this.#meet(c, o) || this.#self.has(device, other);
  }

  /** How many ordered pairs of devices see each other, without listing them. */
  pairs(): number {
    const { list } = this.#classes;
    const sizes = new Weights(list.map((c) => c.members.length));
    const row = this.#none();
    let pairs = 0;
    for (const c of list) {
      row.clear();
      const peers = this.#row(c, row).weight(sizes);
      pairs += c.members.length * (row.has(c.id) ? peers - 1 : peers);
    }
    return pairs + this.#self.pairs((a, b) => this.#meet(a, b));
  }

  #none(): Bitset {
    return new Bitset(this.#classes.list.length);
  }

  /** Adds the classes that see a class by rules other than `autogroup:self`. */
  #row(c: DeviceClass, row: Bitset): Bitset {
    for (const place of this.#deliveries.placesOf(c)) row.addAll(this.#admitted[place] ?? row);
    for (const source of this.#sourcesOf[c.id] ?? []) row.addAll(this.#reached[source] ?? row);
    return row;
  }

  #admits(to: DeviceClass, from: DeviceClass): boolean {
    return this.#deliveries.placesOf(to).some((place) => this.#admitted[place]?.has(from.id) ?? false);
  }

  /** Whether the devices of two classes are peers by rules other than `autogroup:self`. */
  #meet(c: DeviceClass, o: DeviceClass): boolean {
    return this.#admits(c, o) || this.#admits(o, c);
  }
}
