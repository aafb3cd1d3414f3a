import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Flow, Host, Segment, Service, Topology } from '../model.ts';
import { segmentAddresses, shareFamily } from './endpoints.ts';

/** Who opens a flow: one host, or the operators' own devices, which no file lists. */
export type Initiator = Host | 'operators';

/** How one initiator reaches one responder. */
export type Connection =
  /** Both are in the segment: directly over its link. The tailnet has no part in it. */
  | { readonly kind: 'link'; readonly initiator: Host; readonly responder: Host; readonly segment: Segment }
  /** Both are on the tailnet. */
  | { readonly kind: 'tailnet'; readonly initiator: Initiator; readonly responder: Host }
  /** Over the tailnet to the segment's router, which forwards and puts its own address in place of the source (SNAT). */
  | {
      readonly kind: 'routed';
      readonly initiator: Initiator;
      readonly responder: Host;
      readonly segment: Segment;
      readonly router: Host;
    };

/** A flow with its service and every pair of ends it joins. */
export interface PlannedConnections {
  readonly flow: Flow;
  readonly service: Service;
  readonly connections: readonly Connection[];
}

/**
 * Finds for every flow how each initiator reaches each responder, in the order of flow ids. A pair that nothing joins is
 * an error: the file would promise a flow that cannot work.
 */
export function connectFlows(topology: Topology): { planned: PlannedConnections[]; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const planned = topology.flows
    .toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))
    .flatMap((flow): PlannedConnections[] => {
      const service = topology.services.get(flow.to);
      if (service === undefined) return [];
      return [{ flow, service, connections: connect(topology, flow, service, diagnostics) }];
    });
  return { planned, diagnostics };
}

function connect(topology: Topology, flow: Flow, service: Service, diagnostics: Diagnostic[]): Connection[] {
  const initiators: readonly Initiator[] = flow.from === 'operators' ? ['operators'] : hostsOf(topology, flow.from);
  const responders = hostsOf(topology, service.on);
  const connections: Connection[] = [];
  let pairs = 0;
  for (const initiator of initiators) {
    for (const responder of responders) {
      if (initiator === responder) continue;
      pairs++;
      const found = join(topology, initiator, responder);
      if (typeof found === 'string') diagnostics.push(impossible(flow, initiator, responder, found));
      else connections.push(found);
    }
  }
  if (pairs === 0) diagnostics.push(idle(topology, flow, service));
  return connections;
}

/** Hosts of a role, in the order of their names. */
export function hostsOf(topology: Topology, role: string): Host[] {
  return [...topology.hosts.values()].filter((host) => host.role === role);
}

/** The connection, or why there is none. */
function join(topology: Topology, initiator: Initiator, responder: Host): Connection | string {
  const onTailnet = initiator === 'operators' || initiator.device !== undefined;
  if (onTailnet && responder.device !== undefined) {
    const own = initiator === 'operators' ? [] : initiator.tailnetAddresses;
    return shareFamily(own, responder.tailnetAddresses)
      ? { kind: 'tailnet', initiator, responder }
      : 'their declared tailnet addresses are of different families';
  }
  const segment = responder.segment === undefined ? undefined : topology.segments.get(responder.segment);
  if (segment === undefined) return `${nameOf(initiator)} is off the tailnet and ${responder.name} is in no segment`;
  const target = segmentAddresses(responder, segment);
  if (initiator !== 'operators' && initiator.segment === segment.name) {
    return shareFamily(segmentAddresses(initiator, segment), target)
      ? { kind: 'link', initiator, responder, segment }
      : `their addresses in segment ${segment.name} are of different families`;
  }
  const router = topology.hosts.get(segment.router);
  if (!onTailnet || router?.device === undefined) {
    return `${nameOf(initiator)} is off the tailnet and not in segment ${segment.name}`;
  }
  const own = initiator === 'operators' ? [] : initiator.tailnetAddresses;
  if (!shareFamily(own, target)) return 'their declared addresses are of different families';
  return shareFamily(segmentAddresses(router, segment), target)
    ? { kind: 'routed', initiator, responder, segment, router }
    : `the router ${router.name} and ${responder.name} have addresses of different families in segment ${segment.name}`;
}

function nameOf(initiator: Initiator): string {
  return initiator === 'operators' ? 'the operators' : initiator.name;
}

function impossible(flow: Flow, initiator: Initiator, responder: Host, why: string): Diagnostic {
  return {
    code: 'topology-flow-no-path',
    severity: 'error',
    span: flow.span,
    message: `flow ${flow.id} cannot work from ${nameOf(initiator)} to ${responder.name}: ${why}`,
    hint: 'put both ends on the tailnet or into one segment with addresses of one family, or remove the flow',
    related: [{ span: responder.span, message: `${responder.name} is declared here` }],
  };
}

function idle(topology: Topology, flow: Flow, service: Service): Diagnostic {
  const empty = [flow.from, service.on].filter((role) => role !== 'operators' && hostsOf(topology, role).length === 0);
  return {
    code: 'topology-flow-idle',
    severity: 'warning',
    span: flow.span,
    message: `flow ${flow.id} joins no hosts${empty.length === 0 ? '' : `: no host has role ${[...new Set(empty)].join(' or ')}`}`,
    hint: 'nothing is opened for it; add the hosts, or remove the flow',
  };
}
