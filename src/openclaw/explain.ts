import { agentSets, DEFAULT_AGENT } from './agents.ts';
import { isRecord, type KeyPath, keyPath, keyText, sameValue, valueAt } from './keys.ts';
import type { Finding } from './line.ts';
import { readingOf } from './reading.ts';
import { shown } from './show.ts';
import { expandTools, SANDBOX_EXTRA } from './tools.ts';
import type { VersionKnowledge } from './version.ts';

const ALSO = ['tools', 'sandbox', 'tools', 'alsoAllow'];

/**
 * Whether `openclaw sandbox explain` tells the same of an agent as its configuration: what the gateway itself works out
 * must be what we do. It covers the sandbox's mode and tools, and elevation; not the other tool layers.
 * @param answer its JSON
 * @returns an unknown for each contradiction, and for an answer that cannot be used; empty when both agree
 */
export function explainFindings(answer: unknown, config: unknown, version: VersionKnowledge): Finding[] {
  const id = valueAt(answer, ['agentId']);
  const sandbox = valueAt(answer, ['sandbox']);
  if (typeof id !== 'string' || !isRecord(sandbox)) return [contradiction('explain', undefined, null, null)];
  const agents = agentSets(config).flatMap((set) => set.agents);
  const agent = agents.find((a) => a.id.toLowerCase() === id.toLowerCase());
  // 2026.2.26 answers for any name, with the defaults: that says nothing of an agent that is not there.
  if (agent === undefined && (agents.length > 0 || id !== DEFAULT_AGENT)) {
    return [contradiction('explain', undefined, 'an agent of the configuration', '(another agent)')];
  }
  const at: KeyPath = agent?.at ?? [];
  const effective = (own: KeyPath, inherited: KeyPath, fallback: unknown): unknown =>
    (agent === undefined ? undefined : readingOf(agent.settings, own, version).value) ??
    readingOf(config, inherited, version).value ??
    fallback;
  const found: Finding[] = [];
  const compare = (own: string, inherited: string, ours: unknown, theirs: unknown, same: boolean): void => {
    if (same) return;
    const key = agent === undefined ? keyPath(inherited) : [...at, ...keyPath(own)];
    found.push({ ...contradiction(keyText(key), agent?.id, shown(ours), shown(theirs)) });
  };
  const mode = effective(['sandbox', 'mode'], keyPath('agents.defaults.sandbox.mode'), 'off');
  const theirMode = sandbox['mode'];
  compare('sandbox.mode', 'agents.defaults.sandbox.mode', mode, theirMode, mode === theirMode);
  const access = effective(['sandbox', 'workspaceAccess'], keyPath('agents.defaults.sandbox.workspaceAccess'), 'none');
  const theirAccess = sandbox['workspaceAccess'];
  compare(
    'sandbox.workspaceAccess',
    'agents.defaults.sandbox.workspaceAccess',
    access,
    theirAccess,
    access === theirAccess,
  );
  for (const list of ['allow', 'deny'] as const) {
    const key = ['tools', 'sandbox', 'tools', list];
    const ours = effective(key, key, undefined);
    const theirs = valueAt(sandbox, ['tools', list]);
    // What the built-in lists lose or gain beside explicit ones is the release's own business.
    const isComposed = ours === undefined || (list === 'allow' && effective(ALSO, ALSO, undefined) !== undefined);
    if (isComposed && Array.isArray(theirs)) continue;
    compare(keyText(key), keyText(key), ours, theirs, sameTools(ours, theirs, version));
  }
  const elevated = ['tools', 'elevated', 'enabled'];
  const ours =
    valueAt(config, elevated) !== false && (agent === undefined || valueAt(agent.settings, elevated) !== false);
  const theirs = valueAt(answer, ['elevated', 'enabled']);
  compare(keyText(elevated), keyText(elevated), ours, theirs, ours === theirs);
  return found;
}

/** The same tools, but for the one that the sandbox adds by itself unless it is denied. */
function sameTools(ours: unknown, theirs: unknown, version: VersionKnowledge): boolean {
  const without = (list: unknown) => {
    const tools = expandTools(list, version.family);
    return tools === undefined ? undefined : [...tools].filter((tool) => tool !== SANDBOX_EXTRA[version.family]).sort();
  };
  const [a, b] = [without(ours), without(theirs)];
  return a !== undefined && b !== undefined && sameValue(a, b);
}

function contradiction(path: string, agent: string | undefined, expected: unknown, effective: unknown): Finding {
  return {
    path,
    ...(agent === undefined ? {} : { agent }),
    state: 'unknown',
    causes: [],
    severity: 'medium',
    section: '2',
    expected,
    effective,
    source: 'sandbox explain',
    fix: 'Configuration and `openclaw sandbox explain` disagree: read both again from the same running gateway.',
  };
}
