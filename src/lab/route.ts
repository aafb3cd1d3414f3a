import { ADDRESS_BITS, type Address } from '../net/address.ts';
import { type Prefix, prefixOf } from '../net/prefix.ts';
import {
  addressOn,
  type HostDraft,
  type LabHost,
  type LabNetwork,
  type LabRoute,
  tailnetOf,
  UNDERLAY,
} from './layout.ts';

const DEFAULT_ROUTES: readonly Prefix[] = [
  { family: 4, first: 0n, length: 0 },
  { family: 6, first: 0n, length: 0 },
];

/** The routes that let everybody try everybody: what keeps them apart is the firewalls alone. */
export function withRoutes(host: HostDraft, hosts: readonly HostDraft[], networks: readonly LabNetwork[]): LabHost {
  const routes: LabRoute[] = [];
  const isOn = (h: HostDraft, network: string) => h.links.some((l) => l.network === network);
  const routerOf = (network: LabNetwork) => hosts.find((h) => h.name === network.router);
  for (const network of networks) {
    const router = routerOf(network);
    if (router === undefined || router.name === host.name) continue;
    if (isOn(host, network.name)) {
      if (isOn(host, UNDERLAY)) continue;
      for (const prefix of DEFAULT_ROUTES) {
        const via = addressOn(router, network.name, prefix.family);
        if (via !== undefined && !routes.some((r) => r.prefix === prefix)) routes.push({ prefix, via });
      }
    } else if (isOn(host, UNDERLAY)) {
      for (const prefix of network.prefixes) {
        const via = addressOn(router, UNDERLAY, prefix.family);
        if (via !== undefined) routes.push({ prefix, via });
      }
    }
  }
  // Linux answers for any own address on any interface (the weak host model of RFC 1122 section 3.3.4.2): whoever
  // routes a tailnet address to the host's LAN address reaches it there, past the tailnet.
  for (const other of hosts) {
    if (other.name === host.name) continue;
    for (const address of [...strays(other), ...tailnetOf(other)]) {
      const shared = host.links.map((l) => addressOn(other, l.network, address.family)).find((a) => a !== undefined);
      const router = networks
        .filter((n) => isOn(other, n.name))
        .map(routerOf)
        .find((r) => r !== undefined);
      const behind =
        isOn(host, UNDERLAY) && router !== undefined ? addressOn(router, UNDERLAY, address.family) : undefined;
      const via = shared ?? behind;
      if (via !== undefined) routes.push({ prefix: prefixOf(address), via });
    }
  }
  return { ...host, routes };
}

function strays(host: HostDraft): readonly Address[] {
  return host.links
    .flatMap((l) => l.addresses)
    .filter((a) => a.length === ADDRESS_BITS[a.address.family])
    .map((a) => a.address);
}
