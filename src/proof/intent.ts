import { AddressSet } from '../net/address-set.ts';
import { prefixOf, TAILNET_V4, TAILNET_V6 } from '../net/prefix.ts';
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

/** Where a flow's packets cross one host, and which addresses the other end has there. */
export interface End {
  readonly interface: string;
  readonly remote: AddressSet;
}

/** All declared flows as paths between ends. */
export function flowPaths(topology: Topology): readonly FlowPath[] {
  return connectFlows(topology).planned.flatMap(({ flow, service, connections }) =>
    connections.map((c) => ({ flow, service, ...pathOf(c) })),
  );
}

/** The hosts whose isolation is the point of it all. */
export function modelHosts(topology: Topology): readonly Host[] {
  return [...topology.hosts.values()].filter((h) => topology.roles.get(h.role)?.kind === 'model');
}

/** The host's addresses inside a segment. */
export function segmentEnd(host: Host, segment: Segment): AddressSet {
  return AddressSet.ofAddresses(...host.addresses).intersect(AddressSet.ofPrefixes(...segment.prefixes));
}

/** The host's declared tailnet addresses, or the tailnet's whole ranges where the topology does not pin them. */
export function tailnetEnd(host: Host | 'operators'): AddressSet {
  if (host === 'operators' || host.tailnetAddresses.length === 0) return TAILNET;
  return AddressSet.ofPrefixes(...host.tailnetAddresses.map(prefixOf));
}

function pathOf(c: Connection): Omit<FlowPath, 'flow' | 'service'> {
  const to = c.responder;
  switch (c.kind) {
    case 'link':
      return {
        kind: c.kind,
        from: c.initiator,
        to,
        sender: { interface: linkOf(c.initiator), remote: segmentEnd(to, c.segment) },
        receiver: { interface: linkOf(to), remote: segmentEnd(c.initiator, c.segment) },
        router: undefined,
      };
    case 'tailnet':
      return {
        kind: c.kind,
        from: hostOf(c.initiator),
        to,
        sender: c.initiator === 'operators' ? undefined : { interface: TAILNET_INTERFACE, remote: tailnetEnd(to) },
        receiver: { interface: TAILNET_INTERFACE, remote: tailnetEnd(c.initiator) },
        router: undefined,
      };
    case 'routed': {
      const target = segmentEnd(to, c.segment);
      return {
        kind: c.kind,
        from: hostOf(c.initiator),
        to,
        sender: c.initiator === 'operators' ? undefined : { interface: TAILNET_INTERFACE, remote: target },
        // The router hides the source: the responder only ever sees the router's own address on the link.
        receiver: { interface: linkOf(to), remote: segmentEnd(c.router, c.segment) },
        router: { host: c.router, inner: linkOf(c.router), source: tailnetEnd(c.initiator), target },
      };
    }
  }
}

function hostOf(initiator: Host | 'operators'): Host | undefined {
  return initiator === 'operators' ? undefined : initiator;
}

/** Interface into the segment. The loader gives one to every host that is in a segment. */
function linkOf(host: Host): string {
  return host.segmentInterface ?? 'eth0';
}
