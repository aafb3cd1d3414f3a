import { describe, expect, it } from 'vitest';
import { assess } from '../../src/openclaw/assess.ts';
import { observationOfRecord } from '../../src/openclaw/record.ts';
import { declaration, findingsOf, hardenedWith, pathsOf, type Recording, recorded } from './support.ts';

type Edit = (config: Recording) => void;

/** Drifts that nobody recorded, by what has to be named; empty = the same in effect. */
const BOTH: Readonly<Record<string, readonly [Edit, ...string[]]>> = {
  'elevated on': [(c) => (c.tools.elevated.enabled = true), 'tools.elevated.enabled'],
  'elevated gone': [(c) => delete c.tools.elevated, 'tools.elevated.enabled'],
  'elevated for everybody of a channel': [
    (c) => (c.tools.elevated.allowFrom = { telegram: ['*'] }),
    'tools.elevated.allowFrom.telegram',
  ],
  'main sessions on the host': [(c) => (c.agents.defaults.sandbox.mode = 'non-main'), 'agents.defaults.sandbox.mode'],
  'one container for all': [(c) => (c.agents.defaults.sandbox.scope = 'shared'), 'agents.defaults.sandbox.scope'],
  'a container for each session': [(c) => (c.agents.defaults.sandbox.scope = 'session')],
  'the docker socket': [
    (c) => (c.agents.defaults.sandbox.docker.binds = ['/var/run/docker.sock:/var/run/docker.sock']),
    'agents.defaults.sandbox.docker.binds',
  ],
  'no mounts': [(c) => (c.agents.defaults.sandbox.docker.binds = [])],
  'exec in full': [(c) => (c.tools.exec.security = 'full'), 'tools.exec.security'],
  'exec denied, nobody asked': [(c) => Object.assign(c.tools.exec, { security: 'deny', ask: 'off' })],
  'exec on the gateway': [(c) => (c.tools.exec.host = 'gateway'), 'tools.exec.host'],
  'exec in the sandbox': [(c) => (c.tools.exec.host = 'sandbox')],
  'a fallback': [(c) => (c.agents.defaults.model.fallbacks = ['openai/gpt-5']), 'agents.defaults.model.fallbacks'],
  'a model as a text': [(c) => (c.agents.defaults.model = 'ollama/qwen3:32b')],
  'another model as a text': [(c) => (c.agents.defaults.model = 'openai/gpt-5'), 'agents.defaults.model'],
  'a provider more': [
    (c) => (c.models.providers.openai = { baseUrl: 'https://api.example.com', models: [] }),
    'models.providers.openai.baseUrl',
    'models.providers.openai.models',
  ],
  'the provider’s other protocol': [
    (c) => (c.models.providers.ollama.baseUrl += '/v1'),
    'models.providers.ollama.baseUrl',
  ],
  'credentials in the address': [
    (c) => (c.models.providers.ollama.baseUrl = 'http://u:p@100.64.10.2:11434'),
    'models.providers.ollama.baseUrl',
  ],
  'the same address with a slash': [(c) => (c.models.providers.ollama.baseUrl += '/')],
  'a model with an address of its own': [
    (c) => (c.models.providers.ollama.models[0].baseUrl = 'https://x.example.com'),
    'models.providers.ollama.models',
  ],
  'a real key for the model host': [
    (c) => (c.models.providers.ollama.apiKey = 'x'.repeat(40)),
    'models.providers.ollama.apiKey',
  ],
  'the funnel': [(c) => (c.gateway.tailscale.mode = 'funnel'), 'gateway.tailscale.mode'],
  'no token for the tailnet': [(c) => (c.gateway.auth.allowTailscale = true), 'gateway.auth.allowTailscale'],
  'a token for the tailnet': [(c) => (c.gateway.auth.allowTailscale = false)],
  'another port': [(c) => (c.gateway.port = 18789), 'gateway.port'],
  'a long literal token': [(c) => (c.gateway.auth.token = 'x'.repeat(48)), 'gateway.auth.token'],
  'tool names in capitals, other spellings and groups': [
    (c) => {
      c.tools.sandbox.tools.allow[0] = ' BASH ';
      c.tools.deny = ['Browser', 'group:web'];
    },
  ],
  'a denial by pattern': [(c) => (c.tools.deny = ['browser', 'web_*'])],
  'a pattern that denies too much': [(c) => (c.tools.deny = ['browser', 'web_*', 'e*']), 'tools.deny'],
  'a control page without device check': [
    (c) => (c.gateway.controlUi = { enabled: true, dangerouslyDisableDeviceAuth: true }),
    'gateway.controlUi.dangerouslyDisableDeviceAuth',
    'gateway.controlUi.enabled',
  ],
  'a control page': [(c) => (c.gateway.controlUi = { enabled: true })],
  'no gateway auth at all': [
    (c) => delete c.gateway.auth,
    'gateway.auth',
    'gateway.auth.rateLimit.lockoutMs',
    'gateway.auth.rateLimit.maxAttempts',
    'gateway.auth.rateLimit.windowMs',
    'gateway.auth.token',
  ],
  hooks: [
    (c) => (c.hooks = { enabled: true, path: '/hooks', token: 'x' }),
    'hooks.enabled',
    'hooks.path',
    'hooks.token',
  ],
  'looks and notes': [(c) => Object.assign(c, { ui: { seamColor: '#fff' }, meta: { lastTouchedVersion: '1' } })],
  'a key that nobody has looked at': [(c) => (c.worktreeRoot = '/srv'), 'worktreeRoot'],
  'agents in both forms': [
    (c) => {
      c.agents.list = [{ id: 'main', tools: { fs: { workspaceOnly: false } } }];
      c.agents.entries = { main: { sandbox: { mode: 'off' } } };
    },
    'agents.entries.main.sandbox.mode',
    'agents.list.0.tools.fs.workspaceOnly',
  ],
  'an agent with a model of its own': [
    (c) => (c.agents.list = [{ id: 'main', model: 'openai/gpt-5' }]),
    'agents.list.0.model',
  ],
  'an agent without settings': [(c) => (c.agents.list = [{ id: 'main', sandbox: {}, tools: { exec: {} } }])],
  'an agent that is no map': [(c) => (c.agents.list = ['main']), 'agents.list.0'],
};

