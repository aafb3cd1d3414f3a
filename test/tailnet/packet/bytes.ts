import { parseAddress } from '../../../src/net/address.ts';

/** How a test packet differs from an ordinary one. */
export interface Quirks {
  /** In units of 8 bytes. */
  readonly fragment?: number;
  readonly moreFragments?: boolean;
  /** What the length field says; as long as the packet is, unless given. */
  readonly length?: number;
  /** IPv4: the header length field, in words of 4 bytes. */
  readonly headerWords?: number;
}

/** An IP packet with the header of its destination's family; a fragment header where IPv6 needs one. */
export function ip(
  [src, dst]: readonly [string, string],
  proto: number,
  payload: readonly number[],
  quirks: Quirks = {},
): Uint8Array {
  return dst.includes(':') ? ip6(src, dst, proto, payload, quirks) : ip4(src, dst, proto, payload, quirks);
}

function ip4(src: string, dst: string, proto: number, payload: readonly number[], q: Quirks): Uint8Array {
  const flags = (q.moreFragments === true ? 0x2000 : 0) | (q.fragment ?? 0);
  const header = [0x40 | (q.headerWords ?? 5), 0, ...word(q.length ?? 20 + payload.length), 0, 0, ...word(flags)];
  return Uint8Array.from([...header, 64, proto, 0, 0, ...octets(src, 4), ...octets(dst, 4), ...payload]);
}

function ip6(src: string, dst: string, proto: number, payload: readonly number[], q: Quirks): Uint8Array {
  const isFragment = q.fragment !== undefined || q.moreFragments !== undefined;
  const units = ((q.fragment ?? 0) << 3) | (q.moreFragments === true ? 1 : 0);
  const rest = isFragment ? [proto, 0, ...word(units), 0, 0, 0, 1, ...payload] : payload;
  const header = [0x60, 0, 0, 0, ...word(q.length ?? rest.length), isFragment ? 44 : proto, 64];
  return Uint8Array.from([...header, ...octets(src, 16), ...octets(dst, 16), ...rest]);
}

/** TCP flags, by the names that RFC 9293 gives them. */
export const TCP = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const;

export function tcp(dport: number, flags: number, sport = 40000): number[] {
  return [...word(sport), ...word(dport), 0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0];
}

export function udp(dport: number, sport = 40000): number[] {
  return [...word(sport), ...word(dport), 0, 8, 0, 0];
}

export function sctp(dport: number, sport = 40000): number[] {
  return [...word(sport), ...word(dport), 0, 0, 0, 0, 0, 0, 0, 0];
}

export function icmp(type: number, code = 0, length = 8): number[] {
  return [type, code, 0, 0, 0, 0, 0, 0].slice(0, length);
}

function word(n: number): [number, number] {
  return [(n >> 8) & 255, n & 255];
}

function octets(text: string, count: number): number[] {
  const value = parseAddress(text)?.value ?? 0n;
  return Array.from({ length: count }, (_, i) => Number((value >> BigInt(8 * (count - 1 - i))) & 255n));
}
