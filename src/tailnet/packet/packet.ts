import type { Address, Family } from '../../net/address.ts';

/**
 * A packet as a node's filter sees it: what `net/packet` of tailscale/tailscale reads out of the bytes, no more. In
 * particular an IPv6 extension header other than a fragment header directly behind the base header is a protocol of its
 * own here, and what it carries is not looked at.
 */
export type NodePacket =
  /** No byte at all: WireGuard's keepalive. */
  | { readonly kind: 'keepalive' }
  /** Too short, truncated, a transport header that does not fit, a fragment at a low offset, protocol 0 or 255. */
  | { readonly kind: 'unreadable'; readonly isShort: boolean }
  /** A fragment other than the first, far enough from the transport header. */
  | { readonly kind: 'fragment'; readonly family: Family; readonly src: Address; readonly dst: Address }
  | WholePacket;

/** A packet, or the first fragment of one, whose transport header is complete. */
export interface WholePacket {
  readonly kind: 'whole';
  readonly family: Family;
  readonly src: Address;
  readonly dst: Address;
  /** 1..254. */
  readonly proto: number;
  /** 0 where the protocol is not TCP, UDP or SCTP. */
  readonly sport: number;
  readonly dport: number;
  /** TCP with SYN set and ACK clear, whatever else is set. */
  readonly isTcpSyn: boolean;
  /** Echo reply with code 0, or an error, with at least 8 bytes, in the ICMP of the packet's family. */
  readonly isIcmpAnswer: boolean;
}

/** Protocol numbers that the filter singles out (tailscale/tailscale types/ipproto). */
export const NODE_PROTO = { icmp: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58, tsmp: 99, sctp: 132 } as const;

/** The ICMP that belongs to each family; the other one is a protocol like any other. */
export const ICMP_OF: Readonly<Record<Family, number>> = { 4: NODE_PROTO.icmp, 6: NODE_PROTO.icmpv6 };

/**
 * ICMP types that count as answers, next to echo reply (net/packet/packet.go: IsError). IPv4's "parameter problem" is 18
 * there, where IANA has 12.
 */
export const ICMP_ERRORS: Readonly<Record<Family, readonly number[]>> = { 4: [3, 11, 18], 6: [1, 2, 3, 4] };

export const ICMP_ECHO_REPLY: Readonly<Record<Family, number>> = { 4: 0, 6: 129 };

/** Where fragments may begin, in units of 8 bytes: behind the longest IPv4 and TCP headers (minFragBlks). */
export const FIRST_FRAGMENT_UNIT = 10;
