import type { BaseChain, Chain, Hook, NamedCounter, Rule, Statement } from '../ruleset.ts';
import { ICMP_CODE, ICMP_TYPE, ICMPV6_CODE, ICMPV6_TYPE } from '../symbols.ts';
import { ACCEPT, counter, DROP, hopLimit, icmp, rule, state } from './statements.ts';

/** A counter object. */
export function namedCounter(name: string): NamedCounter {
  return { name, comment: undefined };
}

/** A chain that is reached by jumps only. */
export function chain(name: string, rules: readonly Rule[]): Chain {
  return { name, comment: undefined, base: undefined, rules };
}

/** A chain in the packet path; what reaches its end is dropped by policy and by the rule that `deny` adds. */
export function baseChain(name: Hook, priority: number, devices: readonly string[], rules: readonly Rule[]): Chain {
  const base: BaseChain = { type: 'filter', hook: name, priority, policy: 'drop', devices };
  return { name, comment: undefined, base, rules };
}

/**
 * The end of a base chain: counts and drops. The rule says what the policy says too, because a new chain's policy takes
 * effect a moment after the old chain is gone when a table is replaced under load.
 */
export function deny(counterName: string): Rule {
  return rule([counter(counterName), DROP]);
}

/** A sample of what is about to be dropped, for the log daemon; limited so that a flood costs nothing. */
export function logDenied(prefix: string): Rule {
  const limit: Statement = { kind: 'limit', over: false, rate: 5, unit: 'minute', burst: 10 };
  return rule([limit, { kind: 'log', prefix: `${prefix} `, group: 77, options: undefined }]);
}

/** Neighbour discovery as RFC 4861 section 7.1 demands it: hop limit 255 and code 0. No router advertisements. */
export const NEIGHBOUR_DISCOVERY: Rule = rule([
  icmp('icmpv6', 'type', ICMPV6_TYPE, 'nd-neighbor-solicit', 'nd-neighbor-advert'),
  icmp('icmpv6', 'code', ICMPV6_CODE, 'no-route'),
  hopLimit(255n),
  ACCEPT,
]);

/** Multicast listener discovery (RFC 3810 section 5: hop limit 1), without which snooping bridges stop IPv6. */
export function listenerDiscovery(...types: readonly string[]): Rule {
  return rule([icmp('icmpv6', 'type', ICMPV6_TYPE, ...types), hopLimit(1n), ACCEPT]);
}

/** Path MTU errors of flows that are tracked (RFC 1191, RFC 8201); without them bulk data stalls behind a narrow link. */
export const PATH_MTU: readonly Rule[] = [
  rule([icmp('icmpv6', 'type', ICMPV6_TYPE, 'packet-too-big'), state('related'), ACCEPT]),
  rule([
    icmp('icmp', 'type', ICMP_TYPE, 'destination-unreachable'),
    icmp('icmp', 'code', ICMP_CODE, 'frag-needed'),
    state('related'),
    ACCEPT,
  ]),
];
