import type { MarkKind, MarkValue, RewriteEffect, Statement } from './ruleset.ts';

/** Beginnings of what only looks at a packet or keeps a list, in the words of nft(8). */
const LOOKS_ONLY = new RegExp(
  `^(${[
    'xt match|fib|rt|tcp|udp|udplite|sctp|dccp|th|ip|ip6|icmp|icmpv6|igmp|ether|vlan|arp|exthdr|frag|hbh|dst|mh|ah|esp',
    'comp|ct|meta|iif|oif|iifname|oifname|iifgroup|oifgroup|iiftype|oiftype|pkttype|mark|socket|osf|ipsec|numgen|jhash',
    'symhash|time|day|hour|quota|limit|add @|update @|delete @|meter|@(ll|nh|th),[0-9]+',
  ].join('|')})(?![a-z0-9-])`,
);

/** Words that make more than a look of a statement, wherever they stand in it. */
const DOES_MORE =
  /(^| )(set|vmap|map|accept|drop|return|jump|goto|continue|queue|reject|log|dnat|snat|masquerade|redirect|notrack|tproxy|dup|fwd|flow|synproxy|target)( |$)/;

/** The text without quoted words and names of sets, which can be anything. */
export function bareWords(text: string): string {
  return text.replaceAll(/"[^"]*"/g, '""').replaceAll(/@[A-Za-z]\S*/g, (m) => (/^@(ll|nh|th),/.test(m) ? m : '@'));
}

/** True for a statement that begins like one that only looks at a packet or keeps a list. */
export function looksOnly(bare: string): boolean {
  return LOOKS_ONLY.test(bare);
}

/** iptables targets that change nothing a rule looks at and let the packet go on (xtables-addons, net/netfilter/xt_*.c). */
const XT_ASIDE: readonly string[] = ['LOG', 'NFLOG', 'TCPMSS', 'TRACE', 'CLASSIFY'];

const XT_NAT: Readonly<Record<string, 'src' | 'dst'>> = {
  DNAT: 'dst',
  REDIRECT: 'dst',
  NETMAP: 'dst',
  SNAT: 'src',
  MASQUERADE: 'src',
};

/** What a target of iptables does, by its name alone: `nft -j` and, where it cannot translate it, the text say no more. */
export function xtTarget(name: string): Statement {
  const text = `xt target ${name}`;
  const rewrite = (effect: RewriteEffect): Statement => ({ kind: 'rewrite', effect, text });
  if (XT_ASIDE.includes(name)) return rewrite({ kind: 'aside' });
  if (name === 'REJECT') return { kind: 'reject', with: undefined };
  if (name === 'NOTRACK') return rewrite({ kind: 'notrack' });
  if (name === 'MARK') return rewrite({ kind: 'mark', of: 'meta mark', value: undefined });
  const side = Object.hasOwn(XT_NAT, name) ? XT_NAT[name] : undefined;
  return side === undefined ? { kind: 'unknown', text } : rewrite({ kind: 'nat', side });
}

/**
 * What a statement does that the dialect does not spell out, from its text: a look that may go either way, a rewrite of
 * which only the kind matters, or something unknown.
 */
export function otherStatement(text: string): Statement {
  const bare = bareWords(text);
  const target = /^xt target "?([A-Za-z0-9_-]+)"?$/.exec(text)?.[1];
  if (target !== undefined) return xtTarget(target);
  const effect = effectOf(bare);
  if (effect !== undefined) return { kind: 'rewrite', effect, text };
  return LOOKS_ONLY.test(bare) && !DOES_MORE.test(bare) ? { kind: 'condition', text } : { kind: 'unknown', text };
}

/** One statement with nothing behind it; the argument may be a word or an expression without blocks. */
const ASIDE =
  /^(meta (nftrace|priority) set [0-9a-z:]+|ct (helper|timeout|expectation|event|secmark) set \S+|tcp option maxseg size set (rt mtu|[0-9]+)|dup to \S+( device \S+)?)$/;
const NAT =
  /^(dnat|snat|redirect|masquerade)( (ip|ip6))?( (prefix|to) [^{}]*)?( (random|persistent|fully-random|,)+)*$/;
const MARK = /^(meta|ct) mark set (.+)$/;
const PAYLOAD = /^(ip|ip6|tcp|udp|th|udplite|sctp|dccp|icmp|icmpv6|ether|vlan) ([a-z-]+) set [^{}]*$/;

function effectOf(bare: string): RewriteEffect | undefined {
  if (bare === 'notrack') return { kind: 'notrack' };
  if (ASIDE.test(bare)) return { kind: 'aside' };
  const nat = NAT.exec(bare);
  if (nat !== null) {
    const family = nat[3] === 'ip' ? 4 : nat[3] === 'ip6' ? 6 : undefined;
    const side = nat[1] === 'dnat' || nat[1] === 'redirect' ? 'dst' : 'src';
    return { kind: 'nat', side, ...(family === undefined ? {} : { family }) };
  }
  const mark = MARK.exec(bare);
  if (mark !== null) {
    const value = mark[2] ?? '';
    // Whatever cannot be read may be more than one statement, or end the rule for want of a value.
    const read = markValue(value);
    return read === undefined ? undefined : { kind: 'mark', of: `${mark[1]} mark` as MarkKind, value: read };
  }
  const payload = PAYLOAD.exec(bare);
  if (payload === null || / set .* set /.test(bare)) return undefined;
  return { kind: 'payload', protocol: payload[1] ?? '', field: payload[2] ?? '' };
}

const ALL_BITS = 0xffffffffn;

/** `0x5`, `ct mark`, `meta mark & 0xff04ffff | 0x40000`: what nft prints for a mark; undefined for anything else. */
function markValue(text: string): MarkValue | undefined {
  const constant = number(text);
  if (constant !== undefined) return { base: undefined, and: 0n, xor: constant };
  // What nft prints for iptables' MARK target.
  const xt = /^mark and (0x[0-9a-f]+) xor (0x[0-9a-f]+)$/.exec(text);
  if (xt !== null) {
    const masked = combined({ base: 'meta mark', and: ALL_BITS, xor: 0n }, '&', number(xt[1] ?? ''));
    return combined(masked, '^', number(xt[2] ?? ''));
  }
  const parts = /^(meta mark|ct mark)((?: [&|^] 0x[0-9a-f]+)*)$/.exec(text);
  if (parts === null) return undefined;
  let value: MarkValue | undefined = { base: parts[1] as MarkKind, and: ALL_BITS, xor: 0n };
  for (const [, op, digits] of (parts[2] ?? '').matchAll(/ ([&|^]) (0x[0-9a-f]+)/g)) {
    value = combined(value, op ?? '', number(digits ?? ''));
  }
  return value;
}

/** A mark's value after one more operation with a constant; undefined when that is none. */
export function combined(value: MarkValue | undefined, op: string, by: bigint | undefined): MarkValue | undefined {
  if (value === undefined || by === undefined) return undefined;
  const { base, and, xor } = value;
  if (op === '&') return { base, and: and & by, xor: xor & by };
  if (op === '^') return { base, and, xor: xor ^ by };
  // a | b is (a & ~b) ^ b.
  return op === '|' ? { base, and: and & ~by & ALL_BITS, xor: (xor & ~by & ALL_BITS) ^ by } : undefined;
}

function number(text: string): bigint | undefined {
  return /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/.test(text) ? BigInt(text) & ALL_BITS : undefined;
}
