import { type Address, formatAddress } from '../../net/address.ts';
import { containsAddress, type Prefix } from '../../net/prefix.ts';
import { TAILNET_INTERFACE } from '../../proof/intent.ts';
import type { Topology } from '../../topology/model.ts';
import { addressesOf, type LabHost } from '../layout.ts';
import { servicePorts } from '../serve.ts';
import { type Network, sourceOn } from './network.ts';
import { type Trace, tracePacket } from './trace.ts';

/** One way from a host to an address of another: over this device, from this source. */
export interface Way {
  readonly from: LabHost;
  readonly to: LabHost;
  readonly device: string;
  readonly src: Address;
  readonly dst: Address;
  readonly there: Trace;
  /** The same in words: addresses as text, and who forwards. */
  readonly words: WayWords;
  /** The way of the answer; undefined when it finds none. */
  readonly back: Trace | undefined;
}

export interface WayWords {
  readonly device: string;
  readonly through: readonly string[];
  readonly src: string;
  readonly dst: string;
  /** The source as the receiver sees it, where a router hides it. */
  readonly seenAs: string | undefined;
}

/** A port of a host that the lab answers and tries. */
export interface Port {
  readonly proto: 'tcp' | 'udp';
  readonly port: number;
}

const LINK_LOCAL: Prefix = { family: 6, first: 0xfe80n << 112n, length: 10 };

/** Ports that people forget: a login, and one that no service has. */
const LOGIN = 22;
const UNDECLARED_UDP = 9999;
/** So many ports of other services are tried beside a host's own. */
const FOREIGN_PORTS = 2;

/**
 * Every way between every ordered pair of hosts: each address of the receiver, over each device of the sender that leads
 * there, tunnel, LAN and segment alike.
 */
export function waysOf(network: Network): Way[] {
  const { hosts } = network.layout;
  const isPair = (from: LabHost, to: LabHost) => from !== to && (from.kind === 'host' || to.kind === 'host');
  return hosts.flatMap((from) =>
    hosts.filter((to) => isPair(from, to)).flatMap((to) => waysBetween(network, from, to)),
  );
}

function waysBetween(network: Network, from: LabHost, to: LabHost): Way[] {
  const devices = [...from.links.map((l) => l.name), ...(from.tailnet === undefined ? [] : [TAILNET_INTERFACE])];
  return devices.flatMap((device) =>
    addressesOf(to).flatMap((dst): Way[] => {
      const src = sourceFor(from, to, device, dst);
      const there = src && tracePacket(network, from, { src, dst, device });
      if (src === undefined || there?.receiver !== to.name) return [];
      const answer = { src: dst, dst: there.seenAs, ...(isLinkLocal(dst) ? answerDevice(there) : {}) };
      const back = tracePacket(network, to, answer, there);
      const words = {
        ...{ device, src: formatAddress(src), dst: formatAddress(dst) },
        through: there.stations.filter((s) => s.hook === 'forward').map((s) => s.host),
        seenAs: there.hidden === undefined ? undefined : formatAddress(there.seenAs),
      };
      return [{ from, to, device, src, dst, there, words, back: back?.receiver === from.name ? back : undefined }];
    }),
  );
}

function sourceFor(from: LabHost, to: LabHost, device: string, dst: Address): Address | undefined {
  if (!isLinkLocal(dst)) return sourceOn(from, device, dst.family);
  const link = from.links.find((l) => l.name === device);
  const isShared = to.links.some((l) => l.linkLocal === dst && l.network === link?.network);
  return isShared ? link?.linkLocal : undefined;
}

function answerDevice(there: Trace): { device?: string } {
  const device = there.stations.at(-1)?.iif;
  return device === undefined ? {} : { device };
}

function isLinkLocal(address: Address): boolean {
  return containsAddress(LINK_LOCAL, address);
}

/**
 * What is tried at a host: its own services, and the same numbers over UDP, ports of services that others have, the port
 * beside its own, a login, and a UDP port that nobody declares. All of them are answered, so that only rules close them.
 * @param isBrief only its own services, a login and one UDP port, for large topologies
 */
export function portsOf(topology: Topology, host: string, isBrief: boolean): readonly Port[] {
  const role = topology.hosts.get(host)?.role;
  const own = servicePorts(topology, host);
  const services = [...topology.services.values()];
  const ownUdp = services.filter((s) => s.on === role).flatMap((s) => s.udp.flatMap((r) => [r.first, r.last]));
  const others = services.filter((s) => s.on !== role).flatMap((s) => s.tcp.map((r) => r.first));
  const twin = own[0] ?? UNDECLARED_UDP;
  const beside = own.map((p) => (p < 65535 ? p + 1 : p - 1));
  const tcp = isBrief ? [...own, LOGIN] : [...own, ...beside, ...others.slice(0, FOREIGN_PORTS), LOGIN];
  const udp = isBrief ? [...ownUdp, twin] : [...ownUdp, twin, UNDECLARED_UDP];
  return [
    ...[...new Set(tcp)].map((port) => ({ proto: 'tcp', port }) as const),
    ...[...new Set(udp)].map((port) => ({ proto: 'udp', port }) as const),
  ];
}
