import { formatAddress } from '../../src/net/address.ts';
import { CT, type Packet } from '../../src/net/packet.ts';
import type { Chain, Hook, Match, Operand, Rule, Ruleset, Table, Value } from '../../src/nftables/ruleset.ts';

/**
 * Runs one packet through the base chains of a hook the way the kernel does, rule by rule. Written apart from the
 * evaluator, on concrete values only; what the packet does not tell is asked of the oracle.
 */
export interface Oracle {
  /** Any answer, the same for the same question. */
  condition(text: string): boolean;
  /** Any answer, each time anew. */
  limit(): boolean;
}

type End = 'accept' | 'drop' | 'fell-off';

export function runHook(ruleset: Ruleset, hook: Hook, packet: Packet, oracle: Oracle): 'accept' | 'drop' {
  for (const table of ruleset.tables) {
    if (table.flags.includes('dormant')) continue;
    if (table.family === 'ip' && packet.family !== 4) continue;
    if (table.family === 'ip6' && packet.family !== 6) continue;
    for (const chain of table.chains) {
      if (chain.base?.hook !== hook) continue;
      const end = runChain(table, chain, packet, oracle);
      if (end === 'drop' || (end === 'fell-off' && chain.base.policy === 'drop')) return 'drop';
    }
  }
  return 'accept';
}

function runChain(table: Table, chain: Chain, packet: Packet, oracle: Oracle): End {
  for (const rule of chain.rules) {
    const end = runRule(table, rule, packet, oracle);
    if (end !== 'next') return end;
  }
  return 'fell-off';
}

function runRule(table: Table, rule: Rule, packet: Packet, oracle: Oracle): End | 'next' {
  const go = (name: string): End => {
    const target = table.chains.find((c) => c.name === name);
    if (target === undefined) throw new Error(`no chain ${name}`);
    return runChain(table, target, packet, oracle);
  };
  for (const s of rule.statements) {
    if (s.kind === 'match' && !matches(table, s, packet, oracle)) return 'next';
    if (s.kind === 'limit' && !oracle.limit()) return 'next';
    // A connection's mark cannot be read where there is no connection.
    if (s.kind === 'set-ct-mark' && !ORIGINAL.includes(packet.ct) && !REPLY.includes(packet.ct)) return 'next';
    if (s.kind === 'accept') return 'accept';
    if (s.kind === 'drop' || s.kind === 'reject') return 'drop';
    if (s.kind === 'return') return 'fell-off';
    if (s.kind === 'goto') return go(s.target);
    if (s.kind === 'jump') {
      const end = go(s.target);
      if (end !== 'fell-off') return end;
    }
  }
  return 'next';
}

const CT_BIT = new Map<bigint, bigint>([
  [CT.originalNew, 8n],
  [CT.originalEstablished, 2n],
  [CT.replyEstablished, 2n],
  [CT.relatedOriginal, 4n],
  [CT.relatedReply, 4n],
  [CT.invalid, 1n],
  [CT.untracked, 64n],
]);
const ORIGINAL: readonly bigint[] = [CT.originalNew, CT.originalEstablished, CT.relatedOriginal];
const REPLY: readonly bigint[] = [CT.replyEstablished, CT.relatedReply];

