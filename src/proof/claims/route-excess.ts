import { AddressSet } from '../../net/address-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { formatPrefix, overlaps, type Prefix } from '../../net/prefix.ts';
import { type Device, isExitRoute } from '../../tailnet/device.ts';
import type { Host } from '../../topology/model.ts';
import type { ProofContext } from '../context.ts';
import { behindRoute } from '../relations/via-range.ts';
import type { Excess } from './excess.ts';

/**
 * Approved subnet routes that cover an address or the segment of a declared host, apart from what the topology routes
 * itself. Such a route leads to the host past its own tailnet filter, or in its place: the source of a flow sends to the
 * router whatever is for the covered address. That no rule admits anything there today is the other layer.
 */
export function routeExcess(context: ProofContext): readonly Excess[] {
  const { devices } = context.state.tailnet;
  if (!devices.known) return [];
  return devices.value.flatMap((device) =>
    device.enabledRoutes
      .filter((route) => !isExitRoute(route))
      .flatMap((route) =>
        [...context.topology.hosts.values()].flatMap((host) => covering(context, device, route, host)),
      ),
  );
}

function covering(context: ProofContext, device: Device, route: Prefix, host: Host): Excess[] {
  if (isWanted(context, device, route)) return [];
  const own = [...host.addresses, ...host.tailnetAddresses];
  const reached = behindRoute(own, route).intersect(AddressSet.ofPrefixes(route));
  const segment = host.segment === undefined ? undefined : context.topology.segments.get(host.segment);
  const inSegment = segment?.prefixes.some((p) => overlaps(p, route)) === true;
  if (reached.isEmpty() && !inSegment) return [];
  const what = reached.isEmpty() ? `lies in segment ${host.segment} of ${host.name}` : `covers ${reached.format()}`;
  return [
    {
      host,
      claim: 'ingress',
      sure: true,
      packets: PacketSet.ofAddresses('dst', reached.isEmpty() ? AddressSet.ofPrefixes(route) : reached),
      causes: ['TS-RT-05'],
      witness: undefined,
      blame: [
        {
          source: 'tailnet/devices',
          rule: `${device.hostname || device.name || device.id} (${device.id}) enabledRoutes`,
          text: `${formatPrefix(route)} ${what}`,
        },
      ],
      missing: [],
    },
  ];
}

/** A route to addresses that declared flows cross this very router to. */
function isWanted(context: ProofContext, device: Device, route: Prefix): boolean {
  const wanted = context.paths.flatMap((p) => (p.router?.host.device === device.id ? [p.router.target] : []));
  const targets = wanted.reduce((set, t) => set.union(t), AddressSet.empty);
  return AddressSet.ofPrefixes(route).isSubsetOf(targets);
}
