import type { Address, Family } from '../../net/address.ts';
import { FIRST_FRAGMENT_UNIT, ICMP_ECHO_REPLY, ICMP_ERRORS, ICMP_OF, NODE_PROTO, type NodePacket } from './packet.ts';

const UNREADABLE: NodePacket = { kind: 'unreadable', isShort: false };

/** Least bytes of a transport header; what is not listed may be empty (net/packet/packet.go: decode4, decode6). */
const HEADER_BYTES: ReadonlyMap<number, number> = new Map([
  [NODE_PROTO.tcp, 20],
  [NODE_PROTO.udp, 8],
  [NODE_PROTO.sctp, 12],
  [NODE_PROTO.tsmp, 7],
]);

const WITH_PORTS: ReadonlySet<number> = new Set([NODE_PROTO.tcp, NODE_PROTO.udp, NODE_PROTO.sctp]);

/** The IPv6 fragment header's number. */
const FRAGMENT_HEADER = 44;

/** What 0 and 255 stand for inside the daemon: "unknown" and "fragment". Never taken from the wire. */
const RESERVED: readonly number[] = [0, 255];

/**
 * Reads a packet from its IP header on, as a node does (tailscale/tailscale net/packet/packet.go: Decode). Checksums are
 * not looked at, and neither is what an IPv4 header shorter than 20 bytes would mean: the transport header is then read
 * inside the IP header.
 */
export function decodePacket(bytes: Uint8Array): NodePacket {
  if (bytes.length === 0) return { kind: 'keepalive' };
  if (bytes.length < 20) return { kind: 'unreadable', isShort: true };
  const version = at(bytes, 0) >> 4;
  if (version === 4) return decode4(bytes);
  return version === 6 && bytes.length >= 40 ? decode6(bytes) : UNREADABLE;
}

function decode4(b: Uint8Array): NodePacket {
  const total = word(b, 2);
  const start = (at(b, 0) & 15) * 4;
  if (b.length < total || start > total) return UNREADABLE;
  const [src, dst] = [address4(b, 12), address4(b, 16)];
  const flags = word(b, 6);
  const unit = flags & 0x1fff;
  if (unit > 0) return laterFragment(unit, 4, src, dst);
  const proto = at(b, 9);
  const size = b.length - start;
  if (proto === NODE_PROTO.igmp && size < 8) return UNREADABLE;
  if (proto === NODE_PROTO.tsmp && (flags & 0x2000) !== 0) return UNREADABLE;
  return whole(b, start, { family: 4, src, dst, proto });
}

function decode6(b: Uint8Array): NodePacket {
  if (b.length < 40 + word(b, 4)) return UNREADABLE;
  const [src, dst] = [address6(b, 8), address6(b, 24)];
  const next = at(b, 6);
  if (next !== FRAGMENT_HEADER) return whole(b, 40, { family: 6, src, dst, proto: next });
  if (b.length < 48) return UNREADABLE;
  const unit = word(b, 42) >> 3;
  if (unit > 0) return laterFragment(unit, 6, src, dst);
  return whole(b, 48, { family: 6, src, dst, proto: at(b, 40) });
}

function laterFragment(unit: number, family: Family, src: Address, dst: Address): NodePacket {
  return unit < FIRST_FRAGMENT_UNIT ? UNREADABLE : { kind: 'fragment', family, src, dst };
}

interface Header {
  readonly family: Family;
  readonly src: Address;
  readonly dst: Address;
  readonly proto: number;
}

/** @param start where the transport header begins; the rest of the buffer counts, whatever the length field says */
function whole(b: Uint8Array, start: number, { family, src, dst, proto }: Header): NodePacket {
  const size = b.length - start;
  const isIcmp = proto === ICMP_OF[family];
  if (RESERVED.includes(proto) || size < (isIcmp ? 4 : (HEADER_BYTES.get(proto) ?? 0))) return UNREADABLE;
  const ports = WITH_PORTS.has(proto);
  return {
    kind: 'whole',
    family,
    src,
    dst,
    proto,
    sport: ports ? word(b, start) : 0,
    dport: ports ? word(b, start + 2) : 0,
    isTcpSyn: proto === NODE_PROTO.tcp && (at(b, start + 13) & 0x12) === 0x02,
    isIcmpAnswer: isIcmp && size >= 8 && isAnswer(family, at(b, start), at(b, start + 1)),
  };
}

function isAnswer(family: Family, type: number, code: number): boolean {
  return (type === ICMP_ECHO_REPLY[family] && code === 0) || ICMP_ERRORS[family].includes(type);
}

function at(b: Uint8Array, i: number): number {
  return b[i] ?? 0;
}

function word(b: Uint8Array, i: number): number {
  return at(b, i) * 256 + at(b, i + 1);
}

function address4(b: Uint8Array, i: number): Address {
  return { family: 4, value: BigInt(word(b, i) * 65536 + word(b, i + 2)) };
}

function address6(b: Uint8Array, i: number): Address {
  let value = 0n;
  for (let k = i; k < i + 16; k += 4) value = (value << 32n) | BigInt(word(b, k) * 65536 + word(b, k + 2));
  return { family: 6, value };
}
