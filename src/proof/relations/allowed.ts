import { AddressSet } from '../../net/address-set.ts';
import { internInterface } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { addressesToPackets, PacketSet } from '../../net/packet-set.ts';
import type { Host, PortRange, Service } from '../../topology/model.ts';
import { type End, type FlowPath, TAILNET_INTERFACE } from '../intent.ts';

/**
 * What each hook of a host's ruleset may let pass, by the topology alone: the opening direction of a flow new or
 * established, the answering direction established only. Whatever a ruleset accepts beyond this breaks a claim.
 */

const OPENING = IntervalSet.points(CT.originalNew, CT.originalEstablished);
const ANSWERING = IntervalSet.points(CT.replyEstablished);
const RELATED = IntervalSet.points(CT.relatedOriginal, CT.relatedReply);

/** What may pass the input hook: declared flows, answers to the host's own, link maintenance, the daemon's packets. */
export function allowedIn(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap((p) => {
    if (p.to === host) return [opening(arriving(p.receiver), p.service)];
    if (p.from === host && p.sender) return [answering(arriving(p.sender), p.service)];
    return [];
  });
  return PacketSet.unionAll([...flows, linkMaintenance('iif'), pathMtu(), daemonIn(host)]);
}

/** What may pass the output and postrouting hooks. */
export function allowedOut(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap((p) => {
    if (p.from === host && p.sender) return [opening(leaving(p.sender), p.service)];
    if (p.to === host) return [answering(leaving(p.receiver), p.service)];
    return [];
  });
  return PacketSet.unionAll([...flows, linkMaintenance('oif'), daemonOut(host)]);
}

/** What may pass the forward hook: the declared flows that this host routes into its segment, and their answers. */
export function allowedForward(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap(({ router, service }) => {
    if (router?.host !== host) return [];
    const there = onInterface('iif', TAILNET_INTERFACE)
      .intersect(onInterface('oif', router.inner))
      .intersect(addressesToPackets('src', router.source))
      .intersect(addressesToPackets('dst', router.target));
    const back = onInterface('iif', router.inner)
      .intersect(onInterface('oif', TAILNET_INTERFACE))
      .intersect(addressesToPackets('src', router.target))
      .intersect(addressesToPackets('dst', router.source));
    return [opening(there, service), answering(back, service)];
  });
  return PacketSet.unionAll(flows);
}

/**
 * What may leave on the model's own link whoever sends it, packet sockets included. There is no connection tracking at
 * that hook, so it names tuples, in whatever state (`net/netfilter/nft_ct.c`: the conntrack entry may be missing).
 */
export function allowedRaw(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap((p) => {
    if (p.from === host && p.sender) return [leaving(p.sender).intersect(servicePackets(p.service, 'dport'))];
    if (p.to === host) return [leaving(p.receiver).intersect(servicePackets(p.service, 'sport'))];
    return [];
  });
  return PacketSet.unionAll([...flows, LINK_MAINTENANCE]);
}

/**
 * Neighbour discovery (RFC 4861, code 0) and multicast listener reports (RFC 3810): they keep the link alive and carry no
 * flow. Their hop limits, which keep them on the link, are no field of a packet set.
 */
export const LINK_MAINTENANCE = maintenance([135n, 136n], [0n]).union(
  maintenance(
    [130n, 143n],
    Array.from({ length: 256 }, (_, code) => BigInt(code)),
  ),
);

function maintenance(types: readonly bigint[], codes: readonly bigint[]): PacketSet {
  return PacketSet.box({
    family: IntervalSet.point(6n),
    proto: IntervalSet.point(BigInt(PROTO.icmpv6)),
    icmpType: IntervalSet.points(...types),
    icmpCode: IntervalSet.points(...codes),
  });
}

/** Packets that could begin a flow: conntrack calls them new, or does not know them at all. */
export const NEW_FLOWS = PacketSet.box({ ct: IntervalSet.points(CT.originalNew, CT.untracked, CT.invalid) }).subtract(
  LINK_MAINTENANCE,
);

/** Everything on one named interface. */
export function onInterface(field: 'iif' | 'oif', name: string): PacketSet {
  return PacketSet.box({ [field]: IntervalSet.point(internInterface(name)) });
}

