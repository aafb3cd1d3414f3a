import { ADDRESS_BITS, type Address, type Family, formatAddress } from '../../net/address.ts';
import { type Prefix, prefixOf, TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import { TAILNET_INTERFACE } from '../../proof/intent.ts';
import { addressKey } from '../../proof/relations/address-key.ts';
import { CordonError } from '../../source/error.ts';
import type { Host, Topology } from '../../topology/model.ts';
import { addressesOf, addressOn, type LabHost, type LabLayout, tailnetOf } from '../layout.ts';
import { freeAddress } from '../link.ts';
import { type LayoutSettings, planLab, planNeighbour } from '../plan.ts';
import { isOnLink, networkOf, type Route, RouteTable } from './route-table.ts';

/** Every host of a topology with its links, and how each can send to each. */
export interface Network {
  readonly layout: LabLayout;
  readonly tables: ReadonlyMap<string, RouteTable>;
  /** Who is behind each address of the tunnel, and who routes each segment into it. */
  readonly tunnel: RouteTable;
  /** Whose each address is, by `addressKey`. */
  readonly owners: ReadonlyMap<string, LabHost>;
}

/** Holds the bridges; and stands for the tailnet, where every packet gets through whatever the policy says. */
export const HUB = 'lab-hub';
export const TUNNEL = 'lab-tailnet';

const UNDERLAY: readonly Prefix[] = [
  { family: 4, first: 0x0a630000n, length: 16 },
  { family: 6, first: 0xfd99n << 112n, length: 64 },
];

/** The tunnel is tried first, as tailscaled's own rule does it; then the direct links; then the segment's router. */
const METRIC = { tunnel: 100, direct: 200, router: 300 } as const;

/**
 * Places every host, however it is reached in life. Routes are those that a host could give itself: to each address of
 * each host over every link that leads there, so that only firewalls keep them apart.
 * @throws InputError for what cannot be laid out
 */
export function planNetwork(topology: Topology): Network {
  const settings = { prefix: 'lab', underlay: UNDERLAY };
  const layout = withStrangers({ ...planLab(inNamespaces(topology), settings), hub: HUB }, topology, settings);
  const tables = new Map(layout.hosts.map((h) => [h.name, new RouteTable(routesOf(h, layout))]));
  const owners = new Map(layout.hosts.flatMap((h) => addressesOf(h).map((a) => [addressKey(a), h] as const)));
  return { layout, tables, tunnel: new RouteTable(tunnelRoutes(layout)), owners };
}

/**
 * Adds a machine that nobody declared to the underlay, where it is also on the tailnet, and one to each segment that has
 * room for it. They have no rules: what is tried at them and from them shows each host's own rules alone, where between
 * two hosts one's rules would hide the other's holes.
 */
function withStrangers(hosts: LabLayout, topology: Topology, settings: LayoutSettings): LabLayout {
  let layout = hosts;
  const name = (wanted: string): string => (topology.hosts.has(wanted) ? name(`${wanted}-x`) : wanted);
  const add = (stranger: LabHost, called: string, tailnet: LabHost['tailnet']) => {
    layout = { ...layout, hosts: [...layout.hosts, { ...stranger, name: called, namespace: called, tailnet }] };
  };
  const onTailnet = hosts.hosts.some((h) => h.tailnet !== undefined);
  if (onTailnet) {
    const taken = new Set(hosts.hosts.flatMap(tailnetOf).map(formatAddress));
    const addresses = [TAILNET_V4, TAILNET_V6].map((p) => freeAddress(p, taken, 'last'));
    add(planNeighbour(layout, settings, undefined), name('stranger'), { addresses });
  }
  for (const segment of topology.segments.keys()) {
    try {
      add(planNeighbour(layout, settings, segment), name(`stranger-${segment}`), undefined);
    } catch (error) {
      // A veth pair has two ends and no place for a third.
      if (!(error instanceof CordonError) || error.code !== 'lab-no-address') throw error;
    }
  }
  return layout;
}

/** Each host with a namespace of its own name, and on the tailnet with addresses, any where none is declared. */
function inNamespaces(topology: Topology): Topology {
  const taken = new Set([...topology.hosts.values()].flatMap((h) => h.tailnetAddresses.map(formatAddress)));
  const withAddresses = (host: Host): Host => ({
    ...host,
    access: { kind: 'netns', name: host.name },
    tailnetAddresses:
      host.device === undefined || host.tailnetAddresses.length > 0
        ? host.tailnetAddresses
        : [TAILNET_V4, TAILNET_V6].map((p) => freeAddress(p, taken, 'last')),
  });
  return { ...topology, hosts: new Map([...topology.hosts].map(([name, host]) => [name, withAddresses(host)])) };
}

function routesOf(host: LabHost, layout: LabLayout): Route[] {
  const routes: Route[] = host.links.flatMap((link) => [
    ...link.addresses
      .filter((a) => a.length < ADDRESS_BITS[a.address.family])
      .map((a) => ({ prefix: networkOf(a), device: link.name, via: undefined, metric: 0 })),
    {
      prefix: { family: 6, first: 0xfe80n << 112n, length: 64 },
      device: link.name,
      via: undefined,
      metric: 0,
    } as const,
  ]);
  const isTunnelled = (other: LabHost) => host.tailnet !== undefined && other.tailnet !== undefined;
  for (const other of layout.hosts.filter((h) => h !== host)) {
    if (isTunnelled(other)) routes.push(...tailnetOf(other).map((a) => overTunnel(prefixOf(a))));
    for (const [i, link] of host.links.entries()) {
      // Linux answers for any own address on any interface (the weak host model of RFC 1122 section 3.3.4.2).
      for (const address of globalAddresses(other).filter((a) => !isOnLink(link, a))) {
        const direct = addressOn(other, link.network, address.family);
        const router = direct === undefined ? routerOf(layout, link.network) : undefined;
        const via = direct ?? (router && router !== host ? addressOn(router, link.network, address.family) : undefined);
        const metric = (direct === undefined ? METRIC.router : METRIC.direct) + i;
        if (via !== undefined) routes.push({ prefix: prefixOf(address), device: link.name, via, metric });
      }
    }
  }
  for (const network of layout.networks) {
    const router = routerOf(layout, network.name);
    if (router === undefined || router === host || host.links.some((l) => l.network === network.name)) continue;
    for (const prefix of network.prefixes) {
      if (isTunnelled(router)) routes.push(overTunnel(prefix));
      for (const [i, link] of host.links.entries()) {
        const via = addressOn(router, link.network, prefix.family);
        if (via !== undefined) routes.push({ prefix, device: link.name, via, metric: METRIC.direct + i });
      }
    }
  }
  return routes;
}

function tunnelRoutes(layout: LabLayout): Route[] {
  const behind = (host: LabHost, prefix: Prefix): Route => ({ prefix, device: host.name, via: undefined, metric: 0 });
  return [
    ...layout.hosts.flatMap((h) => tailnetOf(h).map((a) => behind(h, prefixOf(a)))),
    ...layout.networks.flatMap((n) => {
      const router = routerOf(layout, n.name);
      return router?.tailnet === undefined ? [] : n.prefixes.map((p) => behind(router, p));
    }),
  ];
}

function overTunnel(prefix: Prefix): Route {
  return { prefix, device: TAILNET_INTERFACE, via: undefined, metric: METRIC.tunnel };
}

/** The host that routes into a network. */
export function routerOf(layout: LabLayout, network: string): LabHost | undefined {
  const name = layout.networks.find((n) => n.name === network)?.router;
  return layout.hosts.find((h) => h.name === name);
}

/** Every address of a host but the link-local ones. */
export function globalAddresses(host: LabHost): readonly Address[] {
  const local = new Set(host.links.map((l) => l.linkLocal));
  return addressesOf(host).filter((a) => !local.has(a));
}

/** The address that a host sends from over one of its devices. */
export function sourceOn(host: LabHost, device: string, family: Family): Address | undefined {
  if (device === TAILNET_INTERFACE) return tailnetOf(host).find((a) => a.family === family);
  const link = host.links.find((l) => l.name === device);
  return link === undefined ? undefined : addressOn(host, link.network, family);
}
