import { AddressSet } from '../../../src/net/address-set.ts';
import { IntervalSet } from '../../../src/net/interval-set.ts';
import type { PolicyRule, SelectorRef } from '../../../src/tailnet/policy/policy.ts';
import { parseSelector } from '../../../src/tailnet/policy/selector.ts';
import { TAILNET, WILDCARD_SOURCE } from '../../../src/tailnet/ranges.ts';
import { type Compile, onFacts, onPolicy, onRules } from './wrong.ts';

/** Compilers that get packet rules wrong. */
export const ruleMutants: Readonly<Record<string, Compile>> = {
  '`*` as a source forgets the subnet routes': onRules((rule) => ({
    ...rule,
    src: isWildcard(rule.src) ? rule.src.intersect(TAILNET) : rule.src,
  })),
  '`*` as a source takes the exit routes in': onRules((rule) => ({
    ...rule,
    src: isWildcard(rule.src) ? AddressSet.all : rule.src,
  })),
  'autogroup:member includes tagged devices': onPolicy((policy) => ({
    ...policy,
    rules: policy.rules.map((rule) => ({
      ...rule,
      src: alsoTagged(rule.src),
      dst: alsoTagged(rule.dst),
    })),
  })),
  'no rule on subnet routers': onRules((rule, device) => ({
    ...rule,
    dst: rule.dst.filter(({ addresses }) => device.addresses.some((a) => addresses.contains(a))),
  })),
  'IPv6 is forgotten': onFacts((device) => ({ ...device, addresses: device.addresses.filter((a) => a.family === 4) })),
  'ports are off by one': onRules((rule) => ({
    ...rule,
    dst: rule.dst.map((t) => ({
      ...t,
      ports: IntervalSet.of(...t.ports.intervals.map(([l, h]) => [l, h === 65535n ? h : h + 1n] as const)),
    })),
  })),
  'a port range loses its last port': onRules((rule) => ({
    ...rule,
    dst: rule.dst.map((t) => ({
      ...t,
      ports: IntervalSet.of(...t.ports.intervals.map(([l, h]) => [l, h === l || h === 65535n ? h : h - 1n] as const)),
    })),
  })),
  'missing keys deny everything': onPolicy((policy) => ({
    ...policy,
    sections: { acls: 'present', grants: 'present' },
  })),
  'acls are ignored when there are grants': onPolicy((policy) => ({
    ...policy,
    rules: policy.rules.filter((r) => r.section === 'grants' || policy.sections.grants === 'absent'),
  })),
  'via is ignored': onPolicy((policy) => ({
    ...policy,
    rules: policy.rules.map((r): PolicyRule => ({ ...r, via: [] })),
  })),
  'advertised routes count as approved': onFacts((device) => ({ ...device, enabledRoutes: device.advertisedRoutes })),
  'a standby router gets no rule': onFacts((device) => ({
    ...device,
    enabledRoutes: device.primaryRoutes?.length === 0 ? [] : device.enabledRoutes,
  })),
  'autogroup:self means every user': onPolicy((policy) => ({
    ...policy,
    rules: policy.rules.map((rule) => ({
      ...rule,
      dst: rule.dst.map((t) => (t.selector.kind === 'self' ? { ...t, ...named('autogroup:member') } : t)),
    })),
  })),
  'a named protocol is taken for all': onRules((rule) => ({ ...rule, protocols: [1, 6, 17, 58] })),
  'an IPv4 literal has an IPv6 twin': onRules((rule, device) => ({
    ...rule,
    dst: rule.dst.map((t) => ({
      ...t,
      addresses: device.addresses.some((a) => t.addresses.contains(a))
        ? t.addresses.union(AddressSet.ofAddresses(...device.addresses))
        : t.addresses,
    })),
  })),
};

function isWildcard(set: AddressSet): boolean {
  return WILDCARD_SOURCE.isSubsetOf(set) && !set.equals(AddressSet.all);
}

function named(text: string): Pick<SelectorRef, 'text' | 'selector'> {
  return { text, selector: parseSelector(text) };
}

function alsoTagged<T extends SelectorRef>(refs: readonly T[]): T[] {
  return refs.flatMap((ref) =>
    ref.selector.kind === 'member' ? [ref, { ...ref, ...named('autogroup:tagged') }] : [ref],
  );
}
