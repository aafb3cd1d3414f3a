import { AddressSet } from '../../net/address-set.ts';
import type { IpSpec } from '../policy/ports.ts';
import { INTERNET, TAILNET } from '../ranges.ts';
import type { DeviceClass } from './classes.ts';
import type { Resolved, Resolver } from './resolver.ts';
import type { ResolvedRule, ResolvedTarget } from './rules.ts';

/** A rule on the devices of one class, with those of its destinations that place it there. */
export interface Delivery {
  readonly rule: ResolvedRule;
  readonly parts: readonly DeliveredPart[];
}

export interface DeliveredPart {
  readonly target: Resolved;
  readonly ip: readonly IpSpec[];
  /**
   * `own`: the addresses of each device itself. `self`: those as well, from the other devices of the same owner.
   * Otherwise the addresses, the same for all devices.
   */
  readonly to: 'own' | 'self' | AddressSet;
  /** False: whether the rule is placed here is not known. */
  readonly exact: boolean;
}

/** Destinations that lead nowhere for a via grant, which selects routers by their routes alone. */
const NEVER_VIA = new Set(['any', 'user', 'domain', 'group', 'tag', 'member', 'tagged', 'role', 'self']);

/**
 * Decides on which devices a rule is placed. A destination places it on a device that it means; whose own address it
 * contains; one of whose approved subnet routes it overlaps, in either direction (then the rule's prefix goes out
 * unchanged); or, for `autogroup:internet`, on an approved exit node. A via grant is placed only on devices with one of
 * its tags and a matching route. (Captures of the control plane.)
 */
export class Placement {
  readonly #resolver: Resolver;
  #services: AddressSet | undefined;

  constructor(resolver: Resolver) {
    this.#resolver = resolver;
  }

  deliver(rule: ResolvedRule, c: DeviceClass): Delivery | undefined {
    if (rule.via !== undefined && !rule.via.some((tag) => c.selectors.has(tag.id))) return undefined;
    const parts = rule.dst.flatMap((target) => this.#part(rule, target, c) ?? []);
    return parts.length === 0 ? undefined : { rule, parts };
  }

  #part(rule: ResolvedRule, target: ResolvedTarget, c: DeviceClass): DeliveredPart | undefined {
    const { name, ip } = target;
    const part = (to: DeliveredPart['to'], exact = name.exact) => ({ target: name, ip, to, exact });
    if (rule.via !== undefined && NEVER_VIA.has(name.selector.kind)) return undefined;
    switch (name.selector.kind) {
      case 'any':
        return part(AddressSet.all);
      case 'self':
        return !c.tagged && rule.src.some((s) => c.selectors.has(s.id)) ? part('self', true) : undefined;
      case 'internet':
        return c.exits.length > 0 ? part(INTERNET, true) : undefined;
      case 'prefix':
      case 'host':
        return this.#literal(rule, name, c, part);
      case 'service':
        return part(this.#serviceAddresses());
      case 'ipset':
      case 'shared':
      case 'unknown':
      case 'danger-all':
        return part(AddressSet.all, false);
      default:
        return c.selectors.has(name.id) ? part('own') : undefined;
    }
  }

  /** A service has an address of its own in the tailnet ranges, which the policy does not say. */
  #serviceAddresses(): AddressSet {
    this.#services ??= TAILNET.subtract(this.#resolver.addressesOf(this.#resolver.devices.map((_, i) => i)));
    return this.#services;
  }

  #literal(
    rule: ResolvedRule,
    name: Resolved,
    c: DeviceClass,
    part: (to: AddressSet, exact?: boolean) => DeliveredPart,
  ): DeliveredPart | undefined {
    const routed = c.subnets.length > 0 && name.addresses.overlaps(c.subnetAddresses);
    if (routed || (rule.via === undefined && c.selectors.has(name.id))) return part(name.addresses);
    // No capture shows a literal public destination while an exit node is approved: perhaps it goes there.
    return c.exits.length > 0 && name.addresses.overlaps(INTERNET) ? part(name.addresses, false) : undefined;
  }
}