const NEWER: typeof BOTH = {
  'networks that pair themselves': [
    (c) => (c.gateway.nodes.pairing.autoApproveCidrs = ['0.0.0.0/0']),
    'gateway.nodes.pairing.autoApproveCidrs',
  ],
  'SSH verification with a user': [
    (c) => (c.gateway.nodes.pairing.sshVerify = { user: 'root' }),
    'gateway.nodes.pairing.sshVerify',
  ],
  'a mode that asks': [(c) => (c.tools.exec = { ...c.tools.exec, mode: 'ask', security: undefined, ask: undefined })],
  'a mode that reviews itself': [(c) => (c.tools.exec.mode = 'auto'), 'tools.exec.mode'],
  'a mode that asks nobody': [
    (c) => (c.tools.exec = { applyPatch: { workspaceOnly: true }, strictInlineEval: true, mode: 'allowlist' }),
    'tools.exec.ask',
    'tools.exec.mode',
  ],
};

describe.each([
  ['2026.9.6', { ...BOTH, ...NEWER }],
  ['2026.2.26', BOTH],
] as const)('%s', (version, drifts) => {
  it.each(Object.keys(drifts))('%s', (name) => {
    const [edit, ...expected] = drifts[name] ?? [() => {}];
    expect(pathsOf(findingsOf(hardenedWith(version, edit))).sort()).toEqual(expected);
  });
});

it('lines that hold become unknown in a release that nobody measured', () => {
  const record = { ...recorded('2026.9.6', 'hardened'), openclaw: '2026.10.1' };
  const findings = assess(declaration(), observationOfRecord(record));
  expect(findings.length).toBeGreaterThan(30);
  expect(new Set(findings.map((f) => f.state))).toEqual(new Set(['unknown']));
});
