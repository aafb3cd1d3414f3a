import { globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Lab } from '../../src/lab/lab.ts';
import { cordon, type Run, type RunOptions } from '../cli/program.ts';
import { execIn } from '../lab/machine.ts';
import { requireOrSkip } from '../support/require.ts';
import { withFakeNft } from './fake-nft.ts';
import {
  API_KEY,
  applyDeclared,
  CLIENT_ID,
  CLIENT_SECRET,
  type Deployment,
  deployment,
  HOSTS_MISSING,
  hostsOf,
  modelAndOrchestrator,
  type Tailnet,
  tailnetOf,
} from './world.ts';

/*
 * Secrets are planted wherever cordon meets them; then everything that every command says and writes is searched. The
 * commands talk as much as they can, and the service says the secrets back in its errors.
 */

const HOOK_MS = 60_000;
let place: Deployment;
let tailnet: Tailnet;
let lab: Lab | undefined;
/** Secrets that the service made: an auth key, an OAuth client's, a webhook's. */
let made: readonly string[] = [];

beforeAll(async () => {
  place = deployment(modelAndOrchestrator);
  tailnet = await tailnetOf(place.declared);
  if (HOSTS_MISSING === undefined) lab = await hostsOf(place);
}, HOOK_MS);
afterAll(async () => {
  await lab?.stop();
  await tailnet.close();
  place.remove();
}, HOOK_MS);
beforeEach(async () => {
  await tailnet.reset();
  mkdirSync(join(place.directory, 'out'));
  made = await Promise.all([
    created('/keys', { keyType: 'auth', capabilities: { devices: { create: { tags: ['tag:ci'] } } } }, 'key'),
    created('/keys', { keyType: 'client', scopes: ['devices:core'], tags: ['tag:ci'] }, 'key'),
    created('/webhooks', { endpointUrl: 'https://example.com/hook', subscriptions: ['nodeCreated'] }, 'secret'),
  ]);
});
afterEach(() => rmSync(join(place.directory, 'out'), { recursive: true, force: true }));

