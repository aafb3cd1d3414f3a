import { type Address, compareAddresses, formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { type Prefix, prefixOf } from '../../net/prefix.ts';
import type { HostPlan, PlannedFlow, PlannedForward } from '../../nftables/host-plan.ts';
import { TAILNET_INTERFACE } from '../../nftables/render/host.ts';
import type { Host, Service, Topology } from '../model.ts';
import type { Connection, Initiator, PlannedConnections } from './connections.ts';
import { canonicalPrefixes, segmentAddresses, TAILNET_RANGES } from './endpoints.ts';
import { roleOf } from './roles.ts';

/** One host's part in one connection. */
type Part =
  | { readonly host: Host; readonly kind: 'end'; readonly flow: Omit<PlannedFlow, 'id' | 'tcp' | 'udp'> }
  | { readonly host: Host; readonly kind: 'forward'; readonly forward: Omit<PlannedForward, 'id' | 'tcp' | 'udp'> };

/** The firewall plan of every host, by name. A host without flows has a plan too: it lets nothing through. */
export function planHosts(topology: Topology, planned: readonly PlannedConnections[]): Map<string, HostPlan> {
  const flows = new Map<string, Map<string, PlannedFlow>>();
  const forwards = new Map<string, Map<string, PlannedForward>>();
  const anywhere = anywhereButModels(topology);
  for (const { flow, service, connections } of planned) {
    for (const part of connections.flatMap((c) => partsOf(c, anywhere))) {
      if (part.kind === 'end') addFlow(of(flows, part.host.name), flow.id, service, part.flow);
      else addForward(of(forwards, part.host.name), flow.id, service, part.forward);
    }
  }
  return new Map(
    [...topology.hosts.values()].map((host) => [
      host.name,
      planHost(topology, host, [...of(flows, host.name).values()], [...of(forwards, host.name).values()]),
    ]),
  );
}

function planHost(
  topology: Topology,
  host: Host,
  flows: readonly PlannedFlow[],
  forwards: readonly PlannedForward[],
): HostPlan {
  const role = roleOf(topology, host).kind;
  const segment = host.segment === undefined ? undefined : topology.segments.get(host.segment);
  const link =
    segment === undefined || host.segmentInterface === undefined
      ? undefined
      : { name: host.segmentInterface, addresses: segmentAddresses(host, segment) };
  return {
    host: host.name,
    role,
    daemon: host.tailscaled ? { underlay: host.underlayInterfaces, resolvers: host.resolvers } : undefined,
    tailnet: host.device !== undefined,
    loopback: role === 'model' && host.placement === 'netns' ? 'private' : 'shared',
    link,
    modelUid: host.unit?.uid,
    closeRawOnLink: role === 'model' && host.placement !== 'tailnet',
    flows,
    forwards,
    modelAddresses: role === 'model' ? [] : modelAddresses(topology),
  };
}

/** Every address of every model host, whether a flow uses it or not. */
function modelAddresses(topology: Topology): Prefix[] {
  const models = [...topology.hosts.values()].filter((host) => roleOf(topology, host).kind === 'model');
  return canonicalPrefixes(models.flatMap((host) => [...host.addresses, ...host.tailnetAddresses].map(prefixOf)));
}

/**
 * What stands for devices whose addresses nobody declared: the tailnet, without the model hosts on it. A model host
 * opens nothing, so it must not slip in among the operators' devices.
 */
function anywhereButModels(topology: Topology): readonly Prefix[] {
  const models = [...topology.hosts.values()].filter((host) => roleOf(topology, host).kind === 'model');
  const known = AddressSet.ofAddresses(...models.flatMap((host) => host.tailnetAddresses));
  return known.isEmpty()
    ? TAILNET_RANGES
    : AddressSet.ofPrefixes(...TAILNET_RANGES)
        .subtract(known)
        .toPrefixes();
}

/** What each end, and the router in between, has to let through. */
function partsOf(connection: Connection, anywhere: readonly Prefix[]): Part[] {
  const { initiator, responder } = connection;
  const tailnetPrefixes = (peer: Initiator) =>
    peer === 'operators' || peer.tailnetAddresses.length === 0 ? anywhere : peer.tailnetAddresses.map(prefixOf);
  switch (connection.kind) {
    case 'link': {
      const { segment } = connection;
      const from = segmentAddresses(connection.initiator, segment);
      const to = segmentAddresses(responder, segment);
      return [
        end(connection.initiator, 'initiator', connection.initiator.segmentInterface, from, to.map(prefixOf)),
        end(responder, 'responder', responder.segmentInterface, to, from.map(prefixOf)),
      ].flat();
    }
    case 'tailnet': {
      const remote = tailnetPrefixes(initiator);
      const answering = end(responder, 'responder', TAILNET_INTERFACE, responder.tailnetAddresses, remote);
      if (initiator === 'operators') return answering;
      return [
        ...end(initiator, 'initiator', TAILNET_INTERFACE, initiator.tailnetAddresses, tailnetPrefixes(responder)),
        ...answering,
      ];
    }
    case 'routed': {
      const { router, segment } = connection;
      const to = segmentAddresses(responder, segment);
      const via = segmentAddresses(router, segment).map(prefixOf);
      const from = tailnetPrefixes(initiator);
      const forward: Part = {
        host: router,
        kind: 'forward',
        forward: {
          inInterface: TAILNET_INTERFACE,
          outInterface: router.segmentInterface ?? '',
          from: familiesOf(from, to),
          to: familiesOf(to.map(prefixOf), from),
        },
      };
      const opening =
        initiator === 'operators'
          ? []
          : end(initiator, 'initiator', TAILNET_INTERFACE, initiator.tailnetAddresses, to.map(prefixOf));
      return [...opening, forward, ...end(responder, 'responder', responder.segmentInterface, to, via)];
    }
  }
}

function end(
  host: Host,
  side: PlannedFlow['side'],
  iface: string | undefined,
  local: PlannedFlow['local'],
  remote: readonly Prefix[],
): Part[] {
  const flow = {
    side,
    iface: iface ?? '',
    local: familiesOf(local, remote),
    remote: familiesOf(remote, local),
    ...(side === 'initiator' && host.flowUsers.length > 0 ? { uids: host.flowUsers } : {}),
  };
  // An empty `local` means "not pinned": addresses that the other end cannot talk to must not end up meaning that.
  const lost = local.length > 0 && flow.local.length === 0;
  if (flow.iface === '' || flow.remote.length === 0 || lost) return [];
  return [{ host, kind: 'end', flow }, ...(side === 'initiator' ? ofContainers(host, flow.iface, flow.remote) : [])];
}

/** The same flow opened by a container: forwarded from its bridge, before the engine puts the host's address in its place. */
function ofContainers(host: Host, iface: string, remote: readonly Prefix[]): Part[] {
  const { containers } = host;
  if (containers === undefined) return [];
  const from = familiesOf(containers.prefixes, remote);
  const to = familiesOf(remote, containers.prefixes);
  if (from.length === 0 || to.length === 0) return [];
  return [{ host, kind: 'forward', forward: { inInterface: containers.interface, outInterface: iface, from, to } }];
}

/** Without the families that the other end does not have: no packet of theirs can belong to the flow. */
function familiesOf<T extends { readonly family: 4 | 6 }>(
  own: readonly T[],
  other: readonly { readonly family: 4 | 6 }[],
): T[] {
  return other.length === 0 ? [...own] : own.filter((a) => other.some((b) => b.family === a.family));
}

function addFlow(
  flows: Map<string, PlannedFlow>,
  id: string,
  service: Service,
  part: Omit<PlannedFlow, 'id' | 'tcp' | 'udp'>,
): void {
  const key = JSON.stringify([id, part.side, part.iface]);
  const before = flows.get(key);
  flows.set(key, {
    id,
    side: part.side,
    iface: part.iface,
    local: unionAddresses(before?.local ?? [], part.local),
    remote: canonicalPrefixes([...(before?.remote ?? []), ...part.remote]),
    ...(part.uids === undefined ? {} : { uids: part.uids }),
    tcp: service.tcp,
    udp: service.udp,
  });
}

function addForward(
  forwards: Map<string, PlannedForward>,
  id: string,
  service: Service,
  part: Omit<PlannedForward, 'id' | 'tcp' | 'udp'>,
): void {
  const key = JSON.stringify([id, part.inInterface, part.outInterface]);
  const before = forwards.get(key);
  forwards.set(key, {
    id,
    inInterface: part.inInterface,
    outInterface: part.outInterface,
    from: canonicalPrefixes([...(before?.from ?? []), ...part.from]),
    to: canonicalPrefixes([...(before?.to ?? []), ...part.to]),
    tcp: service.tcp,
    udp: service.udp,
  });
}

function unionAddresses(a: readonly Address[], b: readonly Address[]): Address[] {
  const byText = new Map([...a, ...b].map((address) => [formatAddress(address), address]));
  return [...byText.values()].sort(compareAddresses);
}

function of<T>(map: Map<string, Map<string, T>>, key: string): Map<string, T> {
  const found = map.get(key) ?? new Map<string, T>();
  map.set(key, found);
  return found;
}
