import { isRecord, type KeyPath, valueAt } from './keys.ts';
import type { Family } from './version.ts';

/** An agent that a configuration names. */
export interface ConfiguredAgent {
  readonly id: string;
  /** Where it stands in the file. */
  readonly at: KeyPath;
  readonly settings: unknown;
}

/** The agents of a configuration, however the file writes them. */
export interface AgentSet {
  /** Key of the whole set: `agents.list`, or `agents.entries`. */
  readonly at: KeyPath;
  readonly agents: readonly ConfiguredAgent[];
  /** Items that are no agents: no map, no id. */
  readonly odd: readonly KeyPath[];
}

/** The agent that OpenClaw has when nobody names one (openclaw `DEFAULT_AGENT_ID`). */
export const DEFAULT_AGENT = 'main';

/**
 * Reads both forms: `agents.list` with ids (2026.2; later releases still read it) and `agents.entries` by id.
 * @returns one set for each form that the file has
 */
export function agentSets(config: unknown): AgentSet[] {
  const sets: AgentSet[] = [];
  const list = valueAt(config, ['agents', 'list']);
  if (list !== undefined) sets.push(fromList(list));
  const entries = valueAt(config, ['agents', 'entries']);
  if (entries !== undefined) sets.push(fromEntries(entries));
  return sets;
}

function fromList(list: unknown): AgentSet {
  const at = ['agents', 'list'];
  if (!Array.isArray(list)) return { at, agents: [], odd: [at] };
  const agents: ConfiguredAgent[] = [];
  const odd: KeyPath[] = [];
  for (const [i, settings] of list.entries()) {
    const id = valueAt(settings, ['id']);
    if (isRecord(settings) && typeof id === 'string') agents.push({ id, at: [...at, String(i)], settings });
    else odd.push([...at, String(i)]);
  }
  return { at, agents, odd };
}

function fromEntries(entries: unknown): AgentSet {
  const at = ['agents', 'entries'];
  if (!isRecord(entries)) return { at, agents: [], odd: [at] };
  const pairs = Object.entries(entries);
  return {
    at,
    agents: pairs.filter(([, s]) => isRecord(s)).map(([id, settings]) => ({ id, at: [...at, id], settings })),
    odd: pairs.filter(([, s]) => !isRecord(s)).map(([id]) => [...at, id]),
  };
}

/**
 * The key that an agent's own setting stands in for: `sandbox.mode` for `agents.defaults.sandbox.mode`, `tools.deny` for
 * `tools.deny`.
 * @param rest steps below the agent
 */
export function inheritedKey(rest: KeyPath): KeyPath {
  return rest[0] === 'tools' ? rest : ['agents', 'defaults', ...rest];
}

/** The agent's own key for a key it may override; undefined where agents have no say. */
export function ownKey(key: KeyPath): KeyPath | undefined {
  if (key[0] === 'tools') return key;
  return key[0] === 'agents' && key[1] === 'defaults' ? key.slice(2) : undefined;
}

/** Where a new agent would be written. */
export function agentsKey(family: Family): KeyPath {
  return ['agents', family === '2026.2' ? 'list' : 'entries'];
}
