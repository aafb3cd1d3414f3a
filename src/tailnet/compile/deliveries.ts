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

/** One destination of one rule. */
interface Entry {
  /** Among the destinations of all rules, in the order of the policy. */
  readonly order: number;
  readonly part: DeliveredPart;
  /** The rule with this destination alone: what most classes receive of it. */
  readonly alone: Delivery;
}

/**
 * Which rules are delivered to which classes. Destinations are few and are placed once each; what a class receives
 * follows from the places that it belongs to, and classes of the same places share the answer.
 */
export class Deliveries {
  readonly places: readonly Place[];
  /** For every class, its places as positions in `places`. */
  readonly #placesOf: readonly number[][];
  readonly #memo = new Map<string, readonly Delivery[]>();

  constructor(rules: readonly ResolvedRule[], classes: Classes, resolver: Resolver) {
    this.places = placesOf(rules, new Placement(classes, resolver));
    this.#placesOf = classes.list.map(() => []);
    for (const [i, place] of this.places.entries()) {
      for (const id of place.classes.values()) this.#placesOf[id]?.push(i);
    }
  }

  /** In the order of the policy. */
  at(c: DeviceClass): readonly Delivery[] {
    const places = this.#placesOf[c.id] ?? [];
    const key = places.join(',');
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const entries = places.flatMap((i) => this.places[i]?.entries ?? []);
    entries.sort((a, b) => a.order - b.order);
    const fresh = byRule(entries);
    this.#memo.set(key, fresh);
    return fresh;
  }
}

/** @param entries in the order of the policy */
function byRule(entries: readonly Entry[]): Delivery[] {
  const out: Delivery[] = [];
  for (const { part, alone } of entries) {
    const last = out.at(-1);
    if (last?.rule === alone.rule) out[out.length - 1] = { rule: last.rule, parts: [...last.parts, part] };
    else out.push(alone);
  }
  return out;
}

function placesOf(rules: readonly ResolvedRule[], placement: Placement): Place[] {
  const places: (Place & { readonly entries: Entry[] })[] = [];
  const byKey = new Map<string, typeof places>();
  let order = 0;
  for (const rule of rules) {
    for (const { name, ip } of rule.dst) {
      const key = placement.keyOf(rule, name);
      let found = byKey.get(key);
      if (found === undefined) {
        found = placement.place(rule, name).map((spot) => ({ ...spot, entries: [] }));
        byKey.set(key, found);
        places.push(...found);
      }
      order++;
      for (const { to, exact, entries } of found) {
        const part = { target: name, ip, to, exact };
        entries.push({ order, part, alone: { rule, parts: [part] } });
      }
    }
  }
  return places;
}
