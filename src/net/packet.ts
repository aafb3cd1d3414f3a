import type { Address, Family } from './address.ts';

/**
 * What connection tracking says of a packet, as values of the `ct` field: the state (`ct state` in nft(8)) together
 * with the direction (`ct direction`), because rules that ask for one without the other are where isolation leaks.
 * `related` is a packet that begins or belongs to a flow related to a known one (an ICMP error, an expected data
 * connection). `invalid` and `untracked` packets have no connection and so no direction.
 */
export const CT = {
  originalNew: 0n,
  originalEstablished: 1n,
  replyEstablished: 2n,
  relatedOriginal: 3n,
  relatedReply: 4n,
  invalid: 5n,
  untracked: 6n,
} as const;

/** A value of the `ct` field. */
export type CtState = (typeof CT)[keyof typeof CT];

/** IANA protocol numbers that the semantics single out. */
export const PROTO = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
} as const;

/** One concrete packet at one hook. */
export interface Packet {
  readonly family: Family;
  /** IANA protocol number, 0..255 (the IPv6 next header after extension headers). */
  readonly proto: number;
  /** Of the packet's family. */
  readonly src: Address;
  readonly dst: Address;
  /** 0..65535; present for protocols with ports, read as 0 when missing there, and ignored elsewhere. */
  readonly sport?: number;
  readonly dport?: number;
  /** 0..255; present for ICMP and ICMPv6, read as 0 when missing there, and ignored elsewhere. */
  readonly icmpType?: number;
  readonly icmpCode?: number;
  readonly ct: CtState;
  /** Interface name; the empty name is an interface that nobody named; missing where the hook has no such interface. */
  readonly iif?: string;
  readonly oif?: string;
  /** Owner of the sending socket; missing for packets without a socket. */
  readonly uid?: number;
  /** Packet mark; missing is 0. */
  readonly mark?: number;
}
