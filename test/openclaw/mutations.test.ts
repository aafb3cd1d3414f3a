import { afterAll, describe, expect, it } from 'vitest';
import { isRecord, keyText, leavesOf } from '../../src/openclaw/keys.ts';
import { findingsOf, hardenedWith, pathsOf, type Recording, recorded, VERSIONS, type Version } from './support.ts';

/**
 * Every leaf of the hardened configurations, changed one at a time. A mutation has to be named at its own path unless it
 * is equal in effect: then it stands here, with the reason.
 */
const EQUAL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  removed: {
    'agents.defaults.sandbox.scope': 'unset is agent',
    'agents.defaults.sandbox.workspaceAccess': 'unset is none',
    'agents.defaults.sandbox.docker.network': 'unset is none',
    'agents.defaults.sandbox.docker.capDrop': 'unset drops ALL',
    'agents.defaults.sandbox.docker.readOnlyRoot': 'unset is true',
    'tools.exec.applyPatch.workspaceOnly': 'unset is true',
    'gateway.bind': 'unset is loopback',
    'gateway.auth.mode': 'unset is token',
    'gateway.auth.rateLimit.maxAttempts': 'unset is 10 where the map is there',
    'gateway.auth.rateLimit.windowMs': 'unset is a minute where the map is there',
    'gateway.auth.rateLimit.lockoutMs': 'unset is five minutes where the map is there',
    'gateway.tailscale.mode': 'unset is off',
    'gateway.trustedProxies': 'unset is none',
    'tools.exec.security@2026.2.26': 'unset is allowlist or stricter',
    'tools.exec.ask@2026.2.26': 'unset is on-miss',
  },
  longer: {
    'agents.defaults.sandbox.docker.capDrop': 'drops more',
    'tools.deny': 'denies more',
    'tools.sandbox.tools.deny': 'denies more',
  },
};

const tally = { mutations: 0, named: 0, equal: 0 };

function check(version: Version, kind: string, path: string, edit: (config: Recording) => void): void {
  const paths = pathsOf(findingsOf(hardenedWith(version, edit)));
  const reason = EQUAL[kind]?.[path] ?? EQUAL[kind]?.[`${path}@${version}`];
  tally.mutations++;
  if (reason !== undefined) {
    tally.equal++;
    expect(paths, `${kind} ${path} is equal (${reason})`).toEqual([]);
    return;
  }
  tally.named++;
  const [found] = paths;
  expect(
    paths.length > 0 && paths.every((p) => p === path || p.startsWith(`${path}.`)),
    `${kind} ${path}: ${paths}`,
  ).toBe(true);
  expect(found).toBeDefined();
}

function change(config: Recording, path: readonly string[], to: (value: unknown) => unknown): void {
  const parent = path.slice(0, -1).reduce((at, step) => at[step], config);
  const key = path.at(-1) ?? '';
  const value = to(parent[key]);
  if (value === undefined) delete parent[key];
  else parent[key] = value;
}

describe.each(VERSIONS)('%s', (version) => {
  const leaves = leavesOf(recorded(version, 'hardened').config);

  it('has leaves', () => expect(leaves.length).toBeGreaterThan(30));

  it.each(leaves.map(({ path, value }) => [keyText(path), path, value] as const))('%s', (name, path, value) => {
    const mutate = (kind: string, to: (v: unknown) => unknown) =>
      check(version, kind, name, (c) => change(c, path, to));
    mutate('removed', () => undefined);
    mutate('flipped', flipped);
    mutate('of another type', (v) => (typeof v === 'string' ? 17 : 'text'));
    mutate('null', () => null);
    mutate('a map', () => ({ odd: true }));
    if (!Array.isArray(value)) return;
    mutate('longer', (v) => [...(v as unknown[]), 'something_else']);
    if (value.length > 0) mutate('emptied', () => []);
    for (const i of value.keys()) mutate('shorter', (v) => (v as unknown[]).toSpliced(i, 1));
  });

  it('names a key that is added to any map', () => {
    for (const map of mapsOf(recorded(version, 'hardened').config)) {
      const name = keyText([...map, 'addedKey']);
      check(version, 'added', name, (c) => change(c, [...map, 'addedKey'], () => true));
      check(version, 'added map', name, (c) => change(c, [...map, 'addedKey'], () => ({ inner: 'x', other: 1 })));
    }
  });
});

afterAll(() => {
  const { mutations, named, equal } = tally;
  process.stdout.write(`${mutations} mutations: ${named} named at their path, ${equal} equal in effect and silent
`);
  expect(mutations).toBeGreaterThan(500);
});

describe.each(VERSIONS)('%s, set by an agent for itself', (version) => {
  const config = recorded(version, 'hardened').config;
  const own = [...leavesOf(config.agents.defaults), ...leavesOf(config.tools, ['tools'])];
  /** An agent can only deny more, and only narrow who is elevated. */
  const narrows = ['tools.deny', 'tools.elevated.enabled'];

  it.each(own.map(({ path, value }) => [keyText(path), path, value] as const))('%s', (name, path, value) => {
    const at = version === '2026.2.26' ? 'agents.list.0' : 'agents.entries.main';
    const findings = (own: unknown) => {
      const settings = path.reduceRight((inner, step) => ({ [step]: inner }), own as object);
      return findingsOf(
        hardenedWith(version, (c) => {
          if (version === '2026.2.26') c.agents.list = [{ id: 'main', ...settings }];
          else c.agents.entries = { main: settings };
        }),
      );
    };
    expect(findings(value)).toEqual([]);
    const changed = findings(flipped(value));
    if (narrows.includes(name)) expect(changed).toEqual([]);
    else expect(changed.map((f) => [f.path, f.agent, f.state])).toEqual([[`${at}.${name}`, 'main', 'violated']]);
  });
});

function flipped(value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value}x`;
  if (!Array.isArray(value)) return undefined;
  return value.length === 0 ? ['10.0.0.0/8'] : value.map((item) => (typeof item === 'string' ? `${item}x` : {}));
}

function mapsOf(config: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (!isRecord(config)) return [];
  return [at, ...Object.entries(config).flatMap(([key, value]) => mapsOf(value, [...at, key]))];
}
