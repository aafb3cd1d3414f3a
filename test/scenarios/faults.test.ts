import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.ts';
import { cordonHere } from '../cli/here.ts';
import { cordon, type Run } from '../cli/program.ts';
import { execIn } from '../lab/machine.ts';
import { requireOrSkip } from '../support/require.ts';
import { ROWS, type Row } from './tailnet-faults.ts';
import {
  applyDeclared,
  type Deployment,
  deployment,
  HOSTS_MISSING,
  hostsOf,
  modelAndOrchestrator,
  type Tailnet,
  tailnetOf,
} from './world.ts';

/*
 * Every way in which a source of the tailnet can fail to answer, at the whole command: an emulated tailnet, hosts as
 * network namespaces, `cordon check`. The world is clean but for the fault, so that nothing else can be the reason.
 */

const HOOK_MS = 60_000;
let place: Deployment;
let tailnet: Tailnet;
let lab: Lab | undefined;

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
beforeEach(() => tailnet.reset());

function needHosts(): void {
  requireOrSkip(HOSTS_MISSING === undefined, HOSTS_MISSING ?? '');
}

function check(env: Readonly<Record<string, string>> = tailnet.env, ...args: string[]): Promise<Run> {
  const topology = args.includes('--topology') ? [] : ['--topology', place.topologyFile];
  return cordonHere(['check', ...topology, ...args], { env });
}

/** The same as a process of its own. */
function checkAlone(env: Readonly<Record<string, string>> = tailnet.env, ...args: string[]): Promise<Run> {
  return cordon(['check', ...args], { cwd: place.directory, env });
}

/** The namespace of a host of this run. */
const namespace = (host: string) => `${place.run}-${host}`;

const fault = (route: string, what: object) => tailnet.console('fault', { route, times: 'all', fault: what });
const MODEL = 'ollama-1';
const status = (code: number) => ({ kind: 'status', status: code });

/** The report names the source and why it is unknown, whatever else it says. */
function expectSaid({ stdout, stderr }: Run, { source, why }: Pick<Row, 'source' | 'why'>): void {
  const line = stdout.split('\n').find((l) => l.trimStart().startsWith(`${source}: `));
  expect(line, stdout).toBeDefined();
  expect(line).toMatch(why);
  expect(stdout).toContain('Not observed');
  expect(stdout).not.toMatch(/^ISOLATED/);
  expect(`${stdout}${stderr}`).not.toMatch(/bug in cordon|^\s+at /m);
}

describe('before any fault', () => {
  it('the world is clean', async () => {
    needHosts();
    for (const { code, stdout } of [await check(), await checkAlone()]) {
      expect(stdout).toMatch(/^ISOLATED /);
      expect(code).toBe(0);
    }
  });
});

describe('a tailnet that does not answer as it should', () => {
  beforeAll(() => {
    place.write('other.yaml', (text) => text.replace('TdemoHomelabCNTRL', 'TotherHomelabCNTRL'));
  });

  it.each(ROWS)('$name: never 0, and says why', async (row) => {
    needHosts();
    await row.make(tailnet);
    const run = await check(row.env?.(tailnet) ?? tailnet.env, ...(row.args?.(place) ?? []));
    expect(run.code).toBe(3);
    expectSaid(run, row);
  });

  it.each(ROWS)('$name, while the model host is open: 2, and still says what is unknown', async (row) => {
    needHosts();
    execIn(namespace(MODEL), ['nft', 'flush', 'ruleset']);
    try {
      await row.make(tailnet);
      const run = await check(row.env?.(tailnet) ?? tailnet.env, ...(row.args?.(place) ?? []));
      expect(run.code).toBe(2);
      expect(run.stdout).toMatch(/^NOT ISOLATED /);
      expect(run.stdout).toMatch(/violated ingress ollama-1/);
      expectSaid(run, row);
    } finally {
      await applyDeclared(place.declared, MODEL);
    }
  });

  it('429 with Retry-After once: waits and gets its answer', async () => {
    needHosts();
    await tailnet.console('fault', { route: 'GET /devices', fault: { kind: 'status', status: 429, retryAfter: 1 } });
    const before = Date.now();
    const { code } = await check();
    expect(code).toBe(0);
    expect(Date.now() - before).toBeGreaterThanOrEqual(1000);
  });

  it('a policy that changes once while it is read is read again', async () => {
    needHosts();
    // The first reading of the second look, so that the first look saw two policies and the second only one.
    const text = tailnet.policy();
    await tailnet.console('fault', { route: 'GET /acl', fault: { kind: 'slow', delayMs: 0 } });
    await tailnet.console('fault', { route: 'GET /acl', fault: { kind: 'edit-policy', text: `${text}// reviewed\n` } });
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout).toContain('Difference cosmetic');
  });

  it('an emulator that was killed', async () => {
    needHosts();
    const other = await tailnetOf(place.declared);
    expect((await check(other.env)).code).toBe(0);
    await other.close();
    const run = await checkAlone(other.env, '--timeout', '2');
    expect(run.code).toBe(3);
    expectSaid(run, { source: 'tailnet/policy', why: /failed: connect ECONNREFUSED/ });
  });
});

describe('the same of a process of its own', () => {
  it('403, and half a device list', async () => {
    needHosts();
    await fault('GET /acl', status(403));
    await fault('GET /devices', { kind: 'truncated' });
    const run = await checkAlone();
    expect(run.code).toBe(3);
    expectSaid(run, { source: 'tailnet/policy', why: /denied: HTTP 403/ });
    expectSaid(run, { source: 'tailnet/devices', why: /failed: the answer is not JSON/ });
  });

  it('401, while the model host is open; as JSON too', async () => {
    needHosts();
    await fault('* *', status(401));
    execIn(namespace(MODEL), ['nft', 'flush', 'ruleset']);
    try {
      const run = await checkAlone();
      expect(run.code).toBe(2);
      expectSaid(run, { source: 'tailnet/policy', why: /denied: HTTP 401/ });
      const report = JSON.parse((await checkAlone(tailnet.env, '--json')).stdout);
      expect(report).toMatchObject({ schemaVersion: 1, verdict: 'violated', summary: 'unknown' });
      const unobserved: { source: string }[] = report.coverage.unobserved;
      expect(unobserved.map((u) => u.source)).toContain('tailnet/policy');
    } finally {
      await applyDeclared(place.declared, MODEL);
    }
  });
});

describe('a violation in the tailnet', () => {
  it('is found although every host is gone, and the hosts are named', async () => {
    const away = deployment();
    const its = await tailnetOf(away.declared);
    try {
      const open = its.policy().replace('"grants": [', '"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]},');
      await its.console('policy', { text: open });
      const run = await cordon(['check'], { cwd: away.directory, env: its.env });
      expect(run.code).toBe(2);
      for (const host of ['ollama-1', 'orch-1', 'exec-1', 'gw-1']) {
        expectSaid(run, { source: `host/${host}/nft.txt`, why: /failed: there is no network namespace/ });
      }
    } finally {
      await its.close();
      away.remove();
    }
  });

  it('and nothing else but missing hosts is 3', async () => {
    const away = deployment();
    const its = await tailnetOf(away.declared);
    try {
      const run = await cordon(['check'], { cwd: away.directory, env: its.env });
      expect(run.code).toBe(3);
      expectSaid(run, { source: 'host/gw-1/nft.txt', why: /failed: there is no network namespace/ });
    } finally {
      await its.close();
      away.remove();
    }
  });
});
