import { type AgentSet, type ConfiguredAgent, ownKey } from './agents.ts';
import type { Baseline } from './baseline.ts';
import { decide } from './decide.ts';
import type { LaneDeclaration } from './deployment.ts';
import { withMode } from './exec-policy.ts';
import { type KeyPath, keyPath, keyText, valueAt } from './keys.ts';
import type { Expectation, Finding, Line } from './line.ts';
import { readingOf } from './reading.ts';
import { expandTools } from './tools.ts';
import type { VersionKnowledge } from './version.ts';

/**
 * What is declared of each lane against what its agent has in effect: its own value, else what it inherits. Sandbox lists
 * fall back one by one, agent, whole configuration, release (openclaw `resolveSandboxToolPolicyForAgent`).
 */
export function laneFindings(
  baseline: Baseline,
  sets: readonly AgentSet[],
  config: unknown,
  version: VersionKnowledge,
): Finding[] {
  const agents = sets.flatMap((set) => set.agents);
  return [...baseline.deployment.agents].flatMap(([name, lane]) => {
    const agent = agents.find((a) => a.id.toLowerCase() === name.toLowerCase());
    if (agent === undefined) return [];
    return laneExpectations(baseline, lane).flatMap(([key, expect]): Finding[] => {
      const line = baseline.lineOf(keyPath(key), undefined);
      return line === undefined ? [] : [decideLane(line, expect, agent, config, version)];
    });
  });
}

function decideLane(
  line: Line,
  expect: Expectation,
  agent: ConfiguredAgent,
  config: unknown,
  version: VersionKnowledge,
): Finding {
  const rest = ownKey(line.key) ?? line.key;
  const own = readingOf(agent.settings, rest, version);
  if (own.value !== undefined) {
    const path: KeyPath = [...agent.at, ...own.path];
    return { ...decide(line, expect, { ...own, path }, version), agent: agent.id };
  }
  const general = withMode(line, valueAt(config, ['tools']));
  const inherited = decide(general, expect, readingOf(config, line.key, version), version);
  const path = keyText([...agent.at, ...rest]);
  return { ...inherited, path, agent: agent.id, source: `${inherited.source}, inherited` };
}

/**
 * Tools of a lane, as lists that a configuration can hold: what it has, and what of the baseline's stays denied. Groups
 * become names, since a later release may have more in a group.
 */
export function laneTools(baseline: Baseline, lane: LaneDeclaration): { allow: readonly string[]; deny: string[] } {
  const names = (list: readonly string[]) => [...(expandTools(list, baseline.family) ?? [])];
  const allow = names(lane.allow ?? baseline.tools.allow);
  return { allow, deny: [...baseline.tools.deny.filter((tool) => !allow.includes(tool)), ...names(lane.deny)] };
}

/** What a lane's declaration says of keys that agents may set; by their names in the defaults. */
export function laneExpectations(baseline: Baseline, lane: LaneDeclaration): [string, Expectation][] {
  const { allow, deny } = laneTools(baseline, lane);
  const is = (...values: string[]): Expectation => ({ kind: 'one-of', values });
  return [
    ...(lane.model === undefined
      ? []
      : [['agents.defaults.model.primary', is(lane.model)] satisfies [string, Expectation]]),
    ['agents.defaults.sandbox.mode', is('all')],
    [
      'agents.defaults.sandbox.workspaceAccess',
      is(...(lane.workspace === 'rw' ? ['rw', 'ro'] : [lane.workspace]), 'none'),
    ],
    ['tools.exec.ask', lane.approvals === 'always' ? is('always') : is('on-miss', 'always')],
    ['tools.deny', { kind: 'denied-tools', deny: [], keep: allow }],
    ['tools.sandbox.tools.allow', { kind: 'tools', list: allow }],
    ['tools.sandbox.tools.deny', { kind: 'denied-tools', deny, keep: allow }],
  ];
}
