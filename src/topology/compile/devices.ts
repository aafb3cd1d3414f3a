import { formatAddress } from '../../net/address.ts';
import { formatPrefix, type Prefix, prefixOf } from '../../net/prefix.ts';
import type { Host, Topology } from '../model.ts';
import type { PlannedConnections } from './connections.ts';
import { canonicalPrefixes, segmentAddresses } from './endpoints.ts';
import { roleOf } from './roles.ts';

/** A device of the declared tailnet: the fields of the API's device that cordon decides. */
export interface DeclaredDevice {
  readonly nodeId: string;
  readonly name: string;
  readonly hostname: string;
  readonly tags: readonly string[];
  readonly addresses: readonly string[];
  readonly advertisedRoutes: readonly string[];
  readonly enabledRoutes: readonly string[];
  readonly authorized: boolean;
  readonly isExternal: boolean;
}

/** `tailnet/devices` of the declared side: every host that is a device, in the order of their names. */
export function devicesOf(topology: Topology, planned: readonly PlannedConnections[]): { devices: DeclaredDevice[] } {
  const routes = routesOf(planned);
  const devices = [...topology.hosts.values()].flatMap((host): DeclaredDevice[] => {
    if (host.device === undefined) return [];
    const own = canonicalPrefixes(routes.get(host.name) ?? []).map(formatPrefix);
    return [
      {
        nodeId: host.device,
        name: host.name,
        hostname: host.name,
        tags: [roleOf(topology, host).tag],
        addresses: host.tailnetAddresses.map(formatAddress),
        advertisedRoutes: own,
        enabledRoutes: own,
        authorized: true,
        isExternal: false,
      },
    ];
  });
  return { devices };
}

/**
 * Routes by router: exactly the addresses that some flow crosses it to. Not the segment's prefixes: an approved route
 * widens every `*` source of the policy, so it is kept as small as the flows are.
 */
function routesOf(planned: readonly PlannedConnections[]): Map<string, Prefix[]> {
  const routes = new Map<string, Prefix[]>();
  const add = (router: Host, prefixes: readonly Prefix[]) =>
    routes.set(router.name, [...(routes.get(router.name) ?? []), ...prefixes]);
  for (const connection of planned.flatMap((p) => p.connections)) {
    if (connection.kind !== 'routed') continue;
    add(connection.router, segmentAddresses(connection.responder, connection.segment).map(prefixOf));
  }
  return routes;
}
