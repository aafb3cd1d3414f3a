import { LAST_VALUE } from './address.ts';
import { NO_INTERFACE } from './interface-id.ts';
import { IntervalSet } from './interval-set.ts';
import { CT, PROTO } from './packet.ts';

/** The fields of a packet in decision order. */
export const FIELDS = [
  'family',
  'proto',
  'src',
  'dst',
  'sport',
  'dport',
  'icmpType',
  'icmpCode',
  'ct',
  'iif',
  'oif',
  'uid',
  'mark',
] as const;

/**
 * A dimension of a packet set.
 *
 * - `family`: 4 or 6.
 * - `proto`: 0..255.
 * - `src`, `dst`: an address as a number, in the range of the family.
 * - `sport`, `dport`: 0..65535; only packets of `PORT_PROTOCOLS` have them.
 * - `icmpType`, `icmpCode`: 0..255; only packets of `ICMP_PROTOCOLS` have them.
 * - `ct`: a value of `CT`.
 * - `iif`, `oif`: `internInterface(name)`, `UNNAMED_INTERFACE` or `NO_INTERFACE`.
 * - `uid`: owner of the sending socket, 0..2^32-1, or `NO_UID`.
 * - `mark`: 0..2^32-1.
 */
export type Field = (typeof FIELDS)[number];

/** Value of `uid` for a packet without a socket (forwarded, or sent by the kernel). */
export const NO_UID = 1n << 32n;

/** Protocols whose packets have ports. */
export const PORT_PROTOCOLS: IntervalSet = IntervalSet.points(
  ...[PROTO.tcp, PROTO.udp, PROTO.dccp, PROTO.sctp, PROTO.udplite].map(BigInt),
);

/** Protocols whose packets have a type and a code. */
export const ICMP_PROTOCOLS: IntervalSet = IntervalSet.points(BigInt(PROTO.icmp), BigInt(PROTO.icmpv6));

/** All values of each field; `src` and `dst` are narrower under family 4. */
export const DOMAIN: Readonly<Record<Field, IntervalSet>> = {
  family: IntervalSet.points(4n, 6n),
  proto: IntervalSet.of([0n, 255n]),
  src: IntervalSet.of([0n, LAST_VALUE[6]]),
  dst: IntervalSet.of([0n, LAST_VALUE[6]]),
  sport: IntervalSet.of([0n, 65535n]),
  dport: IntervalSet.of([0n, 65535n]),
  icmpType: IntervalSet.of([0n, 255n]),
  icmpCode: IntervalSet.of([0n, 255n]),
  ct: IntervalSet.of([CT.originalNew, CT.untracked]),
  iif: IntervalSet.of([0n, NO_INTERFACE]),
  oif: IntervalSet.of([0n, NO_INTERFACE]),
  uid: IntervalSet.of([0n, NO_UID]),
  mark: IntervalSet.of([0n, (1n << 32n) - 1n]),
};
