import type { AddressSet } from '../../net/address-set.ts';
import { NO_UID } from '../../net/field.ts';
import { internInterface } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { addressesToPackets, PacketSet } from '../../net/packet-set.ts';
import type { Host, PortRange, Service } from '../../topology/model.ts';
import { type FlowPath, TAILNET_INTERFACE } from '../intent.ts';

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
    if (p.to === host) return [opening('iif', p.receiver.interface, 'src', p.receiver.remote, p.service)];
    if (p.from === host && p.sender) return [answering('iif', p.sender.interface, 'src', p.sender.remote, p.service)];
    return [];
  });
  return PacketSet.unionAll([...flows, linkMaintenance('iif'), pathMtu(), daemonIn(host)]);
}

/** What may pass the output and postrouting hooks. */
export function allowedOut(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap((p) => {
    if (p.from === host && p.sender) return [opening('oif', p.sender.interface, 'dst', p.sender.remote, p.service)];
    if (p.to === host) return [answering('oif', p.receiver.interface, 'dst', p.receiver.remote, p.service)];
    return [];
  });
  return PacketSet.unionAll([...flows, linkMaintenance('oif'), daemonOut(host)]);
}

/** What may pass the forward hook: the declared flows that this host routes into its segment, and their answers. */
export function allowedForward(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap(({ router, service }) => {
    if (router?.host !== host) return [];
    const there = opening('iif', TAILNET_INTERFACE, 'src', router.source, service)
      .intersect(onInterface('oif', router.inner))
      .intersect(addressesToPackets('dst', router.target));
    const back = answering('iif', router.inner, 'src', router.target, service)
      .intersect(onInterface('oif', TAILNET_INTERFACE))
      .intersect(addressesToPackets('dst', router.source));
    return [there, back];
  });
  return PacketSet.unionAll(flows);
}

/** Neighbour discovery and multicast listener reports (RFC 4861, RFC 3810): they keep the link alive and carry no flow. */
export const LINK_MAINTENANCE = PacketSet.box({
  proto: IntervalSet.point(BigInt(PROTO.icmpv6)),
  icmpType: IntervalSet.points(130n, 135n, 136n, 143n),
});

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

function opening(
  interfaceField: 'iif' | 'oif',
  interfaceName: string,
  addressField: 'src' | 'dst',
  remote: AddressSet,
  service: Service,
): PacketSet {
  return onInterface(interfaceField, interfaceName)
    .intersect(addressesToPackets(addressField, remote))
    .intersect(servicePackets(service, 'dport'))
    .restrict('ct', OPENING);
}

function answering(
  interfaceField: 'iif' | 'oif',
  interfaceName: string,
  addressField: 'src' | 'dst',
  remote: AddressSet,
  service: Service,
): PacketSet {
  return onInterface(interfaceField, interfaceName)
    .intersect(addressesToPackets(addressField, remote))
    .intersect(servicePackets(service, 'sport'))
    .restrict('ct', ANSWERING);
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

/** The daemon's own flows; only as root, and only on the underlay. */
function daemonOut(host: Host): PacketSet {
  if (!host.tailscaled) return PacketSet.none;
  const underlay = PacketSet.unionAll(host.underlayInterfaces.map((name) => onInterface('oif', name)));
  const flows = transport(PROTO.udp, 'sport', [port(41641)])
    .union(transport(PROTO.tcp, 'dport', DAEMON_TCP))
    .union(transport(PROTO.udp, 'dport', [port(53)]));
  return underlay.intersect(flows).restrict('uid', IntervalSet.points(0n, NO_UID));
}

const DAEMON_TCP: readonly PortRange[] = [port(53), port(80), port(443)];

function port(number: number): PortRange {
  return { first: number, last: number };
}
