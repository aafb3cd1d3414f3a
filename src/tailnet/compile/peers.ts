import { Bitset, Weights } from './bitset.ts';
import type { Classes, DeviceClass } from './classes.ts';
import type { Deliveries } from './deliveries.ts';
import type { Resolver } from './resolver.ts';
import { SelfPeers } from './self-peers.ts';

/** Classes that all see the same others: those of one destination, or those that one source meets. */
interface Circle {
  readonly members: Bitset;
  readonly sees: Bitset;
}

/**
 * Who sees whom. Two devices are peers when a rule on one of them (packet rule, capability, or a via grant that selects
 * it) has a source that meets the other's addresses or approved subnet routes; always in both directions (captures).
 *
 * Kept by circles, which are as many as the policy has sources and destinations, and not by pairs of classes:
 * `autogroup:self` apart, a class sees what its circles see.
 */
export class PeerRelation {
  readonly #classes: Classes;
  readonly #circles: readonly Circle[];
  /** For every class, its circles as positions in `#circles`. */
  readonly #circlesOf: readonly number[][];
  readonly #self: SelfPeers;

  constructor(classes: Classes, resolver: Resolver, deliveries: Deliveries) {
    this.#classes = classes;
    this.#circles = circlesOf(classes, deliveries);
    this.#circlesOf = classes.list.map(() => []);
    for (const [i, { members }] of this.#circles.entries()) {
      for (const id of members.values()) this.#circlesOf[id]?.push(i);
    }
    const self = new Bitset(classes.list.length);
    for (const place of deliveries.places) if (place.to === 'self') self.addAll(place.classes);
    this.#self = new SelfPeers(classes, resolver, self);
  }

  /** Positions of a device's peers, ascending, without itself. */
  of(device: number): number[] {
    const c = this.#classes.of(device);
    if (c === undefined) return [];
    const row = new Bitset(this.#classes.list.length);
    for (const circle of this.#of(c)) row.addAll(circle.sees);
    const found = new Set<number>();
    for (const id of row.values()) for (const member of this.#classes.list[id]?.members ?? []) found.add(member);
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

  /**
   * How many ordered pairs of devices see each other, without listing them. Classes are taken in the order of their
   * circles, so that what the first few of them see together is worked out once for all classes that share them.
   */
  pairs(): number {
    const { list } = this.#classes;
    const sizes = new Weights(list.map((c) => c.members.length));
    const rows = [new Bitset(list.length)];
    let before: readonly number[] = [];
    let pairs = 0;
    for (const c of list.toSorted((a, b) => compareLists(this.#circlesOf[a.id] ?? [], this.#circlesOf[b.id] ?? []))) {
      const circles = this.#circlesOf[c.id] ?? [];
      for (let depth = sharedLength(before, circles); depth < circles.length; depth++) {
        const [shorter, more] = [rows[depth], this.#circles[circles[depth] ?? -1]];
        const row = rows[depth + 1] ?? new Bitset(list.length);
        rows[depth + 1] = row;
        if (shorter !== undefined && more !== undefined) row.setUnion(shorter, more.sees);
      }
      before = circles;
      const row = rows[circles.length];
      const peers = row?.weight(sizes) ?? 0;
      pairs += c.members.length * (row?.has(c.id) ? peers - 1 : peers);
    }
    return pairs + this.#self.pairs((a, b) => this.#meet(a, b));
  }

  /** Whether the devices of two classes are peers by rules other than `autogroup:self`. */
  #meet(c: DeviceClass, o: DeviceClass): boolean {
    return this.#of(c).some((circle) => circle.sees.has(o.id));
  }

  #of(c: DeviceClass): Circle[] {
    return (this.#circlesOf[c.id] ?? []).flatMap((i) => this.#circles[i] ?? []);
  }
}

/**
 * The classes of a place see the sources of its rules, and the classes that a source meets see the places of its rules.
 * Selectors that are both are one circle. The circles with most members come first: classes share those.
 */
function circlesOf(classes: Classes, deliveries: Deliveries): Circle[] {
  const circles = new Map<Bitset, Bitset>();
  const see = (members: Bitset, others: Bitset) => {
    let sees = circles.get(members);
    if (sees === undefined) {
      sees = new Bitset(classes.list.length);
      circles.set(members, sees);
    }
    sees.addAll(others);
  };
  for (const place of deliveries.places) {
    if (place.to === 'self') continue;
    const sources = new Set<Bitset>();
    for (const { alone } of place.entries) for (const s of alone.rule.src) sources.add(classes.meeting(s));
    for (const source of sources) {
      see(place.classes, source);
      see(source, place.classes);
    }
  }
  return [...circles]
    .map(([members, sees]) => ({ members, sees, size: members.count() }))
    .sort((a, b) => b.size - a.size);
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const at = sharedLength(a, b);
  return (a[at] ?? -1) - (b[at] ?? -1);
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return i;
}
