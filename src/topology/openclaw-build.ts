import { REFERENCE_DEPLOYMENT } from '../openclaw/deployment.ts';
import { NEWEST_MEASURED } from '../openclaw/version.ts';
import type { Span } from '../source/span.ts';
import type { Agent, OpenClawDeclaration, Role } from './model.ts';
import type { TopologyInput } from './schema.ts';

/** An agent with its defaults. Tools run on the declared executor, else on the one role there is for that. */
export function buildAgent(
  name: string,
  agent: NonNullable<TopologyInput['agents']>[string],
  roles: ReadonlyMap<string, Role>,
  span: Span,
): Agent {
  const executors = [...roles.values()].filter((role) => role.kind === 'executor');
  return {
    name,
    lane: agent.lane,
    model: agent.model,
    tools: { allow: agent.tools?.allow ?? [], deny: agent.tools?.deny ?? [] },
    workspace: agent.workspace ?? 'none',
    approvals: agent.approvals ?? 'on-miss',
    executor: agent.executor ?? (executors.length === 1 ? executors[0]?.name : undefined),
    resources: agent.resources ?? [],
    span,
  };
}

/** The deployment with its defaults. */
export function buildOpenClaw(declared: NonNullable<TopologyInput['openclaw']>, span: Span): OpenClawDeclaration {
  return {
    preset: declared.preset,
    version: declared.version ?? NEWEST_MEASURED,
    gateway: declared.gateway,
    port: declared.port ?? REFERENCE_DEPLOYMENT.port,
    nodes: declared.nodes ?? [],
    overrides: declared.overrides ?? {},
    span,
  };
}
