import { type AgentSet, agentsKey, DEFAULT_AGENT } from './agents.ts';
import type { Baseline } from './baseline.ts';
import { type KeyPath, keyText } from './keys.ts';
import type { Finding } from './line.ts';
import type { VersionKnowledge } from './version.ts';

/**
 * Which agents there are, against those declared. Without a declaration there is the one that OpenClaw has by itself; an
 * agent that nobody declared brings settings, a workspace and a model of its own.
 */
export function agentSetFindings(baseline: Baseline, sets: readonly AgentSet[], version: VersionKnowledge): Finding[] {
  const declared = [...baseline.deployment.agents.keys()];
  const wanted = declared.length === 0 ? [DEFAULT_AGENT] : declared;
  const configured = sets.flatMap((set) => set.agents.map((a) => a.id));
  const present = configured.length === 0 ? [DEFAULT_AGENT] : configured;
  const isMissing = (id: string) => !present.some((p) => same(p, id));
  return [
    ...sets.flatMap((set) => set.odd.map((at) => odd(at))),
    ...(declared.length === 0
      ? sets.filter((set) => strangers(set, wanted).length > 0).map((set) => finding(set.at, wanted, present))
      : sets.flatMap((set) =>
          strangers(set, wanted).map((agent) => ({ ...finding(agent.at, null, agent.id), agent: agent.id })),
        )),
    ...(declared.length === 0 ? [] : wanted.filter(isMissing)).map((id) => ({
      ...finding([...(sets[0]?.at ?? agentsKey(version.family)), id], id, null),
      agent: id,
    })),
  ];
}

function strangers(set: AgentSet, wanted: readonly string[]): AgentSet['agents'] {
  return set.agents.filter((agent) => !wanted.some((id) => same(id, agent.id)));
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function finding(at: KeyPath, expected: unknown, effective: unknown): Finding {
  return {
    path: keyText(at),
    state: 'violated',
    causes: ['OC-07', 'OC-08'],
    severity: 'high',
    section: '4',
    expected,
    effective,
    source: 'config',
    fix: 'Remove the agent, or declare it under agents.',
  };
}

function odd(at: KeyPath): Finding {
  return { ...finding(at, null, '(not an agent)'), state: 'unknown', fix: 'Write every agent as a map.' };
}
