import type { IpSpec } from '../policy/ports.ts';
import type { Bitset } from './bitset.ts';
import type { Classes, DeviceClass } from './classes.ts';
import { type Destination, Placement } from './placement.ts';
import type { Resolved, Resolver } from './resolver.ts';
import type { ResolvedRule } from './rules.ts';

/** A rule on the devices of one class, with those of its destinations that place it there. */
export interface Delivery {
  readonly rule: ResolvedRule;
  readonly parts: readonly DeliveredPart[];
}

export interface DeliveredPart extends Destination {
  readonly target: Resolved;
  readonly ip: readonly IpSpec[];
}

/** Classes that one destination places rules on, with all rules that have it. */
export interface Place extends Destination {
  readonly classes: Bitset;
  readonly entries: readonly Entry[];
}

interface Entry {
  readonly rule: ResolvedRule;
  /** Of the rule in the policy, and of the destination in the rule. */
  readonly order: readonly [rule: number, target: number];
  readonly part: DeliveredPart;
}

/**
 * Which rules are delivered to which classes. Destinations are few and are placed once each; what a class receives
 * follows from the places that it belongs to, and classes of the same places share the answer.
 */
export class Deliveries {
  readonly places: readonly Place[];
  readonly #placesOf: readonly number[][];
  readonly #memo = new Map<string, readonly Delivery[]>();
  readonly #alone = new Map<DeliveredPart, Delivery>();

  constructor(rules: readonly ResolvedRule[], classes: Classes, resolver: Resolver) {
    this.places = placesOf(rules, new Placement(classes, resolver));
    this.#placesOf = classes.list.map(() => []);
    for (const [i, place] of this.places.entries()) {
      for (const id of place.classes.values()) this.#placesOf[id]?.push(i);
    }
  }

  /** The places of a class, as positions in `places`. */
  placesOf(c: DeviceClass): readonly number[] {
    return this.#placesOf[c.id] ?? [];
  }

  /** In the order of the policy. */
  at(c: DeviceClass): readonly Delivery[] {
    const places = this.placesOf(c);
    const key = places.join(',');
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const entries = places.flatMap((i) => this.places[i]?.entries ?? []);
    entries.sort((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1]);
    const fresh = this.#byRule(entries);
    this.#memo.set(key, fresh);
    return fresh;
  }

  #byRule(entries: readonly Entry[]): Delivery[] {
    const out: Delivery[] = [];
    for (let i = 0; i < entries.length; ) {
      const first = entries[i];
      if (first === undefined) break;
      const parts = [first.part];
      for (i++; entries[i]?.rule === first.rule; i++)
        parts.push(...(entries[i] === undefined ? [] : [entries[i]?.part ?? first.part]));
      out.push(parts.length === 1 ? this.#single(first) : { rule: first.rule, parts });
    }
    return out;
  }

  #single({ rule, part }: Entry): Delivery {
    const known = this.#alone.get(part);
    if (known !== undefined) return known;
    const fresh = { rule, parts: [part] };
    this.#alone.set(part, fresh);
    return fresh;
  }
}

function placesOf(rules: readonly ResolvedRule[], placement: Placement): Place[] {
  const places: (Place & { readonly entries: Entry[] })[] = [];
  const byKey = new Map<string, typeof places>();
  for (const [r, rule] of rules.entries()) {
    for (const [t, { name, ip }] of rule.dst.entries()) {
      const key = placement.keyOf(rule, name);
      let found = byKey.get(key);
      if (found === undefined) {
        found = placement.place(rule, name).map((spot) => ({ ...spot, entries: [] }));
        byKey.set(key, found);
        places.push(...found);
      }
      for (const { to, exact, entries } of found) {
        entries.push({ rule, order: [r, t], part: { target: name, ip, to, exact } });
      }
    }
  }
  return places;
}
