import { describe, expect, it } from 'vitest';
import { explainFindings } from '../../src/openclaw/explain.ts';
import { knowledgeOf } from '../../src/openclaw/version.ts';
import { type Recording, recorded } from './support.ts';

const VERSION = knowledgeOf('2026.9.6');

/** What explain says of the hardened configuration's one agent. */
function answer(edit: (answer: Recording) => void = () => {}): Recording {
  const { tools } = recorded('2026.9.6', 'hardened').config;
  const { allow, deny } = tools.sandbox.tools;
  const said = {
    agentId: 'main',
    sandbox: { mode: 'all', workspaceAccess: 'none', tools: { allow: [...allow, 'view_image'], deny } },
    elevated: { enabled: false },
  };
  edit(said);
  return said;
}

function contradictions(said: unknown, edit: (config: Recording) => void = () => {}): string[] {
  const { config } = recorded('2026.9.6', 'hardened');
  edit(config);
  return explainFindings(said, config, VERSION).map((f) => `${f.path} ${f.state}`);
}

describe('sandbox explain', () => {
  it('agrees', () => expect(contradictions(answer())).toEqual([]));
  it('agrees where the picture tool is denied', () =>
    expect(contradictions(answer((a) => a.sandbox.tools.allow.pop()))).toEqual([]));
  it('agrees on groups', () =>
    expect(
      contradictions(
        answer((a) => (a.sandbox.tools.allow = ['exec', 'process', 'code_execution', 'secrets'])),
        (c) => (c.tools.sandbox.tools.allow = ['group:runtime']),
      ),
    ).toEqual([]));
  it('is not compared where a second list is added to the first', () =>
    expect(
      contradictions(
        answer((a) => a.sandbox.tools.allow.push('browser')),
        (c) => (c.tools.sandbox.tools.alsoAllow = ['browser']),
      ),
    ).toEqual([]));

  it.each<[string, (a: Recording) => void, string]>([
    ['mode', (a) => (a.sandbox.mode = 'off'), 'agents.defaults.sandbox.mode'],
    ['workspace', (a) => (a.sandbox.workspaceAccess = 'rw'), 'agents.defaults.sandbox.workspaceAccess'],
    ['a tool more', (a) => a.sandbox.tools.allow.push('browser'), 'tools.sandbox.tools.allow'],
    ['a tool less', (a) => a.sandbox.tools.allow.shift(), 'tools.sandbox.tools.allow'],
    ['a denial less', (a) => (a.sandbox.tools.deny = a.sandbox.tools.deny.slice(1)), 'tools.sandbox.tools.deny'],
    ['no lists', (a) => delete a.sandbox.tools, 'tools.sandbox.tools.allow'],
    ['elevation', (a) => (a.elevated.enabled = true), 'tools.elevated.enabled'],
    ['no word of elevation', (a) => delete a.elevated, 'tools.elevated.enabled'],
    ['no agent', (a) => delete a.agentId, 'explain'],
    ['another agent', (a) => (a.agentId = 'other'), 'explain'],
  ])('contradicts: %s', (_name, edit, path) => {
    const found = contradictions(answer(edit));
    expect(found[0]).toBe(`${path} unknown`);
  });

  it('names the agent’s own key where there are agents', () => {
    const loose = answer((a) => (a.agentId = 'loose'));
    const found = contradictions(loose, (c) => (c.agents.entries = { main: {}, loose: { sandbox: { mode: 'off' } } }));
    expect(found).toEqual(['agents.entries.loose.sandbox.mode unknown']);
  });
});
