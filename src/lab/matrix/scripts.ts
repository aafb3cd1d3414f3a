import { ADDRESS_BITS, type Address, formatAddress } from '../../net/address.ts';
import { formatPrefix } from '../../net/prefix.ts';
import { TAILNET_INTERFACE } from '../../proof/intent.ts';
import { type LabHost, tailnetOf } from '../layout.ts';
import { type Network, sourceOn } from './network.ts';
import type { Route, RouteTable } from './route-table.ts';

/** `ip -batch` lines that give a host its addresses and routes; its links exist. */
export function hostScript(host: LabHost, table: RouteTable): string {
  const lines = ['link set dev lo up'];
  const add = (a: Address, length: number, device: string) =>
    lines.push(`address add ${formatAddress(a)}/${length} dev ${device}${a.family === 6 ? ' nodad' : ''}`);
  for (const link of host.links) {
    lines.push(`link set dev ${link.name} addrgenmode none`, `link set dev ${link.name} up`);
    for (const a of link.addresses) add(a.address, a.length, link.name);
    add(link.linkLocal, 64, link.name);
  }
  if (host.tailnet !== undefined) {
    lines.push(...tunnelEnd(TAILNET_INTERFACE));
    for (const a of tailnetOf(host)) add(a, ADDRESS_BITS[a.family], TAILNET_INTERFACE);
  }
  for (const r of table.routes.filter((route) => route.metric > 0)) {
    const via = r.via === undefined ? '' : ` via ${formatAddress(r.via)}`;
    lines.push(`route add ${formatPrefix(r.prefix)}${via} dev ${r.device} metric ${r.metric}${sourceOf(host, r)}`);
  }
  return `${lines.join('\n')}\n`;
}

/**
 * The kernel keeps one table of neighbours for all namespaces of the machine (net/core/neighbour.c; gc_thresh3 is 1024
 * for each family), and refuses new ones when it is full; permanent ones do not count.
 */
const MAX_DISCOVERED = 500;

/** `ip -batch` lines that tell a host its neighbours, where there are too many of them to be discovered. */
export function neighbourScript(network: Network, host: LabHost): string {
  const { hosts } = network.layout;
  const onNetwork = (name: string) => hosts.flatMap((h) => h.links.filter((l) => l.network === name));
  const pairs = network.layout.networks.map((n) => onNetwork(n.name).length).reduce((sum, n) => sum + n * (n - 1), 0);
  // An address of each family, and the link-local one.
  if (2 * pairs <= MAX_DISCOVERED) return '';
  const lines = host.links.flatMap((own) =>
    onNetwork(own.network)
      .filter((link) => link !== own)
      .flatMap((link) => [...link.addresses.map((a) => a.address), link.linkLocal].map((a) => [a, link.mac] as const))
      .map(([a, mac]) => `neigh replace ${formatAddress(a)} lladdr ${mac} dev ${own.name} nud permanent`),
  );
  return `${lines.join('\n')}\n`;
}

/** What the tunnel's namespace is made of: a port for each host, and where each address is. */
export function tunnelScript(network: Network): string {
  const hosts = network.layout.hosts.filter((h) => h.tailnet !== undefined);
  const port = new Map(hosts.map((h, i) => [h.name, `port${i}`]));
  const lines = hosts.flatMap((h) => {
    const name = port.get(h.name) ?? '';
    return [
      // One hardware address at both ends and no discovery: as on a TUN device, nobody is asked where anybody is.
      `link add name ${name} address 02:00:00:00:00:01 type veth peer name ${TAILNET_INTERFACE} address 02:00:00:00:00:01 netns ${h.namespace}`,
      ...tunnelEnd(name),
    ];
  });
  for (const r of network.tunnel.routes) lines.push(`route add ${formatPrefix(r.prefix)} dev ${port.get(r.device)}`);
  return `${lines.join('\n')}\n`;
}

function tunnelEnd(name: string): string[] {
  return [`link set dev ${name} arp off`, `link set dev ${name} addrgenmode none`, `link set dev ${name} up`];
}

function sourceOf(host: LabHost, route: Route): string {
  const source = sourceOn(host, route.device, route.prefix.family);
  return source === undefined ? '' : ` src ${formatAddress(source)}`;
}
