import { AddressSet } from '../../net/address-set.ts';
import type { Span } from '../../source/span.ts';
import type { Device } from '../device.ts';
import type { DeviceClass } from './classes.ts';
import type { Delivery } from './deliveries.ts';
import type { Resolver } from './resolver.ts';
import type { ResolvedRule, ResolvedTarget, SourceSets } from './rules.ts';

/** An application capability as one device receives it: no packet access, but the sources become peers. */
export interface CapabilityRule {
  readonly src: AddressSet;
  readonly dst: AddressSet;
  readonly name: string;
  /** Opaque JSON; null for capabilities that the control plane adds by itself. */
  readonly values: unknown;
  /** Position in `grants`, from 0. */
  readonly index: number;
  readonly span: Span | undefined;
  /** False: an upper bound. */
  readonly exact: boolean;
}

/** Capabilities whose sources receive a reversed one (captures for drive; the relay pair is reported). */
const REVERSED: Readonly<Record<string, string>> = {
  'tailscale.com/cap/drive': 'tailscale.com/cap/drive-sharer',
  'tailscale.com/cap/relay': 'tailscale.com/cap/relay-target',
};

/** The capability rules of a device. A grant with `via` delivers none (captures). */
export function capabilityRules(
  device: Device,
  deliveries: readonly Delivery[],
  resolver: Resolver,
  sources: SourceSets,
): CapabilityRule[] {
  const own = AddressSet.ofAddresses(...device.addresses);
  const self = device.user === undefined ? AddressSet.empty : resolver.addressesOf(resolver.devicesOf(device.user));
  return deliveries.flatMap(({ rule, parts }) => {
    if (rule.via !== undefined || rule.app.length === 0) return [];
    return parts.flatMap((part) => {
      const src = part.to === 'self' ? self : sources.of(rule.src);
      const dst = typeof part.to === 'string' || part.target.selector.kind === 'any' ? own : part.to;
      const exact = rule.exact && part.exact && rule.src.every((s) => s.exact);
      return rule.app.map((app) => ({ ...capability(rule, app.name, app.values), src, dst, exact }));
    });
  });
}

/**
 * The reversed capabilities that a device of class `c` receives as a source of grants: from all that the grant names as
 * its destination, of `autogroup:self` from the other devices of the same owner.
 */
export function reversedCapabilities(
  device: Device,
  c: DeviceClass,
  rules: readonly ResolvedRule[],
  resolver: Resolver,
  sources: SourceSets,
): CapabilityRule[] {
  const own = AddressSet.ofAddresses(...device.addresses);
  return rules.flatMap((rule) => {
    const isSource = rule.via === undefined && rule.src.some((s) => c.selectors.has(s.id));
    if (!isSource) return [];
    return rule.app.flatMap((app) => {
      const name = Object.hasOwn(REVERSED, app.name) ? REVERSED[app.name] : undefined;
      if (name === undefined) return [];
      const isSelf = ({ name }: ResolvedTarget) => name.selector.kind === 'self';
      const others = rule.dst.flatMap((t) => (isSelf(t) ? [] : [t.name]));
      const exact = rule.exact && name.endsWith('drive-sharer') && [...rule.src, ...others].every((r) => r.exact);
      const family = rule.dst.some(isSelf) && device.user !== undefined ? resolver.devicesOf(device.user) : [];
      const src = sources.of(others).union(resolver.addressesOf(family));
      return [{ ...capability(rule, name, null), src, dst: own, exact }];
    });
  });
}

function capability(rule: ResolvedRule, name: string, values: unknown) {
  return { name, values, index: rule.index, span: rule.span };
}
