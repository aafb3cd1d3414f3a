import type { Flow, Topology } from './model.ts';

type Declared = Pick<Topology, 'flows' | 'agents' | 'roles' | 'services'>;

/**
 * The flows that lanes need: the executor of an agent opens the services of every role whose tag is among the agent's
 * resources. They become grants, tests, rules and claims like any other flow; a pair that the file has as a flow of its
 * own is not opened twice.
 */
export function laneFlows({ flows, agents, roles, services }: Declared): Flow[] {
  const taken = new Set(flows.map(pairOf));
  const ids = new Set(flows.map((flow) => flow.id));
  const found: Flow[] = [];
  for (const agent of agents.values()) {
    for (const service of services.values()) {
      const tag = roles.get(service.on)?.tag;
      if (agent.executor === undefined || tag === undefined || !agent.resources.includes(tag)) continue;
      const flow = { from: agent.executor, to: service.name };
      if (taken.has(pairOf(flow))) continue;
      taken.add(pairOf(flow));
      const id = freshId(`lane-${agent.name}-${service.name}`, ids);
      ids.add(id);
      found.push({ id, ...flow, span: agent.span });
    }
  }
  return found;
}

function pairOf({ from, to }: { readonly from: string; readonly to: string }): string {
  return `${from} ${to}`;
}

/** A flow id made of names: lower case, without underscores, 40 characters at most, and no other flow's. */
function freshId(text: string, taken: ReadonlySet<string>): string {
  const id = text.toLowerCase().replaceAll('_', '-').slice(0, 36).replace(/-+$/, '');
  for (let n = 1; ; n++) {
    const candidate = n === 1 ? id : `${id}-${n}`;
    if (!taken.has(candidate)) return candidate;
  }
}
