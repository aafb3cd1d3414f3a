import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Lab } from '../../src/lab/lab.ts';
import { observeWorld } from '../../src/observe/world.ts';
import { type PassResult, runPass } from '../../src/reconcile/pass.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { cordon, type Run, type RunOptions } from '../cli/program.ts';
import { execIn } from '../lab/machine.ts';
import { requireOrSkip } from '../support/require.ts';
import { withFakeNft } from './fake-nft.ts';
import {
  applyDeclared,
  type Deployment,
  deployment,
  HOSTS_MISSING,
  hostsOf,
  type Tailnet,
  tailnetOf,
} from './world.ts';

/*
 * The reconciler on an emulated tailnet and hosts with real rulesets: what it heals, what it leaves to people, and what
 * it never overwrites.
 */

const HOOK_MS = 60_000;
let place: Deployment;
let tailnet: Tailnet;
let lab: Lab | undefined;

beforeAll(async () => {
  place = deployment();
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
  if (HOSTS_MISSING === undefined) await applyDeclared(place.declared);
});

function needHosts(): void {
  requireOrSkip(HOSTS_MISSING === undefined, HOSTS_MISSING ?? '');
}

function run(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return cordon(args, { cwd: place.directory, env: tailnet.env, ...options });
}

const reconcile = (stage: string, options: RunOptions = {}) => run(['reconcile', '--stage', stage], options);
const namespace = (host: string) => `${place.run}-${host}`;
const nft = (host: string, argv: readonly string[], input = '') => execIn(namespace(host), ['nft', ...argv], input);
const listing = (host: string) => nft(host, ['-s', 'list', 'ruleset']);
const messages = ({ stderr }: Run) =>
  stderr.split('\n').flatMap((l) => (l === '' ? [] : [JSON.parse(l).msg as string]));

function openPolicy(): Promise<void> {
  const open = tailnet.policy().replace('"grants": [', '"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]},');
  return tailnet.console('policy', { text: open });
}

/** Requests since `start` that could change something. */
function writesSince(start: number): readonly string[] {
  return tailnet.asked
    .slice(start)
    .filter((r) => r.method !== 'GET')
    .map((r) => `${r.method} ${r.status}`);
}

describe('both drifts at once', () => {
  const drift = async () => {
    await openPolicy();
    nft('ollama-1', ['flush', 'ruleset']);
    await tailnet.console('devices', {
      devices: [
        { nodeId: 'nExec1DemoCNTRL', tags: ['tag:executor', 'tag:ci'] },
        { nodeId: 'nOrch1DemoCNTRL', enabledRoutes: ['10.77.1.0/24'] },
      ],
    });
  };

  it('are only looked at by default, and told by plan', async () => {
    needHosts();
    await drift();
    const start = tailnet.asked.length;
    const looked = await run(['reconcile']);
    expect(looked.code).toBe(2);
    expect(messages(looked).filter((m) => /would|restore/.test(m))).toEqual([]);
    const planned = await reconcile('plan');
    expect(planned.code).toBe(2);
    expect(messages(planned).filter((m) => m.startsWith('would '))).toEqual([
      'would restore the declared ruleset on ollama-1',
      'would restore the declared tailnet policy',
      'would set the tags of exec-1 to tag:executor',
      'would set the approved routes of orch-1 to none',
    ]);
    expect(writesSince(start)).toEqual([]);
    expect(listing('ollama-1')).toBe('');
  });

  it('are healed by enforce, which ends clean; the next pass has nothing to do', async () => {
    needHosts();
    const before = listing('ollama-1');
    await drift();
    const healed = await reconcile('enforce');
    expect(healed.stdout).toMatch(/^ISOLATED /);
    expect(healed.code).toBe(0);
    expect(messages(healed)).toContain('ollama-1: ruleset applied and read back');
    // Said once, although the world is looked at twice.
    expect(messages(healed).filter((m) => m.includes('emulator'))).toHaveLength(1);
    expect(listing('ollama-1')).toBe(before);
    const start = tailnet.asked.length;
    const again = await reconcile('enforce');
    expect({ code: again.code, writes: writesSince(start) }).toEqual({ code: 0, writes: [] });
    expect((await run(['check'])).code).toBe(0);
  });
});

describe('what no pass can heal', () => {
  it('stays red: the approval of a route is taken away, that the device advertises it remains', async () => {
    needHosts();
    const routes = { advertisedRoutes: ['10.77.1.0/24'], enabledRoutes: ['10.77.1.0/24'] };
    await tailnet.console('devices', { devices: [{ nodeId: 'nOrch1DemoCNTRL', ...routes }] });
    const result = await reconcile('enforce');
    expect(messages(result)).toContain('routes of orch-1 restored');
    expect(result.code).toBe(2);
    expect(result.stdout).toMatch(/violated authority orch-1/);
  });
});

