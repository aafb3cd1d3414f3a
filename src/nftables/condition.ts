import { DOMAIN, NO_UID, PORT_PROTOCOLS } from '../net/field.ts';
import { IntervalSet } from '../net/interval-set.ts';
import { CT, PROTO } from '../net/packet.ts';
import { PacketSet } from '../net/packet-set.ts';
import { type Datatype, datatypeOf } from './datatype.ts';
import { maskedValues } from './mask.ts';
import { type Bounds, compareBounds, operandBounds, tuplesOf, unbounded } from './operand.ts';
import type { Match, Selector, Table } from './ruleset.ts';
import { CT_DIRECTION, CT_STATE, numberOf } from './symbols.ts';

/** What is known of a match: packets of `sure` match, packets outside of `possible` do not, the rest may do either. */
export interface Condition {
  readonly sure: PacketSet;
  readonly possible: PacketSet;
}

/** One dimension that a selector looks at. */
interface Dimension {
  /** The values it can have; packets without a value match no operator. */
  readonly domain: IntervalSet;
  /** The packets whose value is in a set. */
  readonly packets: (values: IntervalSet) => PacketSet;
  /** Packets for which the value is there but not known to the packet model. */
  readonly unseen?: PacketSet;
}

const SOCKET = PacketSet.box({ uid: IntervalSet.point(NO_UID) }).complement();
const WITH_PORTS = PacketSet.box({ proto: PORT_PROTOCOLS });
const V4 = IntervalSet.point(4n);
const V6 = IntervalSet.point(6n);
const IPV4 = PacketSet.box({ family: V4 });
const IPV6 = PacketSet.box({ family: V6 });

/** Values of the `ct` field by `ct state` name (nf_conntrack_tuple_common.h enum ip_conntrack_info). */
const STATES: readonly (readonly [string, readonly bigint[]])[] = [
  ['invalid', [CT.invalid]],
  ['established', [CT.originalEstablished, CT.replyEstablished]],
  ['related', [CT.relatedOriginal, CT.relatedReply]],
  ['new', [CT.originalNew]],
  ['untracked', [CT.untracked]],
];

/** Values of the `ct` field by `ct direction` name; invalid and untracked packets have no direction (nft_ct.c). */
const DIRECTIONS: readonly (readonly [string, readonly bigint[]])[] = [
  ['original', [CT.originalNew, CT.originalEstablished, CT.relatedOriginal]],
  ['reply', [CT.replyEstablished, CT.relatedReply]],
];

const TRACKED = IntervalSet.of([CT.originalNew, CT.relatedReply]);

/**
 * The packets that a match of `table` matches. The implied dependencies that nft does not print are part of it: `ip …`
 * means IPv4, `tcp …` TCP, `icmp …` ICMP in IPv4 (payload.c payload_gen_dependency).
 */
export function conditionOf(match: Match, table: Table): Condition {
  const { selector } = match;
  const type = datatypeOf(selector);
  if (type === undefined) return possibly(PacketSet.all);
  if (selector.kind === 'concat') return concatCondition(match, selector.parts, type, table);
  const dimension = dimensionOf(selector, table);
  if (dimension === undefined) return possibly(PacketSet.all);
  const bounds = matchBounds(match, type, table, dimension.domain);
  const unseen = dimension.unseen ?? PacketSet.none;
  return { sure: dimension.packets(bounds.sure), possible: dimension.packets(bounds.possible).union(unseen) };
}

/** A match whose outcome is open for all of these packets. */
export function possibly(packets: PacketSet): Condition {
  return { sure: PacketSet.none, possible: packets };
}

/**
 * The values of `domain`, before any mask, for which the match holds.
 * @param type of the match's selector, which is no concatenation
 */
export function matchBounds(match: Match, type: Datatype, table: Table, domain: IntervalSet): Bounds {
  return compareBounds(match.op, maskedBounds(match, type, table, domain), domain);
}

