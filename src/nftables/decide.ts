import { ICMP_PROTOCOLS, NO_UID, PORT_PROTOCOLS } from '../net/field.ts';
import { interfaceValue } from '../net/interface-id.ts';
import { IntervalSet } from '../net/interval-set.ts';
import type { Packet } from '../net/packet.ts';
import { PacketSet } from '../net/packet-set.ts';
import type { Span } from '../source/span.ts';
import { chainsAt, type HookedChain, type HookOptions, packetsOfFamily } from './evaluate.ts';
import { printRule } from './print-statement.ts';
import type { Chain, Hook, Rule, Ruleset, Table } from './ruleset.ts';
import { type Branch, branchesOf, SymbolicDomain } from './symbolic.ts';
import { type Observer, Walk } from './walk.ts';

/** What ends one packet's way, for blame. */
export type Decider =
  | {
      readonly kind: 'rule';
      readonly table: string;
      readonly chain: string;
      readonly rule: Rule;
      readonly comment: string | undefined;
      /** As nft prints it. */
      readonly text: string;
      /** Absent on rendered rulesets. */
      readonly span?: Span;
    }
  | {
      readonly kind: 'policy';
      readonly table: string;
      readonly chain: string;
      readonly policy: 'accept' | 'drop';
      readonly span?: Span;
    }
  /** No base chain at the hook: nothing of ours looks at the packet. */
  | { readonly kind: 'no-chain'; readonly hook: Hook };

/** The fate of one packet at a hook. */
export interface Decision {
  /** `unknown`: it depends on a condition outside of the packet model. */
  readonly verdict: 'accept' | 'drop' | 'unknown';
  /** For `drop` what drops it; otherwise what accepts it, or could. */
  readonly by: Decider;
}

/**
 * Follows one packet through a hook and names the rule or policy that decides: the first base chain that surely drops
 * it, else the first one that cannot be decided, else the first one that accepts it.
 */
export function decidingRule(ruleset: Ruleset, hook: Hook, packet: Packet, options: HookOptions = {}): Decision {
  const decisions = chainsAt(ruleset, hook, options).flatMap((hooked) => decideChain(hooked, packet) ?? []);
  const worst =
    decisions.find((d) => d.verdict === 'drop') ?? decisions.find((d) => d.verdict === 'unknown') ?? decisions[0];
  return worst ?? { verdict: 'accept', by: { kind: 'no-chain', hook } };
}

/** Undefined when the table does not see packets of this family. */
function decideChain(hooked: HookedChain, packet: Packet): Decision | undefined {
  const single = singlePacket(packet).intersect(packetsOfFamily(hooked.table));
  if (single.isEmpty()) return undefined;
  const first = new Map<'accept' | 'drop', Decider>();
  const observer: Observer<readonly Branch[]> = {
    verdict: (verdict, _branches, chain, rule) => {
      if (!first.has(verdict)) first.set(verdict, deciderOf(hooked.table, chain, rule, verdict));
    },
    unknown: () => {},
  };
  new Walk(hooked.table, new SymbolicDomain(hooked.table), observer).enter(hooked.chain, branchesOf(single));
  const accept = first.get('accept');
  const drop = first.get('drop');
  if (accept !== undefined) return { verdict: drop === undefined ? 'accept' : 'unknown', by: accept };
  return drop === undefined ? undefined : { verdict: 'drop', by: drop };
}

/** Who decides: a rule, or the policy of the base chain. */
export function deciderOf(table: Table, chain: Chain, rule: Rule | undefined, verdict: 'accept' | 'drop'): Decider {
  const place = { table: `${table.family} ${table.name}`, chain: chain.name };
  if (rule === undefined) {
    const span = chain.span === undefined ? {} : { span: chain.span };
    return { kind: 'policy', ...place, policy: verdict, ...span };
  }
  const span = rule.span === undefined ? {} : { span: rule.span };
  return { kind: 'rule', ...place, rule, comment: rule.comment, text: printRule(rule), ...span };
}

/** The set of this packet alone (together with those that differ only in fields it does not have). */
export function singlePacket(p: Packet): PacketSet {
  const point = (value: bigint | number) => IntervalSet.point(BigInt(value));
  const proto = BigInt(p.proto);
  const withPorts = PORT_PROTOCOLS.contains(proto);
  const withIcmp = ICMP_PROTOCOLS.contains(proto);
  return PacketSet.box({
    family: point(p.family),
    proto: point(proto),
    src: point(p.src.value),
    dst: point(p.dst.value),
    ...(withPorts ? { sport: point(p.sport ?? 0), dport: point(p.dport ?? 0) } : {}),
    ...(withIcmp ? { icmpType: point(p.icmpType ?? 0), icmpCode: point(p.icmpCode ?? 0) } : {}),
    ct: point(p.ct),
    iif: point(interfaceValue(p.iif)),
    oif: point(interfaceValue(p.oif)),
    uid: point(p.uid ?? NO_UID),
    mark: point(p.mark ?? 0),
  });
}
