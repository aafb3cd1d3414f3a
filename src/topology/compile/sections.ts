import { type Address, compareAddresses, formatAddress } from '../../net/address.ts';
import type { Service, Topology } from '../model.ts';
import { formatPorts } from '../ports.ts';
import type { PlannedConnections } from './connections.ts';
import { segmentAddresses } from './endpoints.ts';

/** A grant of ours, before it becomes text. */
export interface Grant {
  readonly flow: string;
  readonly src: readonly string[];
  readonly dst: readonly string[];
  readonly service: Service;
}

/**
 * What the tailnet has to let through: one grant for each flow and kind of destination, never more than one pair of ends
 * (a grant is the cross product of its lists). Flows inside a segment need none.
 */
export function grantsOf(topology: Topology, planned: readonly PlannedConnections[]): Grant[] {
  return planned.flatMap(({ flow, service, connections }): Grant[] => {
    const src = flow.from === 'operators' ? topology.tailnet.operators : [tagOf(topology, flow.from)];
    const grants: Grant[] = [];
    if (connections.some((c) => c.kind === 'tailnet')) {
      grants.push({ flow: flow.id, src, dst: [tagOf(topology, service.on)], service });
    }
    const behind = connections.flatMap((c) => (c.kind === 'routed' ? segmentAddresses(c.responder, c.segment) : []));
    if (behind.length > 0) grants.push({ flow: flow.id, src, dst: texts(behind), service });
    return grants;
  });
}

/** `ip` of a grant: the protocol is always named, because without one TCP, UDP and ICMP are all open. */
export function ipEntries(service: Service): string[] {
  return [
    ...service.tcp.map((range) => `tcp:${formatPorts(range)}`),
    ...service.udp.map((range) => `udp:${formatPorts(range)}`),
  ];
}

/** Every role's tag belongs to the operators and to nobody else, whether a device holds it yet or not. */
export function tagOwnersOf(topology: Topology): Record<string, string[]> {
  const tags = [...topology.roles.values()].map((role) => role.tag).sort();
  return Object.fromEntries(tags.map((tag) => [tag, [...topology.tailnet.operators]]));
}

/** The tag of a declared role; the loader has checked that it is declared. */
export function tagOf(topology: Topology, role: string): string {
  return topology.roles.get(role)?.tag ?? role;
}

function texts(addresses: readonly Address[]): string[] {
  return [...new Set(addresses.toSorted(compareAddresses).map(formatAddress))];
}