function maskedBounds(match: Match, type: Datatype, table: Table, domain: IntervalSet): Bounds {
  const right = operandBounds(match.right, type, table, domain);
  const mask = 'mask' in match.selector ? match.selector.mask : undefined;
  if (mask === undefined) return right;
  const isEquality = match.op === '==' || match.op === '!=';
  const bits = 'bits' in type ? type.bits : 32;
  const values = isEquality && right.sure.equals(right.possible) ? maskedValues(mask, right.sure, bits) : undefined;
  return values === undefined ? unbounded(domain) : { sure: values, possible: values };
}

/** Every part has to have a value, and the values together have to be (or not to be) one of the tuples. */
function concatCondition(match: Match, parts: readonly Selector[], type: Datatype, table: Table): Condition {
  const dimensions = parts.flatMap((part) => dimensionOf(part, table) ?? []);
  if (dimensions.length !== parts.length || type.kind !== 'concat') return possibly(PacketSet.all);
  const unseen = (d: Dimension) => d.unseen ?? PacketSet.none;
  const meet = (sets: readonly PacketSet[]) => sets.reduce((all, set) => all.intersect(set), PacketSet.all);
  const valued = meet(dimensions.map((d) => d.packets(d.domain)));
  const maybeValued = meet(dimensions.map((d) => d.packets(d.domain).union(unseen(d))));
  const domains = dimensions.map((d) => d.domain);
  const tuples = match.op === '==' || match.op === '!=' ? tuplesOf(match.right, type, table, domains) : undefined;
  if (tuples === undefined) return possibly(maybeValued);
  const among = (pick: (d: Dimension, bounds: Bounds) => PacketSet) =>
    PacketSet.unionAll(
      tuples.map((tuple) =>
        meet(dimensions.map((d, i) => pick(d, tuple[i] ?? { sure: IntervalSet.empty, possible: IntervalSet.empty }))),
      ),
    );
  const sure = among((d, bounds) => d.packets(bounds.sure.intersect(d.domain)));
  const possible = among((d, bounds) => d.packets(bounds.possible.intersect(d.domain)).union(unseen(d)));
  if (match.op === '==') return { sure, possible };
  return { sure: valued.subtract(possible), possible: maybeValued.subtract(sure) };
}

function dimensionOf(selector: Selector, table: Table): Dimension | undefined {
  switch (selector.kind) {
    case 'meta':
      return metaDimension(selector);
    case 'payload':
      return payloadDimension(selector, table);
    case 'ct':
      return ctDimension(selector.key, table);
    case 'fib-type':
    case 'concat':
    case 'socket-cgroup':
      return undefined;
  }
}

function metaDimension(selector: Extract<Selector, { kind: 'meta' }>): Dimension | undefined {
  switch (selector.key) {
    // A hook without the interface gives the empty name and index 0, so `!=` matches (nft_meta.c nft_meta_store_ifname).
    case 'iif':
    case 'iifname':
      return { domain: DOMAIN.iif, packets: (iif) => PacketSet.box({ iif }) };
    case 'oif':
    case 'oifname':
      return { domain: DOMAIN.oif, packets: (oif) => PacketSet.box({ oif }) };
    case 'l4proto':
      return { domain: DOMAIN.proto, packets: (proto) => PacketSet.box({ proto }) };
    case 'nfproto':
      return {
        domain: IntervalSet.of([2n, 2n], [10n, 10n]),
        packets: (v) => byFamily(v.contains(2n), v.contains(10n)),
      };
    case 'mark':
      return { domain: DOMAIN.mark, packets: (mark) => PacketSet.box({ mark }) };
    case 'skuid':
      return { domain: DOMAIN.uid.subtract(IntervalSet.point(NO_UID)), packets: (uid) => PacketSet.box({ uid }) };
    case 'protocol':
      return etherDimension();
    case 'pkttype':
      return { domain: IntervalSet.empty, packets: () => PacketSet.none, unseen: PacketSet.all };
    case 'skgid':
      return { domain: IntervalSet.empty, packets: () => PacketSet.none, unseen: SOCKET };
  }
}

function byFamily(v4: boolean, v6: boolean): PacketSet {
  return (v4 ? IPV4 : PacketSet.none).union(v6 ? IPV6 : PacketSet.none);
}

