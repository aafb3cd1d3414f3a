import type { Family } from '../net/address.ts';
import type { AddressSet } from '../net/address-set.ts';
import { IntervalSet } from '../net/interval-set.ts';
import { PacketSet } from '../net/packet-set.ts';
import type { NodeRule } from './packet/match.ts';
import { ICMP_OF, NODE_PROTO } from './packet/packet.ts';
import { ALL_PORTS } from './policy/ports.ts';
import { NEVER_DELIVERED } from './ranges.ts';

/** Protocols whose ports the filter looks at (wgengine/filter/filter.go: runIn4, runIn6). */
const WITH_PORTS: readonly number[] = [NODE_PROTO.tcp, NODE_PROTO.udp, NODE_PROTO.sctp];

/** Never asked of a rule: 0 and 255 are dropped, Tailscale's own messages pass without one. */
const NOT_BY_RULE: readonly number[] = [0, NODE_PROTO.tsmp, 255];

/**
 * IPv6 extension headers (IANA, "IPv6 Extension Header Types"): the filter takes each for the packet's protocol and does
 * not look behind it, while `proto` in a packet set is what comes behind all of them.
 */
const EXTENSION_HEADERS: readonly number[] = [43, 44, 51, 60, 135, 139, 140];

/**
 * The packets that may open a flow because of a rule, as a node's packet filter decides (tailscale/tailscale
 * wgengine/filter/filter.go and match.go, with packets that no rule is needed for left out):
 *
 * - a rule never mixes families;
 * - TCP, UDP, SCTP: protocol listed, addresses and destination port match;
 * - ICMP in IPv4 and ICMPv6 in IPv6: addresses match, whatever the rule's protocols and ports (matchIPsOnly);
 * - every other protocol, ICMPv6 in IPv4 and ICMP in IPv6 among them: listed, and the destination has all ports. Where
 *   that is an IPv6 extension header, anything may be behind it.
 *
 * Only what the node serves gets this far (own addresses and advertised routes): restrict `dst` to that. Connection
 * state, interfaces and the like are left open: the filter does not look at them.
 */
export function rulePackets(rule: Pick<NodeRule, 'src' | 'dst' | 'protocols'>): PacketSet {
  return PacketSet.unionAll(([4, 6] as const).flatMap((family) => familyPackets(rule, family)));
}

function familyPackets(rule: Pick<NodeRule, 'src' | 'dst' | 'protocols'>, family: Family): PacketSet[] {
  const side = (set: AddressSet) => (family === 4 ? set.v4 : set.v6);
  const src = side(rule.src);
  if (src.isEmpty()) return [];
  const listed = rule.protocols.filter((p) => p >= 0 && p <= 255);
  const withPorts = listed.filter((p) => WITH_PORTS.includes(p));
  const others = listed.filter((p) => ![...WITH_PORTS, ...NOT_BY_RULE, ICMP_OF[family]].includes(p));
  const hides = family === 6 && others.some((p) => EXTENSION_HEADERS.includes(p));
  return rule.dst.flatMap(({ addresses, ports }) => {
    const dst = side(addresses.subtract(NEVER_DELIVERED));
    if (dst.isEmpty()) return [];
    const hosts = { family: IntervalSet.point(BigInt(family)), src, dst };
    const to = (protocols: readonly number[], more: { dport?: IntervalSet } = {}) =>
      PacketSet.box({ ...hosts, proto: IntervalSet.points(...protocols.map(BigInt)), ...more });
    const isOpen = others.length > 0 && ports.equals(ALL_PORTS);
    if (isOpen && hides) return [PacketSet.box(hosts)];
    return [
      to([ICMP_OF[family]]),
      ...(withPorts.length > 0 ? [to(withPorts, { dport: ports })] : []),
      ...(isOpen ? [to(others)] : []),
    ];
  });
}