/** Makes an object and returns the secret that is shown once. */
async function created(path: string, body: object, member: string): Promise<string> {
  const response = await fetch(`${tailnet.emulator.url}/api/v2/tailnet/-${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const secret = z.record(z.string(), z.unknown()).parse(await response.json())[member];
  if (typeof secret !== 'string' || secret.length < 10) throw new Error(`${path} shows no secret`);
  return secret;
}

const url = () => ({ TAILSCALE_BASE_URL: tailnet.emulator.url });
const CREDENTIALS: readonly (readonly [string, () => Readonly<Record<string, string>>])[] = [
  ['an API key', () => ({ ...url(), TAILSCALE_API_KEY: API_KEY })],
  [
    'an OAuth client',
    () => ({ ...url(), TAILSCALE_OAUTH_CLIENT_ID: CLIENT_ID, TAILSCALE_OAUTH_CLIENT_SECRET: CLIENT_SECRET }),
  ],
  ["the GitOps action's names", () => ({ ...url(), TS_API_KEY: API_KEY })],
  ['a key in a file', () => ({ ...url(), TAILSCALE_API_KEY: `file:${keyFile()}` })],
  ['a wrong key', () => ({ ...url(), TAILSCALE_API_KEY: `${API_KEY}wrong` })],
  [
    'a wrong OAuth secret',
    () => ({ ...url(), TAILSCALE_OAUTH_CLIENT_ID: CLIENT_ID, TAILSCALE_OAUTH_CLIENT_SECRET: `${CLIENT_SECRET}wrong` }),
  ],
  [
    'both at once',
    () => ({
      ...url(),
      TAILSCALE_API_KEY: API_KEY,
      TAILSCALE_OAUTH_CLIENT_ID: CLIENT_ID,
      TAILSCALE_OAUTH_CLIENT_SECRET: CLIENT_SECRET,
    }),
  ],
];

/** Outside the folder that is searched. */
function keyFile(): string {
  const file = join(place.directory, 'key');
  writeFileSync(file, `${API_KEY}\n`, { mode: 0o600 });
  return file;
}

/** Every command that reads the environment, in every form of output; the first ones are enough to meet every credential. */
const COMMANDS: readonly (readonly string[])[] = [
  ['check', '--json', '-o', 'out/check.json'],
  ['observe', '-o', 'out/snapshot.json'],
  ['reconcile', '--stage', 'enforce', '--json'],
  ['check', '--verbose'],
  ['observe'],
  ['reconcile', '--stage', 'plan'],
  ['diff', 'cordon.yaml', 'live', '--json'],
  ['doctor', '--json'],
];

function run(args: readonly string[], env: Readonly<Record<string, string>>, options: RunOptions = {}): Promise<Run> {
  const talkative = { ...env, CORDON_LOG_LEVEL: 'trace', PULUMI_CONFIG_PASSPHRASE: 'passphraseThatNobodyMaySee' };
  return cordon(args, { cwd: place.directory, env: talkative, ...options });
}

/** Fails if any form of any secret is in what was said or written. */
function expectNoSecret(runs: readonly Run[]): void {
  const files = globSync('out/**', { cwd: place.directory })
    .map((name) => join(place.directory, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'utf8'));
  const said = [...runs.flatMap((r) => [r.stdout, r.stderr]), ...files].join('\n');
  const secrets = ['n0bodyMayEverSeeThisKey', 'norThisClientSecret', 'passphraseThatNobodyMaySee', ...made];
  const encoded = [API_KEY, `${CLIENT_ID}:${CLIENT_SECRET}`].map((s) =>
    Buffer.from(`${s}:`).toString('base64').slice(0, 40),
  );
  for (const secret of [...secrets, ...encoded]) expect(said).not.toContain(secret);
  expect(said).not.toMatch(/tskey-|Bearer |Basic [A-Za-z0-9]/);
}

describe('no secret is said or written', () => {
  it.each(CREDENTIALS)(
    'with %s',
    async (what, env) => {
      const isFirst = what === 'an API key' || what === 'an OAuth client';
      const runs: Run[] = [];
      for (const args of isFirst ? COMMANDS : COMMANDS.slice(0, 3)) runs.push(await run(args, env()));
      expect(runs.map((r) => r.code)).not.toContain(1);
      expectNoSecret(runs);
    },
    60_000,
  );

  it('where the snapshot holds the keys of the tailnet, without what opens it', async () => {
    await run(['observe', '-o', 'out/snapshot.json'], tailnet.env);
    const snapshot = JSON.parse(readFileSync(join(place.directory, 'out/snapshot.json'), 'utf8'));
    const keys: { id: string }[] = snapshot.sources['tailnet/keys'].body.keys;
    expect(keys.length).toBeGreaterThanOrEqual(2);
    expectNoSecret([]);
  });

  it.each([401, 500])('where the service says it back with %i', async (status) => {
    const message = `${API_KEY} is not welcome, nor is ${Buffer.from(`${API_KEY}:`).toString('base64')} or ${encodeURIComponent(API_KEY)}`;
    await tailnet.console('fault', { route: '* *', times: 'all', fault: { kind: 'status', status, message } });
    const runs: Run[] = [];
    for (const args of COMMANDS.slice(0, 4)) runs.push(await run(args, tailnet.env));
    expect(runs[3]?.stdout).toContain(`HTTP ${status}: [redacted] is not welcome`);
    expectNoSecret(runs);
  });

  it('where a write is answered with it', async () => {
    const open = tailnet.policy().replace('"grants": [', '"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]},');
    await tailnet.console('policy', { text: open });
    const fault = {
      kind: 'status',
      status: 400,
      message: `${API_KEY} may not`,
      data: [{ user: API_KEY, errors: [API_KEY] }],
    };
    await tailnet.console('fault', { route: 'POST *', times: 'all', fault });
    const result = await run(['reconcile', '--stage', 'enforce'], tailnet.env);
    expect(result.stderr).toContain('tailnet policy not restored: rejected: [redacted] may not');
    expectNoSecret([result]);
  });

  it('where a host shows its environment: it is given none of ours', async () => {
    requireOrSkip(HOSTS_MISSING === undefined, HOSTS_MISSING ?? '');
    const namespace = `${place.run}-orch-1`;
    const through = withFakeNft(
      place.directory,
      namespace,
      'if $HERE; then env >&2; cat /proc/self/environ >&2; exit 1; fi',
    );
    const result = await run(['check'], tailnet.env, { through });
    expect(result.stdout).toContain('LC_ALL=C');
    expectNoSecret([result]);
  });

  it('on the command line of anything that is started', async () => {
    requireOrSkip(HOSTS_MISSING === undefined, HOSTS_MISSING ?? '');
    const namespace = `${place.run}-orch-1`;
    const log = join(place.directory, 'out/commands');
    const body = `if $HERE; then for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $p; echo; done >> ${log} 2>/dev/null; fi`;
    const through = withFakeNft(place.directory, namespace, body);
    execIn(namespace, ['nft', 'flush', 'ruleset']);
    await run(['reconcile', '--stage', 'enforce'], tailnet.env, { through });
    await applyDeclared(place.declared, 'orch-1');
    expect(readFileSync(log, 'utf8')).toContain('reconcile --stage enforce');
    expect(readFileSync(log, 'utf8')).not.toContain('n0bodyMayEverSeeThisKey');
  });
});
