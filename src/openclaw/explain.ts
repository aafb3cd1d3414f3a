import { agentSets, DEFAULT_AGENT, ownKey } from './agents.ts';
import { isRecord, type KeyPath, keyPath, keyText, sameValue, valueAt } from './keys.ts';
import type { Finding } from './line.ts';
import { readingOf } from './reading.ts';
import { shown } from './show.ts';
import { expandTools, SANDBOX_EXTRA } from './tools.ts';
import type { VersionKnowledge } from './version.ts';

const ALSO = ['tools', 'sandbox', 'tools', 'alsoAllow'];
const ELEVATED = ['tools', 'elevated', 'enabled'];

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
  const said = (key: KeyPath): unknown => {
    const own = agent === undefined ? undefined : readingOf(agent.settings, ownKey(key) ?? key, version).value;
    return own ?? readingOf(config, key, version).value;
  };
  const plain = [
    { key: keyPath('agents.defaults.sandbox.mode'), unset: 'off', theirs: sandbox['mode'] },
    { key: keyPath('agents.defaults.sandbox.workspaceAccess'), unset: 'none', theirs: sandbox['workspaceAccess'] },
  ].map(({ key, unset, theirs }) => {
    const ours = said(key) ?? unset;
    return { key, ours, theirs, same: ours === theirs };
  });
  const lists = (['allow', 'deny'] as const).map((list) => {
    const key = ['tools', 'sandbox', 'tools', list];
    const [ours, theirs] = [said(key), valueAt(sandbox, ['tools', list])];
    // What the built-in lists lose or gain beside explicit ones is the release's own business.
    const isComposed = ours === undefined || (list === 'allow' && said(ALSO) !== undefined);
    return { key, ours, theirs, same: isComposed ? Array.isArray(theirs) : sameTools(ours, theirs, version) };
  });
  const isElevated = [config, agent?.settings].every((root) => valueAt(root, ELEVATED) !== false);
  const elevated = valueAt(answer, ['elevated', 'enabled']);
  return [...plain, ...lists, { key: ELEVATED, ours: isElevated, theirs: elevated, same: elevated === isElevated }]
    .filter((row) => !row.same)
    .map(({ key, ours, theirs }) => {
      const path = agent === undefined ? key : [...agent.at, ...(ownKey(key) ?? key)];
      return contradiction(keyText(path), agent?.id, shown(ours), shown(theirs));
    });
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
