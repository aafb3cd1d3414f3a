import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.ts';
import { cordonHere } from '../cli/here.ts';
import { cordon, type Run } from '../cli/program.ts';
import { execIn } from '../lab/machine.ts';
import { requireOrSkip } from '../support/require.ts';
import {
  API_KEY,
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

/** A fault of the tailnet, and what the report has to say about it. */
interface Row {
  readonly name: string;
  readonly make: () => Promise<void>;
  readonly env?: () => Readonly<Record<string, string>>;
  readonly args?: () => readonly string[];
  /** Source that the report has to name, and why. */
  readonly source: string;
  readonly why: RegExp;
}

const nothing = async () => undefined;
const status = (code: number, more: object = {}) => ({ kind: 'status', status: code, ...more });

const ROWS: readonly Row[] = [
  {
    name: '401 on everything',
    make: () => fault('* *', status(401)),
    source: 'tailnet/policy',
    why: /denied: HTTP 401/,
  },
  {
    name: '403 on everything',
    make: () => fault('* *', status(403)),
    source: 'tailnet/devices',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on the policy alone',
    make: () => fault('GET /acl', status(403)),
    source: 'tailnet/policy',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on the devices alone',
    make: () => fault('GET /devices', status(403)),
    source: 'tailnet/devices',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on the settings alone',
    make: () => fault('GET /settings', status(403)),
    source: 'tailnet/settings',
    why: /denied: HTTP 403/,
  },
  {
    name: '403 on a source that no claim asks for',
    make: () => fault('GET /keys', status(403)),
    source: 'tailnet/keys',
    why: /denied: HTTP 403/,
  },
  {
    name: '404 on the devices',
    make: () => fault('GET /devices', status(404)),
    source: 'tailnet/devices',
    why: /failed: HTTP 404/,
  },
  {
    name: '429 with Retry-After, for good',
    make: () => fault('GET /settings', status(429, { retryAfter: 0 })),
    source: 'tailnet/settings',
    why: /failed: HTTP 429/,
  },
  {
    name: '500 on the policy',
    make: () => fault('GET /acl', status(500)),
    source: 'tailnet/policy',
    why: /failed: HTTP 500/,
  },
  {
    name: '500 on everything',
    make: () => fault('* *', status(500)),
    source: 'tailnet/settings',
    why: /failed: HTTP 500/,
  },
  {
    name: 'HTML with 200 on the policy',
    make: () => fault('GET /acl', { kind: 'html', status: 200 }),
    source: 'tailnet/policy',
    why: /failed: an HTML page instead of the API/,
  },
  {
    name: 'HTML with 200 on the devices',
    make: () => fault('GET /devices', { kind: 'html', status: 200 }),
    source: 'tailnet/devices',
    why: /failed: an HTML page instead of the API/,
  },
  {
    name: "a proxy's HTML page with 403 on everything",
    make: () => fault('* *', { kind: 'html', status: 403 }),
    source: 'tailnet/devices',
    why: /denied: HTTP 403: an HTML page instead of the API/,
  },
  {
    name: 'an empty device list',
    make: () => fault('GET /devices', { kind: 'empty-devices' }),
    source: 'tailnet/devices',
    why: /failed: the device list is empty, but the topology declares devices/,
  },
  {
    name: 'an empty body for the policy',
    make: () => fault('GET /acl', { kind: 'empty-body' }),
    source: 'tailnet/policy',
    why: /failed: an empty answer/,
  },
  {
    name: 'an empty body for the devices',
    make: () => fault('GET /devices', { kind: 'empty-body' }),
    source: 'tailnet/devices',
    why: /failed: an empty answer/,
  },
  {
    name: 'half a policy',
    make: () => fault('GET /acl', { kind: 'truncated' }),
    source: 'tailnet/policy',
    why: /failed: /,
  },
  {
    name: 'half a device list',
    make: () => fault('GET /devices', { kind: 'truncated' }),
    source: 'tailnet/devices',
    why: /failed: the answer is not JSON/,
  },
  {
    name: 'half the settings',
    make: () => fault('GET /settings', { kind: 'truncated' }),
    source: 'tailnet/settings',
    why: /failed: the answer is not JSON/,
  },
  {
    name: 'text that is no JSON',
    make: () => fault('GET /devices', { kind: 'garbage' }),
    source: 'tailnet/devices',
    why: /failed: the answer is not JSON/,
  },
  {
    name: 'a late policy',
    make: () => fault('GET /acl', { kind: 'slow', delayMs: 6_000 }),
    args: () => ['--timeout', '2'],
    source: 'tailnet/policy',
    why: /late: no answer within 2 s/,
  },
  {
    name: 'a policy that changes between the two readings, every time',
    make: twoFaces,
    source: 'tailnet/policy',
    why: /failed: the policy changed while the tailnet was read, twice/,
  },
  {
    name: 'another tailnet',
    make: nothing,
    args: () => ['--topology', join(place.directory, 'other.yaml')],
    source: 'tailnet/policy',
    why: /failed: (HTTP 404|answers come from tailnet)/,
  },
  {
    name: 'no credential',
    make: nothing,
    env: () => ({ TAILSCALE_BASE_URL: tailnet.emulator.url }),
    source: 'tailnet/policy',
    why: /absent: no credential for the Tailscale API/,
  },
  {
    name: 'half a credential',
    make: nothing,
    env: () => ({ TAILSCALE_BASE_URL: tailnet.emulator.url, TAILSCALE_OAUTH_CLIENT_ID: 'k1' }),
    source: 'tailnet/devices',
    why: /absent: TAILSCALE_OAUTH_CLIENT_ID is set but TAILSCALE_OAUTH_CLIENT_SECRET is not/,
  },
  {
    name: 'two credentials',
    make: nothing,
    env: () => ({ ...tailnet.env, TAILSCALE_OAUTH_CLIENT_ID: 'k1' }),
    source: 'tailnet/devices',
    why: /absent: both TAILSCALE_API_KEY and TAILSCALE_OAUTH_CLIENT_ID are set/,
  },
  {
    name: 'a credential file that is not there',
    make: nothing,
    env: () => ({ ...tailnet.env, TAILSCALE_API_KEY: 'file:/nonexistent/key' }),
    source: 'tailnet/devices',
    why: /absent: TAILSCALE_API_KEY names the file \/nonexistent\/key, which cannot be read/,
  },
  {
    name: 'a wrong key',
    make: nothing,
    env: () => ({ ...tailnet.env, TAILSCALE_API_KEY: `${API_KEY}x` }),
    source: 'tailnet/policy',
    why: /denied: HTTP 401/,
  },
  {
    name: 'a base URL that would send the key in clear',
    make: nothing,
    env: () => ({ ...tailnet.env, TAILSCALE_BASE_URL: 'http://192.0.2.1' }),
    source: 'tailnet/policy',
    why: /absent: /,
  },
];

/** Somebody writes another policy just before every second reading. */
async function twoFaces(): Promise<void> {
  const text = tailnet.policy();
  for (const comment of ['one', 'two', 'three', 'four']) {
    await tailnet.console('fault', {
      route: 'GET /acl',
      fault: { kind: 'edit-policy', text: `${text}// ${comment}\n` },
    });
  }
}

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
    await row.make();
    const run = await check(row.env?.() ?? tailnet.env, ...(row.args?.() ?? []));
    expect(run.code).toBe(3);
    expectSaid(run, row);
  });

  it.each(ROWS)('$name, while the model host is open: 2, and still says what is unknown', async (row) => {
    needHosts();
    execIn(namespace(MODEL), ['nft', 'flush', 'ruleset']);
    try {
      await row.make();
      const run = await check(row.env?.() ?? tailnet.env, ...(row.args?.() ?? []));
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
