import { AddressSet } from '../../net/address-set.ts';
import { containsPrefix, formatPrefix, overlaps, type Prefix, TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import { addedTargets } from '../../tailnet/compile/ip-sets.ts';
import type { Policy, PolicyRule, SelectorRef } from '../../tailnet/policy/policy.ts';
import { VIA_RANGE } from './via-range.ts';

/** Addresses that rules name literally or by an alias of `hosts`, each once, in a stable order. */
export interface Literals {
  /** Among the destinations, inside the tailnet's ranges: somebody may get such an address. */
  readonly held: readonly Prefix[];
  /** Among the destinations, what only a subnet router leads to. */
  readonly routed: readonly Prefix[];
  /** Among the sources. */
  readonly sources: AddressSet;
}

/** @returns the literals of all rules of the policies */
export function literalsOf(policies: readonly Policy[]): Literals {
  const dst = new Map<string, Prefix>();
  const src: Prefix[] = [];
  for (const policy of policies) {
    for (const rule of policy.rules) {
      for (const p of prefixesIn(policy, rule.dst)) dst.set(formatPrefix(p), p);
      src.push(...prefixesIn(policy, rule.src));
    }
  }
  const sorted = [...dst].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, p]) => p);
  const isHeld = (p: Prefix) => inTailnet(p) && !containsPrefix(VIA_RANGE, p);
  return {
    held: sorted.filter(isHeld),
    routed: sorted.filter((p) => !isHeld(p) && p.length > 0),
    sources: AddressSet.ofPrefixes(...src),
  };
}

/**
 * Whether a rule names tailnet addresses literally, though not the whole range: then it matters which address a device
 * has.
 */
export function namesTailnetAddresses(policy: Policy, rule: PolicyRule): boolean {
  const ranges = [TAILNET_V4, TAILNET_V6];
  return prefixesIn(policy, [...rule.src, ...rule.dst]).some((p) =>
    ranges.some((range) => overlaps(range, p) && !containsPrefix(p, range)),
  );
}

function prefixesIn(policy: Policy, refs: readonly SelectorRef[]): Prefix[] {
  return refs.flatMap(({ selector }) => {
    if (selector.kind === 'prefix') return [selector.prefix];
    if (selector.kind === 'ipset') return prefixesIn(policy, addedTargets(policy, selector.name) ?? []);
    const alias = selector.kind === 'host' ? policy.hosts.get(selector.name)?.prefix : undefined;
    return alias === undefined ? [] : [alias];
  });
}

function inTailnet(p: Prefix): boolean {
  return containsPrefix(TAILNET_V4, p) || containsPrefix(TAILNET_V6, p);
}
