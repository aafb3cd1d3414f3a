import type { Family } from '../net/address.ts';
import { AddressSet } from '../net/address-set.ts';
import { IntervalSet } from '../net/interval-set.ts';
import { PacketSet } from '../net/packet-set.ts';
import { parsePrefix } from '../net/prefix.ts';
import type { FilterRule } from './compile/filter-rules.ts';
import { ALL_PORTS } from './policy/ports.ts';

/** Protocols whose ports the filter looks at (wgengine/filter/filter.go: runIn4, runIn6). */
const PORT_PROTOCOLS: readonly number[] = [6, 17, 132];

/** The ICMP of each family. */
const ICMP: Readonly<Record<Family, number>> = { 4: 1, 6: 58 };

/** Dropped before any rule (wgengine/filter/filter.go: pre), IPv4 multicast mapped into IPv6 included. */
const MULTICAST = AddressSet.ofPrefixes(
  ...['224.0.0.0/4', 'ff00::/8', '::ffff:224.0.0.0/100'].flatMap((p) => parsePrefix(p)?.prefix ?? []),
);

/**
 * The packets that may open a flow because of a rule, as a node's packet filter decides (tailscale/tailscale
 * wgengine/filter/filter.go and match.go, with packets that no rule is needed for left out):
 *
 * - a rule never mixes families;
 * - TCP, UDP, SCTP: protocol listed, addresses and destination port match;
 * - ICMP in IPv4 and ICMPv6 in IPv6: addresses match, whatever the rule's protocols and ports (matchIPsOnly);
 * - every other protocol, ICMPv6 in IPv4 and ICMP in IPv6 among them: listed, and the destination has all ports.
 *
 * Only what the node serves gets this far (own addresses and advertised routes): restrict `dst` to that. Connection
 * state, interfaces and the like are left open: the filter does not look at them.
 */
export function rulePackets(rule: FilterRule): PacketSet {
  return PacketSet.unionAll(([4, 6] as const).flatMap((family) => familyPackets(rule, family)));
}

function familyPackets(rule: FilterRule, family: Family): PacketSet[] {
  const side = (set: AddressSet) => (family === 4 ? set.v4 : set.v6);
  const src = side(rule.src);
  if (src.isEmpty()) return [];
  const listed = rule.protocols.filter((p) => p >= 0 && p <= 255);
  const withPorts = listed.filter((p) => PORT_PROTOCOLS.includes(p));
  const others = listed.filter((p) => !PORT_PROTOCOLS.includes(p) && p !== ICMP[family]);
  return rule.dst.flatMap(({ addresses, ports }) => {
    const dst = side(addresses.subtract(MULTICAST));
    if (dst.isEmpty()) return [];
    const to = (protocols: readonly number[], dport?: IntervalSet) =>
      PacketSet.box({
        family: IntervalSet.point(BigInt(family)),
        proto: IntervalSet.points(...protocols.map(BigInt)),
        src,
        dst,
        ...(dport === undefined ? {} : { dport }),
      });
    return [
      to([ICMP[family]]),
      ...(withPorts.length > 0 ? [to(withPorts, ports)] : []),
      ...(others.length > 0 && ports.equals(ALL_PORTS) ? [to(others)] : []),
    ];
  });
}
