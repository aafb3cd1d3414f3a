import { AddressSet } from '../../net/address-set.ts';
import { INTERNET, TAILNET } from '../ranges.ts';
import { Bitset } from './bitset.ts';
import type { Classes, DeviceClass } from './classes.ts';
import type { Resolved, Resolver } from './resolver.ts';
import type { ResolvedRule } from './rules.ts';

/** What a rule's destination is once the rule is placed on a device. */
export interface Destination {
  /**
   * `own`: the addresses of each device itself. `self`: those as well, from the other devices of the same owner.
   * Otherwise the addresses, the same for all devices.
   */
  readonly to: 'own' | 'self' | AddressSet;
  /** False: whether the rule is placed here is not known. */
  readonly exact: boolean;
}

type Spot = Destination & { readonly classes: Bitset };

/** Destinations that lead nowhere for a via grant, which selects routers by their routes alone. */
const NEVER_VIA = new Set(['any', 'user', 'domain', 'group', 'tag', 'member', 'tagged', 'role', 'self']);

/**
 * Decides on which devices a rule is placed. A destination places it on a device that it means; whose own address it
 * contains; one of whose approved subnet routes it overlaps, in either direction (then the rule's prefix goes out
 * unchanged); or, for `autogroup:internet`, on an approved exit node. A via grant is placed only on devices with one of
 * its tags and a matching route. (Captures of the control plane.)
 */
export class Placement {
  readonly #classes: Classes;
  readonly #resolver: Resolver;
  #services: AddressSet | undefined;

  constructor(classes: Classes, resolver: Resolver) {
    this.#classes = classes;
    this.#resolver = resolver;
  }

  /** Equal for destinations that are placed alike: only `via` and `autogroup:self` look at the rest of the rule. */
  keyOf(rule: ResolvedRule, name: Resolved): string {
    const ids = (list: readonly Resolved[]) => list.map((r) => r.id).join(',');
    const via = rule.via === undefined ? '' : ` via ${ids(rule.via)}`;
    return `${name.id}${via}${name.selector.kind === 'self' ? ` from ${ids(rule.src)}` : ''}`;
  }

  /** Where one destination of a rule places it: at most once where that is certain, and once where it is not. */
  place(rule: ResolvedRule, name: Resolved): Spot[] {
    if (rule.via !== undefined && NEVER_VIA.has(name.selector.kind)) return [];
    const spots = this.#everywhere(rule, name);
    if (rule.via === undefined) return spots;
    const through = rule.via.map((tag) => this.#classes.within(tag));
    return spots.map((spot) => ({
      ...spot,
      classes: this.#only(spot.classes, (id) => through.some((t) => t.has(id))),
    }));
  }

  /** As if there were no `via`, but for literals, which a via grant places by routes alone. */
  #everywhere(rule: ResolvedRule, name: Resolved): Spot[] {
    const { within, exitNodes } = this.#classes;
    switch (name.selector.kind) {
      case 'any':
        return [{ to: AddressSet.all, exact: name.exact, classes: this.#all() }];
      case 'self':
        return [{ to: 'self', exact: true, classes: this.#untagged(rule.src) }];
      case 'internet':
        return [{ to: INTERNET, exact: true, classes: this.#these(exitNodes) }];
      case 'prefix':
      case 'host':
        return this.#literal(rule, name);
      case 'service':
        return [{ to: this.#serviceAddresses(), exact: name.exact, classes: this.#all() }];
      case 'ipset':
      case 'shared':
      case 'unknown':
      case 'danger-all':
        return [{ to: AddressSet.all, exact: false, classes: this.#all() }];
      default:
        return [{ to: 'own', exact: name.exact, classes: within(name) }];
    }
  }

  #literal(rule: ResolvedRule, name: Resolved): Spot[] {
    const { routers, exitNodes, within } = this.#classes;
    const { addresses } = name;
    const sure = this.#these(routers.filter((c) => addresses.overlaps(c.subnetAddresses)));
    if (rule.via === undefined) sure.addAll(within(name));
    // No capture shows a literal public destination while an exit node is approved: perhaps it goes there.
    const perhaps = addresses.overlaps(INTERNET) ? exitNodes.filter((c) => !sure.has(c.id)) : [];
    return [
      { to: addresses, exact: name.exact, classes: sure },
      { to: addresses, exact: false, classes: this.#these(perhaps) },
    ];
  }

  /** A service has an address of its own in the tailnet ranges, which the policy does not say. */
  #serviceAddresses(): AddressSet {
    this.#services ??= TAILNET.subtract(this.#resolver.addressesOf(this.#resolver.devices.map((_, i) => i)));
    return this.#services;
  }

  #untagged(sources: readonly Resolved[]): Bitset {
    const met = new Bitset(this.#classes.list.length);
    for (const s of sources) met.addAll(this.#classes.within(s));
    return this.#only(met, (id) => this.#classes.list[id]?.tagged === false);
  }

  #all(): Bitset {
    const all = new Bitset(this.#classes.list.length);
    all.fill();
    return all;
  }

  #these(classes: readonly DeviceClass[]): Bitset {
    const set = new Bitset(this.#classes.list.length);
    for (const c of classes) set.add(c.id);
    return set;
  }

  #only(classes: Bitset, isWanted: (id: number) => boolean): Bitset {
    const set = new Bitset(this.#classes.list.length);
    for (const id of classes.values()) if (isWanted(id)) set.add(id);
    return set;
  }
}