function payloadDimension(selector: Extract<Selector, { kind: 'payload' }>, table: Table): Dimension | undefined {
  switch (selector.protocol) {
    case 'ip':
      return ipDimension(selector.field, 4);
    case 'ip6':
      return ipDimension(selector.field, 6);
    case 'tcp':
      return portDimension(selector.field, IntervalSet.point(BigInt(PROTO.tcp)));
    case 'udp':
      return portDimension(selector.field, IntervalSet.point(BigInt(PROTO.udp)));
    case 'th':
      // Without a test of the protocol these are two bytes of whatever follows the network header.
      return { ...portDimension(selector.field, PORT_PROTOCOLS), unseen: WITH_PORTS.complement() };
    case 'icmp':
      return icmpDimension(selector.field, V4, PROTO.icmp);
    case 'icmpv6':
      return icmpDimension(selector.field, V6, PROTO.icmpv6);
    case 'ether':
      return table.family === 'netdev' ? etherDimension() : undefined;
  }
}

function ipDimension(field: string, version: 4 | 6): Dimension {
  const family = version === 4 ? V4 : V6;
  const domain = IntervalSet.of([0n, (1n << (version === 4 ? 32n : 128n)) - 1n]);
  switch (field) {
    case 'saddr':
      return { domain, packets: (src) => PacketSet.box({ family, src }) };
    case 'daddr':
      return { domain, packets: (dst) => PacketSet.box({ family, dst }) };
    case 'protocol':
      return { domain: DOMAIN.proto, packets: (proto) => PacketSet.box({ family, proto }) };
    default:
      // Hop limit and the like: there in every packet of the family, but not modelled.
      return { domain: IntervalSet.empty, packets: () => PacketSet.none, unseen: PacketSet.box({ family }) };
  }
}

function portDimension(field: string, proto: IntervalSet): Dimension {
  const isSource = field === 'sport';
  // Flags: there in every packet of the protocol, but not modelled.
  if (!isSource && field !== 'dport') {
    return { domain: IntervalSet.empty, packets: () => PacketSet.none, unseen: PacketSet.box({ proto }) };
  }
  return {
    domain: DOMAIN.sport,
    packets: (ports) => PacketSet.box(isSource ? { proto, sport: ports } : { proto, dport: ports }),
  };
}

function icmpDimension(field: string, family: IntervalSet, protocol: number): Dimension {
  const proto = IntervalSet.point(BigInt(protocol));
  const isType = field === 'type';
  return {
    domain: DOMAIN.icmpType,
    packets: (v) => PacketSet.box(isType ? { family, proto, icmpType: v } : { family, proto, icmpCode: v }),
  };
}

/** Only IP packets are modelled, so ARP and the rest match nothing. */
function etherDimension(): Dimension {
  return {
    domain: IntervalSet.of([0n, 0xffffn]),
    packets: (types) => byFamily(types.contains(0x0800n), types.contains(0x86ddn)),
  };
}

function ctDimension(key: 'state' | 'direction' | 'status' | 'mark', table: Table): Dimension {
  const nothing = { domain: IntervalSet.empty, packets: () => PacketSet.none };
  // At a device's own hooks a packet may or may not carry its connection.
  if (table.family === 'netdev') return { ...nothing, unseen: PacketSet.all };
  if (key === 'mark' || key === 'status') return { ...nothing, unseen: PacketSet.box({ ct: TRACKED }) };
  // `ct state` always has a value, `ct direction` only with a connection (nft_ct.c nft_ct_get_eval).
  const names = key === 'state' ? STATES : DIRECTIONS;
  const values = names.map(
    ([name, ct]) => [numberOf(key === 'state' ? CT_STATE : CT_DIRECTION, name) ?? 0n, ct] as const,
  );
  return {
    domain: IntervalSet.points(...values.map(([number]) => number)),
    packets: (numbers) =>
      PacketSet.box({ ct: IntervalSet.points(...values.flatMap(([n, ct]) => (numbers.contains(n) ? ct : []))) }),
  };
}
