import { agentSetFindings } from './agent-set.ts';
import { agentSets, type ConfiguredAgent, inheritedKey } from './agents.ts';
import { newestName } from './aliases.ts';
import type { Baseline } from './baseline.ts';
import { decide } from './decide.ts';
import { isExecDenied, withMode } from './exec-policy.ts';
import { isRecord, type KeyPath, keyText, leavesOf, sameValue, valueAt } from './keys.ts';
import { laneFindings } from './lanes.ts';
import type { Finding, Line } from './line.ts';
import { otherKey } from './other-keys.ts';
import { readingOf } from './reading.ts';
import { shown } from './show.ts';
import type { VersionKnowledge } from './version.ts';
import { type Extra, wholeAddedMaps, wholeRemovedMaps } from './whole-maps.ts';

/**
 * Holds a configuration against a baseline, key by key and agent by agent: every line, and every key of the file that no
 * line has.
 * @param config the file's content: references are still references
 * @returns lines that hold included; in the order of the baseline, then of the file
 */
export function compareConfig(baseline: Baseline, config: unknown, version: VersionKnowledge): Finding[] {
  const lines = baseline.lines.filter((line) => !isAgents(line.key));
  const sets = agentSets(config);
  const decided = lines.map((line) => ({ line, finding: decideLine(line, config, version) }));
  return [
    ...decided.map((d) => d.finding),
    ...wholeRemovedMaps(decided, config, version),
    ...wholeAddedMaps(extrasOf(baseline, config, version), lines),
    ...agentSetFindings(baseline, sets, version),
    ...sets.flatMap((set) => set.agents.flatMap((agent) => agentFindings(baseline, agent, version))),
    ...laneFindings(baseline, sets, config, version),
  ];
}

function decideLine(line: Line, config: unknown, version: VersionKnowledge): Finding {
  const tools = valueAt(config, ['tools']);
  const reading = readingOf(config, line.key, version);
  // Nobody has to be asked where nothing runs.
  const isIdle = keyText(line.key) === 'tools.exec.ask' && isExecDenied(tools);
  return decide(withMode(line, tools), line.expect, isIdle ? { ...reading, value: undefined } : reading, version);
}

/** Keys of the file that no line decides. */
function extrasOf(baseline: Baseline, config: unknown, version: VersionKnowledge): Extra[] {
  const leaves = leavesOf(config).filter(({ path }) => path.length > 0 && !isAgents(path));
  return leaves.flatMap(({ path, value }): Extra[] => {
    const key = newestName(path, version.family);
    if ((isEmptyMap(value) && !isNamed(key)) || baseline.lineOf(key, value) !== undefined) return [];
    return [{ path, key, shown: shown(value), findings: otherFinding(path, key, value) }];
  });
}

/** A map without keys sets nothing … */
function isEmptyMap(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

const NAMED: ReadonlySet<string> = new Set(['models.providers', 'plugins.entries', 'mcp.servers']);

/** … unless being there is what counts: a channel, a provider, a plugin takes the rest from the environment. */
function isNamed(key: KeyPath): boolean {
  return (key.length === 2 && key[0] === 'channels') || (key.length === 3 && NAMED.has(keyText(key.slice(0, 2))));
}

function otherFinding(path: KeyPath, key: KeyPath, value: unknown, agent?: string): Finding[] {
  const meaning = otherKey(key);
  if (meaning.kind === 'neutral') return [];
  const base = { path: keyText(path), ...(agent === undefined ? {} : { agent }), section: '', expected: null } as const;
  if (meaning.kind === 'unknown') {
    return [
      {
        ...base,
        state: 'unknown',
        causes: [],
        severity: 'medium',
        effective: shown(value),
        source: 'config',
        fix: 'Nobody has said what this key does to isolation: declare it in openclaw.overrides, or remove it.',
      },
    ];
  }
  if (meaning.harmless.some((fine) => sameValue(fine, value))) return [];
  const { causes, severity, fix } = meaning;
  return [{ ...base, state: 'violated', causes, severity, effective: shown(value), source: 'config', fix }];
}

/** What an agent sets for itself: it replaces what it would inherit. */
function agentFindings(baseline: Baseline, agent: ConfiguredAgent, version: VersionKnowledge): Finding[] {
  const leaves = leavesOf(agent.settings).filter(({ path }) => path.length > 0);
  return leaves.flatMap(({ path: rest, value }): Finding[] => {
    if (isEmptyMap(value) || (rest.length === 1 && rest[0] === 'id')) return [];
    const path = [...agent.at, ...rest];
    const own = baseline.lineOf(path, value);
    if (own !== undefined) {
      return [{ ...decide(own, own.expect, { path, value, hasMap: true }, version), agent: agent.id }];
    }
    const key = newestName(inheritedKey(rest), version.family);
    const line = baseline.lineOf(key, value);
    if (line === undefined) return otherFinding(path, key, value, agent.id);
    // Where a lane is declared, its own lines decide; and some keys an agent can only narrow.
    if (line.ofAgent === null || baseline.isLaneKey(agent.id, line.key)) return [];
    if (keyText(line.key) === 'tools.exec.ask' && isExecDenied(valueAt(agent.settings, ['tools']))) return [];
    const reading = { path: path.slice(0, agent.at.length + keyLength(line, rest)), value, hasMap: true };
    return [{ ...decide(line, line.ofAgent ?? line.expect, reading, version), agent: agent.id }];
  });
}

/** Steps of an agent's own key that belong to the line: a map below it is one value. */
function keyLength(line: Line, rest: KeyPath): number {
  const own = line.key[0] === 'tools' ? line.key.length : line.key.length - 2;
  return Math.min(own, rest.length);
}

function isAgents(path: KeyPath): boolean {
  return path[0] === 'agents' && (path[1] === 'list' || path[1] === 'entries');
}