/** Everything that does not cross the host's own loopback. */
export function notLoopback(field: 'iif' | 'oif'): PacketSet {
  return onInterface(field, 'lo').complement();
}

/** The packets to a service's ports, or back from them. */
export function servicePackets(service: Service, field: 'sport' | 'dport'): PacketSet {
  return PacketSet.unionAll([transport(PROTO.tcp, field, service.tcp), transport(PROTO.udp, field, service.udp)]);
}

function arriving(end: End): PacketSet {
  return onInterface('iif', end.interface)
    .intersect(addressesToPackets('src', end.remote))
    .intersect(addressesToPackets('dst', end.local));
}

function leaving(end: End): PacketSet {
  return onInterface('oif', end.interface)
    .intersect(addressesToPackets('src', end.local))
    .intersect(addressesToPackets('dst', end.remote));
}

function opening(way: PacketSet, service: Service): PacketSet {
  return way.intersect(servicePackets(service, 'dport')).restrict('ct', OPENING);
}

function answering(way: PacketSet, service: Service): PacketSet {
  return way.intersect(servicePackets(service, 'sport')).restrict('ct', ANSWERING);
}

function transport(proto: number, field: 'sport' | 'dport', ranges: readonly PortRange[]): PacketSet {
  if (ranges.length === 0) return PacketSet.none;
  const ports = IntervalSet.of(...ranges.map((r) => [BigInt(r.first), BigInt(r.last)] as const));
  return PacketSet.box({ proto: IntervalSet.point(BigInt(proto)), [field]: ports });
}

/** Without them IPv6 dies at once; they have no business on the tunnel. */
function linkMaintenance(field: 'iif' | 'oif'): PacketSet {
  return LINK_MAINTENANCE.subtract(onInterface(field, TAILNET_INTERFACE));
}

/** Path MTU errors tied to a tracked flow (RFC 1191, RFC 8201): without them bulk answers stall on a narrow link. */
function pathMtu(): PacketSet {
  const v4 = PacketSet.box({
    family: IntervalSet.point(4n),
    proto: IntervalSet.point(BigInt(PROTO.icmp)),
    icmpType: IntervalSet.point(3n),
    icmpCode: IntervalSet.point(4n),
  });
  const v6 = PacketSet.box({
    family: IntervalSet.point(6n),
    proto: IntervalSet.point(BigInt(PROTO.icmpv6)),
    icmpType: IntervalSet.point(2n),
  });
  return v4.union(v6).restrict('ct', RELATED);
}

/** The daemon's peers and STUN on UDP 41641, answers of resolvers, control servers and relays. */
function daemonIn(host: Host): PacketSet {
  if (!host.tailscaled) return PacketSet.none;
  const underlay = PacketSet.unionAll(host.underlayInterfaces.map((name) => onInterface('iif', name)));
  const peers = transport(PROTO.udp, 'dport', [port(41641)]);
  const answers = transport(PROTO.tcp, 'sport', DAEMON_TCP).union(transport(PROTO.udp, 'sport', [port(53)]));
  return underlay.intersect(peers.union(answers.restrict('ct', ANSWERING)));
}

/**
 * The daemon's own flows, on the underlay, as root and with the daemon's mark on its sockets; its lookups are unmarked and
 * go to the declared resolvers alone (tailscale/tailscale `net/netns/netns_linux.go`, `net/tsconst/linuxfw.go`). Being
 * root is no identity: a stub resolver or a setuid helper is root as well.
 */
function daemonOut(host: Host): PacketSet {
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

/** Marks with 0x08 in the byte 0xff0000: a 64 kB range for every value of the highest byte. */
const DAEMON_MARK = IntervalSet.of(
  ...Array.from({ length: 256 }, (_, high): readonly [bigint, bigint] => {
    const first = (BigInt(high) << 24n) | 0x80000n;
    return [first, first | 0xffffn];
  }),
);

const DAEMON_TCP: readonly PortRange[] = [port(53), port(80), port(443)];

function port(number: number): PortRange {
  return { first: number, last: number };
}