describe('what waits for an operator', () => {
  it('a declared grant and a rule of a host that people took away: nothing is written, the exit says drift', async () => {
    needHosts();
    const grant = '{"src": ["tag:executor"], "dst": ["tag:gateway"], "ip": ["tcp:443"]},';
    const policy = tailnet.policy().replace(grant, '');
    await tailnet.console('policy', { text: policy });
    nft('gw-1', ['flush', 'chain', 'inet', 'cordon', 'ingress']);
    const [stored, rules, start] = [tailnet.policy(), listing('gw-1'), tailnet.asked.length];
    const result = await reconcile('enforce');
    expect(result.code).toBe(2);
    expect(messages(result).filter((m) => m.includes('waits for an operator'))).toEqual([
      expect.stringMatching(
        /^the ruleset of gw-1 waits for an operator: it would give somebody access \(anybody on tailscale0 -> gw-1/,
      ),
      'the tailnet policy waits for an operator: it would give somebody access (tag:executor -> tag:gateway)',
    ]);
    expect(writesSince(start)).toEqual([]);
    expect({ policy: tailnet.policy(), rules: listing('gw-1') }).toEqual({ policy: stored, rules });
  });

  it('a host that cannot be read does not keep another from being healed', async () => {
    needHosts();
    nft('ollama-1', ['flush', 'ruleset']);
    const through = withFakeNft(place.directory, namespace('gw-1'), 'if $HERE; then echo broken >&2; exit 1; fi');
    const result = await reconcile('enforce', { through });
    expect(result.code).toBe(3);
    expect(messages(result)).toContain('ollama-1: ruleset applied and read back');
    expect(messages(result)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^the ruleset of gw-1 waits for an operator: what is there now could not be read/),
      ]),
    );
  });

  it('an unknown tailnet does not keep a host from being healed', async () => {
    needHosts();
    nft('ollama-1', ['flush', 'ruleset']);
    const start = tailnet.asked.length;
    const result = await reconcile('enforce', { env: { TAILSCALE_BASE_URL: tailnet.emulator.url } });
    expect(result.code).toBe(3);
    expect(messages(result)).toContain('ollama-1: ruleset applied and read back');
    expect(tailnet.asked.length).toBe(start);
  });
});

describe('somebody else writes between looking and acting', () => {
  it('the policy: nothing is overwritten, the exit and the log say so', async () => {
    needHosts();
    await openPolicy();
    const theirs = '{"grants": [{"src": ["tag:ci"], "dst": ["tag:gateway"], "ip": ["*"]}]}\n';
    await tailnet.console('fault', { route: 'POST /acl', fault: { kind: 'edit-policy', text: theirs } });
    const result = await reconcile('enforce');
    expect(result.code).toBe(2);
    expect(messages(result)).toContain(
      'tailnet policy not restored: conflict: the policy was changed by somebody else',
    );
    expect(tailnet.policy()).toContain('"tag:ci"');
    expect(tailnet.policy()).not.toContain('executor');
  });

  /** A pass in this process, in which `meanwhile` happens after the first look. */
  async function passWith(meanwhile: () => void): Promise<PassResult> {
    const { topology, evidence } = place.declared;
    let looks = 0;
    const observe = async (): Promise<Evidence> => {
      const world = await observeWorld(topology, { env: tailnet.env, now: () => new Date() });
      if (looks++ === 0) meanwhile();
      return world.evidence;
    };
    return runPass({ topology, declared: evidence, stage: 'enforce', observe, client: undefined });
  }

  it('a ruleset: nothing is overwritten, and the pass stops', async () => {
    needHosts();
    nft('exec-1', ['flush', 'ruleset']);
    nft('gw-1', ['flush', 'ruleset']);
    const closed = 'table inet cordon {\n chain input { type filter hook input priority 300; policy drop; }\n}\n';
    const { taken, after } = await passWith(() => nft('exec-1', ['-f', '-'], closed));
    expect(taken.map((t) => t.outcome)).toEqual([
      { done: false, text: 'exec-1: the ruleset was changed by somebody else; nothing was changed on the host' },
    ]);
    expect(listing('exec-1')).toContain('policy drop');
    expect(after.sources['host/gw-1/nft.txt']?.body).toBe('');
  });

  it('a table of somebody else’s is no conflict', async () => {
    needHosts();
    nft('exec-1', ['flush', 'ruleset']);
    const { taken } = await passWith(() => nft('exec-1', ['add', 'table', 'ip', 'theirs']));
    expect(taken.map((t) => t.outcome.done)).toEqual([true]);
    expect(listing('exec-1')).toMatch(/table ip theirs[\s\S]*table inet cordon/);
  });

  it('a host that goes away: the pass stops and says that nothing was changed', async () => {
    needHosts();
    nft('exec-1', ['flush', 'ruleset']);
    const lost = join('/run/netns', namespace('exec-1'));
    const { topology, evidence } = place.declared;
    const gone = { ...topology, hosts: new Map(topology.hosts) };
    const host = gone.hosts.get('exec-1');
    if (host === undefined) throw new Error(`no exec-1 for ${lost}`);
    gone.hosts.set('exec-1', { ...host, access: { kind: 'netns', name: `${place.run}-lost` } });
    const { evidence: seen } = await observeWorld(topology, { env: tailnet.env, now: () => new Date() });
    const { taken } = await runPass({
      topology: gone,
      declared: evidence,
      stage: 'enforce',
      observe: async () => seen,
      client: undefined,
    });
    expect(taken.map((t) => t.outcome)).toEqual([
      {
        done: false,
        text: expect.stringMatching(/^exec-1: there is no network namespace .*\nnothing was changed on the host$/),
      },
    ]);
  });
});

describe('a host that refuses the ruleset', () => {
  it('is told, tried once more, and does not keep the others from being healed', async () => {
    needHosts();
    nft('exec-1', ['flush', 'ruleset']);
    nft('gw-1', ['flush', 'ruleset']);
    const body =
      'if $HERE && [ "$1" = "-c" ]; then echo "Error: Could not process rule: Operation not supported" >&2; exit 1; fi';
    const through = withFakeNft(place.directory, namespace('exec-1'), body);
    const result = await reconcile('enforce', { through });
    expect(result.code).toBe(2);
    const said = messages(result);
    expect(
      said.filter((m) => m.startsWith('exec-1: ruleset not accepted: Error: Could not process rule')),
    ).toHaveLength(2);
    expect(said).toContain('gw-1: ruleset applied and read back');
    expect(result.stdout).toMatch(/violated ingress exec-1/);
    expect(listing('exec-1')).toBe('');
  });
});
