import type { Match, RewriteEffect, Rule, Selector, Statement, Table } from './ruleset.ts';

function number(selector: Selector, ...values: readonly bigint[]): Match {
  const elements = values.map((value) => ({ kind: 'number', value }) as const);
  return { kind: 'match', selector, op: '==', right: { kind: 'set', elements } };
}

const IPV4 = number({ kind: 'meta', key: 'nfproto' }, 2n);
const IPV6 = number({ kind: 'meta', key: 'nfproto' }, 10n);
const TCP = number({ kind: 'meta', key: 'l4proto' }, 6n);
const UDP = number({ kind: 'meta', key: 'l4proto' }, 17n);
const ICMP = number({ kind: 'meta', key: 'l4proto' }, 1n);
const ICMPV6 = number({ kind: 'meta', key: 'l4proto' }, 58n);

/** True for packets with a connection: the others have no direction and no connection mark. */
export const HAS_CONNECTION: Match = number({ kind: 'ct', key: 'direction' }, 0n, 1n);

const PROTOCOLS: Readonly<Record<string, readonly Match[]>> = {
  ip: [IPV4],
  ip6: [IPV6],
  tcp: [TCP],
  udp: [UDP],
  icmp: [IPV4, ICMP],
  icmpv6: [IPV6, ICMPV6],
};

/**
 * What nft tests in front of a statement without printing it, or what the statement itself needs: the rule ends for
 * packets that do not match. `reject with icmpv6` is for IPv6 (evaluate.c stmt_evaluate_reject), a translation to an
 * IPv4 address for IPv4, writing to a header for packets with such a header, reading the connection's mark for packets
 * with a connection (nft_ct.c nft_ct_get_eval).
 */
export function impliedBy(statement: Statement): readonly Match[] {
  if (statement.kind === 'reject') return impliedByReject(statement.with ?? '');
  if (statement.kind === 'set-ct-mark') return [HAS_CONNECTION];
  return statement.kind === 'rewrite' ? impliedByRewrite(statement.effect) : [];
}

function impliedByReject(how: string): readonly Match[] {
  if (how.startsWith('icmpv6')) return [IPV6];
  if (how.startsWith('icmp ')) return [IPV4];
  return how.startsWith('tcp') ? [TCP] : [];
}

function impliedByRewrite(effect: RewriteEffect): readonly Match[] {
  switch (effect.kind) {
    case 'nat':
      return effect.family === undefined ? [] : [effect.family === 4 ? IPV4 : IPV6];
    case 'payload':
      return Object.hasOwn(PROTOCOLS, effect.protocol) ? (PROTOCOLS[effect.protocol] ?? []) : [];
    case 'mark':
      return effect.value?.base === 'ct mark' ? [HAS_CONNECTION] : [];
    case 'notrack':
    case 'aside':
      return [];
  }
}

/**
 * True for a `reject with tcp reset` that may be for one family only: nft 1.0.6 takes the test of the family in front of
 * it (`meta nfproto ipv4`, `meta protocol ip6`) for one that it added itself and does not list it. A match on a header
 * of the family says it once more.
 */
export function hidesFamily(how: string | undefined, rule: Rule, table: Table): boolean {
  if (how?.startsWith('tcp') !== true || table.family === 'ip' || table.family === 'ip6') return false;
  return !rule.statements.some((s) => s.kind === 'match' && fixesFamily(s.selector));
}

function fixesFamily(selector: Selector): boolean {
  if (selector.kind === 'concat') return selector.parts.some(fixesFamily);
  return selector.kind === 'payload' && /^(ip|ip6|icmp|icmpv6)$/.test(selector.protocol);
}