/** What the selector reads from the packet; `none` when there is nothing to read, `ask` when the packet does not tell. */
function read(match: Match, p: Packet): bigint | string | 'none' | 'ask' {
  const s = match.selector;
  if (s.kind === 'socket-cgroup' || s.kind === 'concat' || s.kind === 'fib-type') return 'ask';
  if (s.kind === 'ct') {
    if (s.key === 'state') return CT_BIT.get(p.ct) ?? 'none';
    if (s.key === 'mark' || s.key === 'status') return ORIGINAL.includes(p.ct) || REPLY.includes(p.ct) ? 'ask' : 'none';
    return ORIGINAL.includes(p.ct) ? 0n : REPLY.includes(p.ct) ? 1n : 'none';
  }
  if (s.kind === 'meta') {
    if (s.key === 'iif' || s.key === 'iifname') return `if:${p.iif ?? ''}`;
    if (s.key === 'oif' || s.key === 'oifname') return `if:${p.oif ?? ''}`;
    if (s.key === 'l4proto') return BigInt(p.proto);
    if (s.key === 'nfproto') return p.family === 4 ? 2n : 10n;
    if (s.key === 'skuid') return p.uid === undefined ? 'none' : BigInt(p.uid);
    if (s.key === 'mark') return BigInt(p.mark ?? 0) & (s.mask ?? 0xffffffffn);
    return p.uid === undefined ? 'none' : 'ask';
  }
  const wanted = { ip: 4, ip6: 6, icmp: 4, icmpv6: 6, tcp: 0, udp: 0, th: 0, ether: 0 }[s.protocol];
  if (wanted !== 0 && p.family !== wanted) return 'none';
  const proto = { tcp: 6, udp: 17, icmp: 1, icmpv6: 58, ip: -1, ip6: -1, th: -1, ether: -1 }[s.protocol];
  if (proto !== -1 && p.proto !== proto) return 'none';
  if (s.field === 'saddr') return p.src.value;
  if (s.field === 'daddr') return p.dst.value;
  if (s.field === 'protocol') return BigInt(p.proto);
  if (s.field === 'sport' || s.field === 'dport') {
    if (s.protocol === 'th' && ![6, 17, 33, 132, 136].includes(p.proto)) return 'ask';
    return BigInt((s.field === 'sport' ? p.sport : p.dport) ?? 0);
  }
  if (s.protocol === 'icmp' || s.protocol === 'icmpv6') {
    return BigInt((s.field === 'type' ? p.icmpType : p.icmpCode) ?? 0);
  }
  return 'ask';
}

function matches(table: Table, match: Match, packet: Packet, oracle: Oracle): boolean {
  const left = read(match, packet);
  if (left === 'none') return false;
  if (left === 'ask') return oracle.condition(JSON.stringify(match, (_k, v) => (typeof v === 'bigint' ? `${v}` : v)));
  const inside = contains(table, match.right, left);
  switch (match.op) {
    case '==':
      return inside;
    case '!=':
      return !inside;
    default: {
      if (match.right.kind !== 'number' || typeof left !== 'bigint') throw new Error('no order');
      const right = match.right.value;
      if (match.op === '<') return left < right;
      if (match.op === '>') return left > right;
      return match.op === '<=' ? left <= right : left >= right;
    }
  }
}

function contains(table: Table, right: Operand, left: bigint | string): boolean {
  switch (right.kind) {
    case 'set':
      return right.elements.some((e) => equals(e, left));
    case 'named-set': {
      const set = table.sets.find((s) => s.name === right.name);
      if (set === undefined) throw new Error(`no set ${right.name}`);
      return set.elements.some((e) => e.kind !== 'unknown' && equals(e, left));
    }
    case 'any-bit':
      return right.bits.some((b) => typeof left === 'bigint' && (left & b) !== 0n);
    default:
      return equals(right, left);
  }
}

function equals(value: Value, left: bigint | string): boolean {
  if (typeof left === 'string') return value.kind === 'string' && left === `if:${value.text}`;
  switch (value.kind) {
    case 'string':
      return false;
    case 'number':
      return left === value.value;
    case 'number-range':
      return left >= value.first && left <= value.last;
    case 'address':
      return left === value.address.value;
    case 'address-range':
      return left >= value.first.value && left <= value.last.value;
    case 'prefix': {
      const host = BigInt((value.prefix.family === 4 ? 32 : 128) - value.prefix.length);
      return left >> host === value.prefix.first >> host;
    }
    case 'concat':
      return false;
  }
}

/** For messages of failed tests. */
export function showPacket(p: Packet): string {
  const where = `${p.iif ?? '-'}>${p.oif ?? '-'}`;
  return `${where} proto ${p.proto} ${formatAddress(p.src)}:${p.sport ?? p.icmpType} > ${formatAddress(p.dst)}:${p.dport ?? p.icmpCode} ct ${p.ct} uid ${p.uid ?? '-'} mark ${p.mark ?? 0}`;
}
