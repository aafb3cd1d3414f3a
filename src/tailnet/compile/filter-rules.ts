import { AddressSet } from '../../net/address-set.ts';
import type { IntervalSet } from '../../net/interval-set.ts';
import type { Span } from '../../source/span.ts';
import type { Device } from '../device.ts';
import type { DeliveredPart, Delivery } from './deliveries.ts';
import type { Resolver } from './resolver.ts';
import type { RuleSection, SourceSets } from './rules.ts';

/** One rule of the packet filter that a device receives: a union of accepts. */
export interface FilterRule {
  readonly src: AddressSet;
  readonly dst: readonly FilterTarget[];
  /** IP protocol numbers, ascending. */
  readonly protocols: readonly number[];
  readonly section: RuleSection;
  /** Position in its section, from 0. */
  readonly index: number;
  /** Where the rule stands; undefined for the allow-all of a policy with neither `acls` nor `grants`. */
  readonly span: Span | undefined;
  /** Whether a via grant placed it here. */
  readonly via: boolean;
  /** False: an upper bound of what a construct that is not modelled may admit. It may violate, never fulfil. */
  readonly exact: boolean;
}

interface FilterTarget {
  readonly addresses: AddressSet;
  readonly ports: IntervalSet;
}

/** The packet rules that a device gets from the deliveries of its class. */
export function filterRules(
  device: Device,
  deliveries: readonly Delivery[],
  resolver: Resolver,
  sources: SourceSets,
): FilterRule[] {
  const own = AddressSet.ofAddresses(...device.addresses);
  const self = device.user === undefined ? AddressSet.empty : resolver.addressesOf(resolver.devicesOf(device.user));
  return deliveries.flatMap(({ rule, parts }) => {
    if (!rule.hasIp) return [];
    const plain = parts.filter((p) => p.to !== 'self');
    const known = sources.of(rule.src.filter((s) => s.exact));
    const guessed = sources.of(rule.src.filter((s) => !s.exact));
    const groups: { parts: DeliveredPart[]; src: AddressSet; exact: boolean }[] = [
      { parts: plain.filter((p) => p.exact), src: known, exact: rule.exact },
      { parts: plain.filter((p) => !p.exact), src: known, exact: false },
      { parts: plain, src: guessed, exact: false },
      { parts: parts.filter((p) => p.to === 'self'), src: self, exact: rule.exact },
    ];
    const { section, index, span } = rule;
    return groups
      .filter((g) => !g.src.isEmpty())
      .flatMap(({ src, parts, exact }) =>
        byProtocols(parts, own).map(({ protocols, dst, validated }) => ({
          src,
          dst,
          protocols,
          section,
          index,
          span,
          via: rule.via !== undefined,
          exact: exact && validated,
        })),
      );
  });
}

function byProtocols(parts: readonly DeliveredPart[], own: AddressSet) {
  const groups = new Map<string, { protocols: readonly number[]; validated: boolean; dst: FilterTarget[] }>();
  for (const part of parts) {
    const addresses = typeof part.to === 'string' ? own : part.to;
    for (const { protocols, ports, validated } of part.ip) {
      const key = `${protocols.join(',')} ${validated}`;
      const group = groups.get(key) ?? { protocols, validated, dst: [] };
      group.dst.push({ addresses, ports });
      groups.set(key, group);
    }
  }
  return [...groups.values()];
}
