import type { Address } from '../../net/address.ts';
import { TAILNET_INTERFACE } from '../../proof/intent.ts';
import { addressKey } from '../../proof/relations/address-key.ts';
import { addressOn, type LabHost } from '../layout.ts';
import { type Network, routerOf } from './network.ts';

/** A packet at one hook of one host; addresses as that hook sees them. */
export interface Station {
  readonly host: string;
  readonly hook: 'input' | 'forward' | 'output' | 'postrouting';
  readonly iif?: string;
  readonly oif?: string;
  readonly src: Address;
  readonly dst: Address;
}

/** Where a packet goes if nobody drops it. */
export interface Trace {
  readonly stations: readonly Station[];
  /** Name of the host that it ends at. */
  readonly receiver: string;
  /** Its source address there. */
  readonly seenAs: Address;
  /** The host that put its own address in place of the source, and the source before. */
  readonly hidden: { readonly by: string; readonly source: Address } | undefined;
}

const MAX_HOPS = 6;

/**
 * Follows a packet through the routes of the network, and through the source NAT of a segment's router: tailscaled hides
 * what comes from the tunnel into a subnet behind the router's own address (its preference `snat-subnet-routes`).
 * @param back when the packet answers another one: that one's way, whose NAT is undone
 * @returns undefined when no route leads anywhere
 */
export function tracePacket(
  network: Network,
  from: LabHost,
  packet: { readonly src: Address; readonly dst: Address; readonly device?: string },
  back?: Trace,
): Trace | undefined {
  const stations: Station[] = [];
  let { src, dst } = packet;
  let host = from;
  let iif: string | undefined;
  let hidden: Trace['hidden'];
  for (let hop = 0; hop < MAX_HOPS; hop++) {
    if (iif !== undefined && back?.hidden?.by === host.name) dst = back.hidden.source;
    if (iif !== undefined && network.owners.get(addressKey(dst)) === host) {
      stations.push({ host: host.name, hook: 'input', iif, src, dst });
      return { stations, receiver: host.name, seenAs: src, hidden };
    }
    if (iif !== undefined && !host.forwards) return undefined;
    const route = network.tables.get(host.name)?.find(dst, hop === 0 ? packet.device : undefined);
    if (route === undefined) return undefined;
    const oif = route.device;
    if (iif === undefined) stations.push({ host: host.name, hook: 'output', oif, src, dst });
    else stations.push({ host: host.name, hook: 'forward', iif, oif, src, dst });
    if (back === undefined && iif === TAILNET_INTERFACE && oif === segmentLink(network, host)) {
      const own = addressOn(host, linkOf(host, oif)?.network ?? '', src.family);
      if (own === undefined) return undefined;
      hidden = { by: host.name, source: src };
      src = own;
    }
    stations.push({ host: host.name, hook: 'postrouting', ...(iif === undefined ? {} : { iif }), oif, src, dst });
    const next = neighbour(network, host, oif, route.via ?? dst);
    if (next === undefined) return undefined;
    iif = oif === TAILNET_INTERFACE ? TAILNET_INTERFACE : sameNetwork(host, oif, next);
    host = next;
  }
  return undefined;
}

/** The interface of a router into the segment that it routes. */
export function segmentLink({ layout }: Network, host: LabHost): string | undefined {
  return host.links.find((l) => routerOf(layout, l.network) === host)?.name;
}

function neighbour(network: Network, host: LabHost, device: string, to: Address): LabHost | undefined {
  if (device === TAILNET_INTERFACE) {
    const behind = network.tunnel.find(to)?.device;
    return network.layout.hosts.find((h) => h.name === behind);
  }
  const owner = network.owners.get(addressKey(to));
  const on = linkOf(host, device)?.network;
  return owner !== host && owner?.links.some((l) => l.network === on) ? owner : undefined;
}

function linkOf(host: LabHost, device: string) {
  return host.links.find((l) => l.name === device);
}

function sameNetwork(host: LabHost, device: string, other: LabHost): string | undefined {
  const on = linkOf(host, device)?.network;
  return other.links.find((l) => l.network === on)?.name;
}
