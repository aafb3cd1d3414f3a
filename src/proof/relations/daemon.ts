import { AddressSet } from '../../net/address-set.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { addressesToPackets, PacketSet } from '../../net/packet-set.ts';
import type { Host, PortRange } from '../../topology/model.ts';
import { onInterface, transport } from './packets.ts';

/** The daemon's peers and STUN on UDP 41641, answers of resolvers, control servers and relays. */
export function daemonIn(host: Host): PacketSet {
  if (!host.tailscaled) return PacketSet.none;
  const underlay = PacketSet.unionAll(host.underlayInterfaces.map((name) => onInterface('iif', name)));
  const peers = transport(PROTO.udp, 'dport', [port(41641)]);
  const web = transport(PROTO.tcp, 'sport', [port(80), port(443)]);
  const names = transport(PROTO.tcp, 'sport', [port(53)]).union(transport(PROTO.udp, 'sport', [port(53)]));
  const answers = host.resolvers.length === 0 ? web : web.union(names);
  return underlay.intersect(peers.union(answers.restrict('ct', IntervalSet.point(CT.replyEstablished))));
}

/**
 * The daemon's own flows, on the underlay, as root and with the daemon's mark on its sockets; its lookups are unmarked and
 * go to the declared resolvers alone (tailscale/tailscale `net/netns/netns_linux.go`, `net/tsconst/linuxfw.go`). Being
 * root is no identity: a stub resolver or a setuid helper is root as well.
 */
export function daemonOut(host: Host): PacketSet {
  if (!host.tailscaled) return PacketSet.none;
  const underlay = PacketSet.unionAll(host.underlayInterfaces.map((name) => onInterface('oif', name)));
  const marked = transport(PROTO.udp, 'sport', [port(41641)])
    .union(transport(PROTO.tcp, 'dport', [port(80), port(443)]))
    .restrict('mark', DAEMON_MARK);
  const lookups = transport(PROTO.udp, 'dport', [port(53)])
    .union(transport(PROTO.tcp, 'dport', [port(53)]))
    .intersect(addressesToPackets('dst', AddressSet.ofAddresses(...host.resolvers)));
  return underlay.intersect(marked.union(lookups)).restrict('uid', IntervalSet.point(0n));
}

/**
 * The daemon's own flows at the second gate, which knows them by the mark of their connection alone: neither the socket
 * nor, of a lookup, the server is asked for again.
 */
export function daemonLeaving(host: Host): PacketSet {
  if (!host.tailscaled) return PacketSet.none;
  const underlay = PacketSet.unionAll(host.underlayInterfaces.map((name) => onInterface('oif', name)));
  const names = transport(PROTO.tcp, 'dport', [port(53)]).union(transport(PROTO.udp, 'dport', [port(53)]));
  const web = transport(PROTO.tcp, 'dport', [port(80), port(443)]);
  const asked = host.resolvers.length === 0 ? web : web.union(names);
  // WireGuard's own port is tied to no direction: the peer may have opened the connection entry.
  return underlay.intersect(transport(PROTO.udp, 'sport', [port(41641)]).union(asked.restrict('ct', ORIGINAL)));
}

const ORIGINAL = IntervalSet.points(CT.originalNew, CT.originalEstablished, CT.relatedOriginal);

/** Marks with 0x08 in the byte 0xff0000: a 64 kB range for every value of the highest byte. */
const DAEMON_MARK = IntervalSet.of(
  ...Array.from({ length: 256 }, (_, high): readonly [bigint, bigint] => {
    const first = (BigInt(high) << 24n) | 0x80000n;
    return [first, first | 0xffffn];
  }),
);

function port(number: number): PortRange {
  return { first: number, last: number };
}
