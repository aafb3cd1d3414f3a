import { describe, expect, it } from 'vitest';
import { compileConfig } from '../../src/openclaw/compile.ts';
import { type Deployment, type LaneDeclaration, REFERENCE_DEPLOYMENT } from '../../src/openclaw/deployment.ts';
import { knowledgeOf } from '../../src/openclaw/version.ts';
import {
  declaration,
  findingsOf,
  pathsOf,
  type Recording,
  recorded,
  VERSIONS,
  type Version,
  withHonestProxyWarning,
} from './support.ts';

const LANE: LaneDeclaration = {
  model: 'ollama/qwen3:32b',
  allow: ['read', 'exec'],
  deny: ['write'],
  workspace: 'none',
  approvals: 'on-miss',
};

function deployment(agents: Readonly<Record<string, Partial<LaneDeclaration>>>): Deployment {
  const lanes = Object.entries(agents).map(([id, lane]) => [id, { ...LANE, ...lane }] as const);
  return { ...REFERENCE_DEPLOYMENT, agents: new Map(lanes) };
}

const TWO = deployment({ main: {}, Builder: { allow: undefined, deny: [], workspace: 'ro', approvals: 'always' } });

/** A record of the compiled configuration, edited. */
function compiled(
  version: Version,
  declared: Deployment,
  edit: (config: Recording) => void = () => {},
  overrides = {},
) {
  const record = recorded(version, 'hardened');
  record.config = compileConfig(declaration(declared, overrides), knowledgeOf(version).family);
  edit(record.config);
  return findingsOf(withHonestProxyWarning(record), declaration(declared, overrides));
}

describe.each(VERSIONS)('%s', (version) => {
  const agents = (config: Recording) => config.agents.entries ?? config.agents.list;
  const main = (config: Recording) => agents(config).main ?? agents(config)[0];
  const at = version === '2026.2.26' ? 'agents.list.0' : 'agents.entries.main';

  it.each([
    ['the reference', REFERENCE_DEPLOYMENT],
    ['two lanes', TWO],
    ['a lane with the web', deployment({ main: { allow: ['read', 'group:web'] } })],
  ])('what is compiled holds: %s', (_name, declared) => {
    const findings = compiled(version, declared);
    // A tool of the web is denied for all; a lane that wants it has to say so for the whole configuration.
    const expected = declared.agents.get('main')?.allow?.includes('group:web') === true ? [`${at}.tools.deny`] : [];
    expect(pathsOf(findings)).toEqual(expected);
  });

  it.each<[string, (config: Recording) => void, string]>([
    ['a lane is let out of its sandbox', (c) => (main(c).sandbox.mode = 'off'), 'sandbox.mode'],
    ['a lane sees its workspace', (c) => (main(c).sandbox.workspaceAccess = 'rw'), 'sandbox.workspaceAccess'],
    ['a lane gets a tool', (c) => main(c).tools.sandbox.tools.allow.push('web_fetch'), 'tools.sandbox.tools.allow'],
    ['a lane loses a tool', (c) => main(c).tools.sandbox.tools.allow.pop(), 'tools.sandbox.tools.allow'],
    ['a lane drops a denial', (c) => main(c).tools.sandbox.tools.deny.shift(), 'tools.sandbox.tools.deny'],
    ['a lane asks nobody', (c) => (main(c).tools.exec.ask = 'off'), 'tools.exec.ask'],
    ['a lane has another model', (c) => (main(c).model.primary = 'openai/gpt-5'), 'model.primary'],
    ['a lane falls back', (c) => (main(c).model.fallbacks = ['openai/gpt-5']), 'model.fallbacks'],
    [
      'a lane’s own list is gone: it inherits more',
      (c) => delete main(c).tools.sandbox.tools.allow,
      'tools.sandbox.tools.allow',
    ],
  ])('%s', (_name, edit, path) => {
    const findings = compiled(version, TWO, edit);
    expect(findings.map((f) => [f.path, f.agent, f.state])).toEqual([[`${at}.${path}`, 'main', 'violated']]);
  });

  it('names an agent that nobody declared, and one that is missing', () => {
    const strange = compiled(version, TWO, (c) => {
      if (Array.isArray(agents(c))) agents(c).push({ id: 'odd' });
      else agents(c).odd = {};
    });
    expect(pathsOf(strange)).toEqual([version === '2026.2.26' ? 'agents.list.2' : 'agents.entries.odd']);
    const missing = compiled(version, TWO, (c) => {
      if (Array.isArray(agents(c))) agents(c).pop();
      else delete agents(c).Builder;
    });
    expect(missing.map((f) => [f.path, f.agent])).toEqual([
      [version === '2026.2.26' ? 'agents.list.Builder' : 'agents.entries.Builder', 'Builder'],
    ]);
  });
});

describe('overrides', () => {
  const over = (overrides: Readonly<Record<string, unknown>>, edit: (c: Recording) => void) =>
    pathsOf(compiled('2026.9.6', REFERENCE_DEPLOYMENT, edit, overrides));

  it('take the place of a line', () => {
    expect(over({ 'gateway.port': 18789 }, () => {})).toEqual([]);
    expect(over({ 'gateway.port': 18789 }, (c) => (c.gateway.port = 19001))).toEqual(['gateway.port']);
    expect(over({ 'gateway.port': 18789 }, (c) => delete c.gateway.port)).toEqual([]);
    expect(
      over({ 'gateway.trustedProxies': ['10.0.0.2', '10.0.0.1'] }, (c) => c.gateway.trustedProxies.reverse()),
    ).toEqual([]);
    expect(
      over({ 'gateway.trustedProxies': ['10.0.0.1'] }, (c) => c.gateway.trustedProxies.push('10.0.0.0/8')),
    ).toEqual(['gateway.trustedProxies']);
  });

  it('declare a key that the preset does not have, and then it has to be there', () => {
    expect(over({ 'channels.telegram.enabled': true }, () => {})).toEqual([]);
    expect(over({ 'channels.telegram.enabled': true }, (c) => delete c.channels)).toEqual([
      'channels.telegram.enabled',
    ]);
    expect(over({ 'channels.telegram.enabled': true }, (c) => (c.channels.telegram.dmPolicy = 'open'))).toEqual([
      'channels.telegram.dmPolicy',
    ]);
  });

  it('reach an agent’s own key', () => {
    const overrides = { 'agents.entries.main.tools.fs.workspaceOnly': false };
    const edit = (c: Recording) => (c.agents.entries = { main: { tools: { fs: { workspaceOnly: false } } } });
    expect(over(overrides, edit)).toEqual([]);
    expect(over({}, edit)).toEqual(['agents.entries.main.tools.fs.workspaceOnly']);
  });
});
