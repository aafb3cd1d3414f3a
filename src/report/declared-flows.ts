import type { PortRange, Topology } from '../topology/model.ts';
import type { DrawnFlow } from './mermaid.ts';

/** The declared flows for a picture, role to role by tag, as changes name them. */
export function drawnFlows(topology: Topology): readonly DrawnFlow[] {
  const tagOf = (role: string) => topology.roles.get(role)?.tag ?? role;
  return topology.flows.flatMap((flow) => {
    const service = topology.services.get(flow.to);
    return service === undefined ? [] : [{ from: tagOf(flow.from), to: tagOf(service.on), what: ports(service) }];
  });
}

function ports({ tcp, udp }: { readonly tcp: readonly PortRange[]; readonly udp: readonly PortRange[] }): string {
  const list = (proto: string, ranges: readonly PortRange[]) =>
    ranges.length === 0
      ? []
      : [`${proto} ${ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(', ')}`];
  return [...list('tcp', tcp), ...list('udp', udp)].join('; ');
}
