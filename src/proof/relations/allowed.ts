import { AddressSet } from '../../net/address-set.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { addressesToPackets, PacketSet } from '../../net/packet-set.ts';
import type { Hook } from '../../nftables/ruleset.ts';
import type { Host, Service } from '../../topology/model.ts';
import { type End, type FlowPath, TAILNET_INTERFACE } from '../intent.ts';
import { daemonIn, daemonLeaving, daemonOut } from './daemon.ts';
import type { Passage } from './host.ts';
import { onInterface, transport } from './packets.ts';

/**
 * What each hook of a host's ruleset may let pass, by the topology alone: the opening direction of a flow new or
 * established, the answering direction established only. Whatever a ruleset accepts beyond this breaks a claim.
 */

const OPENING = IntervalSet.points(CT.originalNew, CT.originalEstablished);
const ANSWERING = IntervalSet.points(CT.replyEstablished);
const RELATED = IntervalSet.points(CT.relatedOriginal, CT.relatedReply);

/** Ways that flows of the topology take: none stays inside a host. */
export type Crossing = Exclude<Passage, 'local'>;

/** What may pass a hook, or all hooks of a passage. */
export interface Allowance {
  /** Whatever else is true. */
  readonly sure: PacketSet;
  /**
   * Beside that, only on a condition that no packet shows: what the tailnet daemon sends and gets is let through for its
   * cgroup and its connections' mark alone.
   */
  readonly onCondition: PacketSet;
}

/** What may pass a host on one way: the declared flows and their answers, link maintenance, and the daemon's packets. */
export function allowance(paths: readonly FlowPath[], host: Host, which: Crossing): Allowance {
  const ofPaths = allowances.get(paths) ?? new Map<string, Allowance>();
  allowances.set(paths, ofPaths);
  const key = `${which} ${host.name}`;
  const done = ofPaths.get(key) ?? workOut(paths, host, which);
  ofPaths.set(key, done);
  return done;
}

/** By the flows of a topology, which does not change while states come and go. */
const allowances = new WeakMap<readonly FlowPath[], Map<string, Allowance>>();

function workOut(paths: readonly FlowPath[], host: Host, which: Crossing): Allowance {
  switch (which) {
    case 'in':
      return { sure: incoming(paths, host), onCondition: daemonIn(host) };
    case 'out':
      return { sure: outgoing(paths, host), onCondition: daemonOut(host) };
    case 'forward':
      return { sure: crossing(paths, host), onCondition: PacketSet.none };
    case 'raw':
      return { sure: outgoingTuples(paths, host), onCondition: PacketSet.none };
  }
}

/**
 * What may pass one hook of the way by itself. The second gate (postrouting) knows neither the socket nor, of forwarded
 * packets, the source: NAT may have put the router's address there. It judges forwarded packets by the rules for sent ones
 * as well.
 */
export function gateAllowance(paths: readonly FlowPath[], host: Host, which: Crossing, hook: Hook): Allowance {
  const whole = allowance(paths, host, which);
  if (hook !== 'postrouting') return whole;
  const sent = allowance(paths, host, 'out');
  const daemon = daemonLeaving(host);
  if (which === 'out') return { sure: sent.sure, onCondition: daemon };
  const { containers } = host;
  const hidden = [TAILNET_INTERFACE, ...(containers === undefined ? [] : [containers.interface])];
  const crossing = PacketSet.unionAll(
    hidden.map((name) => whole.sure.intersect(onInterface('iif', name)).forget('src')),
  );
  return { sure: PacketSet.unionAll([whole.sure, crossing, sent.sure]), onCondition: daemon };
}

function incoming(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap((p) => {
    if (p.to === host) return [opening(arriving(p.receiver), p.service)];
    if (p.from === host && p.sender) return [answering(arriving(p.sender), p.service)];
    return [];
  });
  return PacketSet.unionAll([...flows, linkMaintenance('iif'), pathMtu()]);
}

function outgoing(paths: readonly FlowPath[], host: Host): PacketSet {
  const flows = paths.flatMap((p) => {
    if (p.from === host && p.sender) return [opening(leaving(p.sender), p.service)];
    if (p.to === host) return [answering(leaving(p.receiver), p.service)];
    return [];
  });
  return PacketSet.unionAll([...flows, linkMaintenance('oif')]);
}

/** The declared flows that this host routes into its segment or opens for its containers, and their answers. */
function crossing(paths: readonly FlowPath[], host: Host): PacketSet {
  return routed(paths, host).union(fromContainers(paths, host));
}

/** The host's own flows, opened from behind its bridge. */
function fromContainers(paths: readonly FlowPath[], host: Host): PacketSet {
  const { containers } = host;
  if (containers === undefined) return PacketSet.none;
  const inside = AddressSet.ofPrefixes(...containers.prefixes);
  const bridge = containers.interface;
  const flows = paths.flatMap(({ from, sender, service }) => {
    if (from !== host || sender === undefined) return [];
    const there = onInterface('iif', bridge)
      .intersect(onInterface('oif', sender.interface))
      .intersect(addressesToPackets('src', inside))
      .intersect(addressesToPackets('dst', sender.remote));
    const back = onInterface('iif', sender.interface)
      .intersect(onInterface('oif', bridge))
      .intersect(addressesToPackets('src', sender.remote))
      .intersect(addressesToPackets('dst', inside));
    return [opening(there, service), answering(back, service)];
  });
  return PacketSet.unionAll(flows);
}

function routed(paths: readonly FlowPath[], host: Host): PacketSet {
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
function outgoingTuples(paths: readonly FlowPath[], host: Host): PacketSet {
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
