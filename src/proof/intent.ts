import { AddressSet } from '../net/address-set.ts';
import { TAILNET_V4, TAILNET_V6 } from '../net/prefix.ts';
import { type Connection, connectFlows } from '../topology/compile/connections.ts';
import type { Flow, Host, Segment, Service, Topology } from '../topology/model.ts';

/** The interface of the tailnet daemon on Linux. */
export const TAILNET_INTERFACE = 'tailscale0';

/** Every address a device of a tailnet can have. */
export const TAILNET: AddressSet = AddressSet.ofPrefixes(TAILNET_V4, TAILNET_V6);

/**
 * One declared flow between two ends. Which way it takes is the topology's meaning; which packets that makes at each
 * host is derived here once more, apart from what the compiler emitted, so that a compiler that drops, widens or forgets
 * something is contradicted.
 */
export interface FlowPath {
  readonly flow: Flow;
  readonly service: Service;
  readonly kind: Connection['kind'];
  /** Undefined: the operators' own devices. */
  readonly from: Host | undefined;
  readonly to: Host;
  /** What the opening host sees; undefined for the operators' devices, which cordon does not manage. */
  readonly sender: End | undefined;
  readonly receiver: End;
  /** Only for `routed`. */
  readonly router:
    | { readonly host: Host; readonly inner: string; readonly source: AddressSet; readonly target: AddressSet }
    | undefined;
}

/** Where a flow's packets cross one host, and which addresses both ends have there. */
export interface End {
  readonly interface: string;
  /** The host's own addresses; all of them where the topology does not pin any. */
  readonly local: AddressSet;
  readonly remote: AddressSet;
}

/** All declared flows as paths between ends. */
export function flowPaths(topology: Topology): readonly FlowPath[] {
  const known = paths.get(topology);
  if (known !== undefined) return known;
  const fresh = connectFlows(topology).planned.flatMap(({ flow, service, connections }) =>
    connections.map((c) => ({ flow, service, ...pathOf(topology, c) })),
  );
  paths.set(topology, fresh);
  return fresh;
}

/** The same list for the same topology, so that what is worked out from it can be found again by it. */
const paths = new WeakMap<Topology, readonly FlowPath[]>();

/** The hosts whose isolation is the point of it all. */
export function modelHosts(topology: Topology): readonly Host[] {
  return [...topology.hosts.values()].filter((h) => topology.roles.get(h.role)?.kind === 'model');
}

/** The host's addresses inside a segment. */
export function segmentEnd(host: Host, segment: Segment): AddressSet {
  return AddressSet.ofAddresses(...host.addresses).intersect(AddressSet.ofPrefixes(...segment.prefixes));
}

/**
 * Where the other end of a flow is on the tailnet: its declared addresses, or where the topology does not pin them the
 * tailnet's ranges without the model hosts. A model opens nothing, so it is never one of those whom a wide flow names.
 */
export function tailnetEnd(topology: Topology, host: Host | 'operators'): AddressSet {
  if (host !== 'operators' && host.tailnetAddresses.length > 0) return pinned(host);
  const models = modelHosts(topology).filter((m) => m !== host);
  return models.reduce((set, m) => set.subtract(pinned(m)), TAILNET);
}

/** The host's declared tailnet addresses. */
export function pinned(host: Host): AddressSet {
  return AddressSet.ofAddresses(...host.tailnetAddresses);
}

/** The model's link into its segment, where packet sockets on it have to be closed as well: it has no other use. */
export function rawLink(topology: Topology, host: Host): string | undefined {
  const isModel = topology.roles.get(host.role)?.kind === 'model';
  return isModel && host.placement !== 'tailnet' ? host.segmentInterface : undefined;
}

function localEnd(addresses: AddressSet): AddressSet {
  return addresses.isEmpty() ? AddressSet.all : addresses;
}

function pathOf(topology: Topology, c: Connection): Omit<FlowPath, 'flow' | 'service'> {
  const to = c.responder;
  switch (c.kind) {
    case 'link': {
      const [here, there] = [segmentEnd(c.initiator, c.segment), segmentEnd(to, c.segment)];
      return {
        kind: c.kind,
        from: c.initiator,
        to,
        sender: { interface: linkOf(c.initiator), local: localEnd(here), remote: there },
        receiver: { interface: linkOf(to), local: localEnd(there), remote: here },
        router: undefined,
      };
    }
    case 'tailnet':
      return {
        kind: c.kind,
        from: hostOf(c.initiator),
        to,
        sender: tunnelEnd(c.initiator, tailnetEnd(topology, to)),
        receiver: tunnelEnd(to, tailnetEnd(topology, c.initiator)),
        router: undefined,
      };
    case 'routed': {
      const target = segmentEnd(to, c.segment);
      // The router hides the source: the responder only ever sees the router's own address on the link.
      const remote = segmentEnd(c.router, c.segment);
      return {
        kind: c.kind,
        from: hostOf(c.initiator),
        to,
        sender: tunnelEnd(c.initiator, target),
        receiver: { interface: linkOf(to), local: localEnd(target), remote },
        router: { host: c.router, inner: linkOf(c.router), source: tailnetEnd(topology, c.initiator), target },
      };
    }
  }
}

function tunnelEnd(host: Host, remote: AddressSet): End;
function tunnelEnd(host: Host | 'operators', remote: AddressSet): End | undefined;
function tunnelEnd(host: Host | 'operators', remote: AddressSet): End | undefined {
  if (host === 'operators') return undefined;
  return { interface: TAILNET_INTERFACE, local: localEnd(pinned(host)), remote };
}

function hostOf(initiator: Host | 'operators'): Host | undefined {
  return initiator === 'operators' ? undefined : initiator;
}

/** Interface into the segment. The loader gives one to every host that is in a segment. */
function linkOf(host: Host): string {
  return host.segmentInterface ?? 'eth0';
}
