import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { observeTailnet } from '../../src/observe/tailnet.ts';
import { tailnetAccess } from '../../src/observe/tailnet-access.ts';
import { type TailnetClient, tailnetClient } from '../../src/observe/tailnet-client.ts';
import { describeHeld } from '../../src/reconcile/decide.ts';
import { type PassResult, runPass, type Stage, type StepEvent } from '../../src/reconcile/pass.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import { type Deployment, deployment, type Tailnet, tailnetOf } from '../scenarios/world.ts';
import { policyOf } from './world.ts';

/*
 * One pass against the emulated tailnet. The hosts are as declared here, so these tests need no root; what happens on
 * hosts is in test/scenarios.
 */

let place: Deployment;
let tailnet: Tailnet;
let client: TailnetClient;
beforeAll(async () => {
  place = deployment();
  tailnet = await tailnetOf(place.declared);
  const access = tailnetAccess(tailnet.env, () => '', place.declared.topology.tailnet.id);
  client = tailnetClient(access, { timeoutMs: 5000, totalTimeoutMs: 10_000, retries: 0, maxPauseMs: 50 });
});
afterAll(async () => {
  await tailnet.close();
  place.remove();
});
beforeEach(() => tailnet.reset());

async function observe(): Promise<Evidence> {
  const { sources } = await observeTailnet(client, { devicesDeclared: true, now: () => new Date() });
  const hosts = Object.entries(place.declared.evidence.sources).filter(([name]) => name.startsWith('host/'));
  return { sources: { ...sources, ...Object.fromEntries(hosts) } };
}

interface Pass extends PassResult {
  /** Requests that could change something, as `POST /acl 200`. */
  readonly writes: readonly string[];
  readonly events: readonly StepEvent[];
}

async function pass(stage: Stage, with_: { client?: TailnetClient | undefined } = { client }): Promise<Pass> {
  const before = tailnet.asked.length;
  const events: StepEvent[] = [];
  const { topology, evidence } = place.declared;
  const result = await runPass({
    topology,
    declared: evidence,
    stage,
    observe,
    client: with_.client,
    onStep: (e) => events.push(e),
  });
  const writes = tailnet.asked
    .slice(before)
    .filter((r) => r.method !== 'GET')
    .map((r) => `${r.method} ${r.path.replace(/^\/api\/v2(\/tailnet\/[^/]+)?/, '')} ${r.status}`);
  return { ...result, writes, events };
}

const declaredPolicy = () => policyOf(place.declared.evidence);
const slipIn = (grant = '{"src": ["*"], "dst": ["*"], "ip": ["*"]},') =>
  tailnet.console('policy', { text: declaredPolicy().replace('"grants": [', `"grants": [${grant}`) });
const device = (nodeId: string, change: object) => tailnet.console('devices', { devices: [{ nodeId, ...change }] });
const shown = (nodeId: string) => tailnet.emulator.state.devices.find((d) => d.nodeId === nodeId);

describe('stages', () => {
  const drift = async () => {
    await slipIn();
    await device('nExec1DemoCNTRL', { tags: ['tag:executor', 'tag:ci'] });
  };

  it('observe looks, decides nothing and writes nothing', async () => {
    await drift();
    const policy = tailnet.policy();
    const { planned, held, taken, writes, before, after } = await pass('observe');
    expect({ planned, held, taken, writes }).toEqual({ planned: [], held: [], taken: [], writes: [] });
    expect(after).toBe(before);
    expect(tailnet.policy()).toBe(policy);
  });

  it('plan says what it would do and writes nothing', async () => {
    await drift();
    const policy = tailnet.policy();
    const { planned, taken, writes, events } = await pass('plan');
    expect(planned.map((a) => a.kind)).toEqual(['policy', 'tags']);
    expect({ taken, writes, events }).toEqual({ taken: [], writes: [], events: [] });
    expect(tailnet.policy()).toBe(policy);
    expect(shown('nExec1DemoCNTRL')?.tags).toEqual(['tag:executor', 'tag:ci']);
  });

  it('enforce does it, one step after the other, and looks again', async () => {
    await drift();
    const { taken, planned, held, writes, events, after } = await pass('enforce');
    expect(writes).toEqual(['POST /acl 200', 'POST /device/nExec1DemoCNTRL/tags 200']);
    expect(taken.map((t) => t.outcome.done)).toEqual([true, true]);
    expect({ planned, held }).toEqual({ planned: [], held: [] });
    expect(events.map((e) => e.kind)).toEqual(['acting', 'acted', 'acting', 'acted']);
    expect(tailnet.policy()).toBe(declaredPolicy());
    expect(shown('nExec1DemoCNTRL')?.tags).toEqual(['tag:executor']);
    expect(after.sources['tailnet/policy']?.body).toMatchObject({ etag: policyEtag(declaredPolicy()) });
    // Level-triggered: the next pass finds nothing to do.
    expect((await pass('enforce')).writes).toEqual([]);
  });

  it.each<Stage>(['observe', 'plan', 'enforce'])('%s writes nothing where all is as declared', async (stage) => {
    const { writes, taken, planned, held } = await pass(stage);
    expect({ writes, taken, planned, held }).toEqual({ writes: [], taken: [], planned: [], held: [] });
  });
});

describe('a route that nobody declared', () => {
  it('is taken away', async () => {
    await device('nOrch1DemoCNTRL', { advertisedRoutes: ['10.77.1.0/24'], enabledRoutes: ['10.77.1.0/24'] });
    const { writes, taken } = await pass('enforce');
    expect(writes).toEqual(['POST /device/nOrch1DemoCNTRL/routes 200']);
    expect(taken[0]?.outcome).toEqual({ done: true, text: 'routes of orch-1 restored' });
    expect(shown('nOrch1DemoCNTRL')?.enabledRoutes).toEqual([]);
  });

  it('is not called restored when an approver puts it back at once', async () => {
    await device('nOrch1DemoCNTRL', { advertisedRoutes: ['10.77.1.0/24'], enabledRoutes: ['10.77.1.0/24'] });
    await tailnet.console('fault', { route: 'POST /device/*', fault: { kind: 'auto-approve' } });
    const { taken } = await pass('enforce');
    expect(taken[0]?.outcome.done).toBe(false);
    expect(taken[0]?.outcome.text).toMatch(/^routes of orch-1 not restored: /);
  });
});

describe('a concurrent edit at the console', () => {
  it('between observing and acting is a conflict: nothing is overwritten, and the pass stops', async () => {
    await slipIn();
    await device('nExec1DemoCNTRL', { tags: ['tag:executor', 'tag:orchestrator'] });
    const theirs = `{"grants": [{"src": ["tag:ci"], "dst": ["tag:media"], "ip": ["tcp:443"]}]}\n`;
    await tailnet.console('fault', { route: 'POST /acl', fault: { kind: 'edit-policy', text: theirs } });
    const { writes, taken } = await pass('enforce');
    expect(writes).toEqual(['POST /acl 412']);
    expect(taken).toHaveLength(1);
    expect(taken[0]?.outcome).toEqual({
      done: false,
      refused: false,
      text: 'tailnet policy not restored: conflict: the policy was changed by somebody else',
    });
    expect(JSON.parse(tailnet.policy().replace(/,(\s*[\]}])/g, '$1'))).toEqual(JSON.parse(theirs));
    expect(shown('nExec1DemoCNTRL')?.tags).toEqual(['tag:executor', 'tag:orchestrator']);
  });
});

describe('a step that fails stops the pass', () => {
  it.each([
    [401, /HTTP 401/],
    [403, /HTTP 403/],
    [429, /HTTP 429/],
    [500, /HTTP 500/],
  ])('%i', async (status, words) => {
    await slipIn();
    await device('nExec1DemoCNTRL', { tags: ['tag:executor', 'tag:orchestrator'] });
    await tailnet.console('fault', { route: 'POST /acl', times: 'all', fault: { kind: 'status', status } });
    const { writes, taken, after } = await pass('enforce');
    // Sent once: a write is never repeated without looking.
    expect(writes).toEqual([`POST /acl ${status}`]);
    expect(taken.map((t) => t.outcome.done)).toEqual([false]);
    expect(taken[0]?.outcome.text).toMatch(words);
    expect(after.sources['tailnet/policy']?.body).not.toMatchObject({ text: declaredPolicy() });
  });

  it.each(['disconnect', 'garbage', 'empty-body', 'truncated', 'html'])('an answer that is none: %s', async (kind) => {
    await slipIn();
    await tailnet.console('fault', { route: 'POST /acl', fault: { kind } });
    const { taken } = await pass('enforce');
    expect(taken.map((t) => t.outcome.done)).toEqual([false]);
    expect(taken[0]?.outcome.text).toMatch(/^tailnet policy not restored: failed: /);
  });

  it('where there is no credential to write with', async () => {
    await slipIn();
    const { writes, taken } = await pass('enforce', { client: undefined });
    expect(writes).toEqual([]);
    expect(taken[0]?.outcome).toEqual({ done: false, text: 'the tailnet cannot be written: no credential' });
  });
});

describe('a step that is refused', () => {
  const REFUSAL = { kind: 'status', status: 400, message: 'requested tags are invalid or not permitted' };
  const drift = async () => {
    await device('nExec1DemoCNTRL', { tags: ['tag:executor', 'tag:ci'] });
    await device('nOrch1DemoCNTRL', { advertisedRoutes: ['10.77.1.0/24'], enabledRoutes: ['10.77.1.0/24'] });
  };

  it('is tried once more when the others are done: the policy’s own tests fail while a device has a tag too many', async () => {
    await slipIn();
    await device('nExec1DemoCNTRL', { tags: ['tag:executor', 'tag:orchestrator'] });
    const { writes, taken, held } = await pass('enforce');
    expect(writes).toEqual(['POST /acl 400', 'POST /device/nExec1DemoCNTRL/tags 200', 'POST /acl 200']);
    expect(taken.map((t) => t.outcome.done)).toEqual([false, true, true]);
    expect(held).toEqual([]);
    expect(tailnet.policy()).toBe(declaredPolicy());
  });

  it('the other way round: a tag without an owner, until the policy is back', async () => {
    await tailnet.console('policy', { text: '{}' });
    await device('nExec1DemoCNTRL', { tags: ['tag:executor', 'tag:ci'] });
    await tailnet.console('fault', { route: 'POST /acl', fault: { ...REFUSAL, message: 'no' } });
    const { writes } = await pass('enforce');
    expect(writes).toEqual([
      'POST /acl 400',
      'POST /device/nExec1DemoCNTRL/tags 400',
      'POST /acl 200',
      'POST /device/nExec1DemoCNTRL/tags 200',
    ]);
  });

  it('for good is tried twice and does not keep the others from being taken', async () => {
    await drift();
    await tailnet.console('fault', { route: 'POST /device/*/tags', times: 'all', fault: REFUSAL });
    const { writes, taken } = await pass('enforce');
    expect(writes).toEqual([
      'POST /device/nExec1DemoCNTRL/tags 400',
      'POST /device/nOrch1DemoCNTRL/routes 200',
      'POST /device/nExec1DemoCNTRL/tags 400',
    ]);
    expect(taken.at(-1)?.outcome).toEqual({
      done: false,
      refused: true,
      text: 'tags of exec-1 not restored: requested tags are invalid or not permitted',
    });
    expect(shown('nOrch1DemoCNTRL')?.enabledRoutes).toEqual([]);
  });

  it('takes along what was only safe after it: a tag that the slipped-in rule favours stays away', async () => {
    await slipIn('{"src": ["tag:orchestrator"], "dst": ["tag:gateway"], "ip": ["*"]},');
    await device('nOrch1DemoCNTRL', { tags: [] });
    await tailnet.console('fault', { route: 'POST /acl', times: 'all', fault: { ...REFUSAL, message: 'no' } });
    const { writes, held } = await pass('enforce');
    expect(writes).toEqual(['POST /acl 400', 'POST /acl 400']);
    expect(held.map(describeHeld)).toEqual([
      expect.stringMatching(/^the tags of orch-1 waits for an operator: it would/),
    ]);
    expect(shown('nOrch1DemoCNTRL')?.tags).toEqual([]);
  });
});

describe('what waits for an operator', () => {
  it('is not written: a declared grant that a human took away', async () => {
    const grant = '{"src": ["tag:executor"], "dst": ["tag:gateway"], "ip": ["tcp:443"]},';
    const narrowed = declaredPolicy().replace(grant, '');
    expect(narrowed).not.toBe(declaredPolicy());
    await tailnet.console('policy', { text: narrowed });
    const stored = tailnet.policy();
    const { writes, held } = await pass('enforce');
    expect(writes).toEqual([]);
    expect(held.map(describeHeld)).toEqual([
      'the tailnet policy waits for an operator: it would give somebody access (tag:executor -> tag:gateway)',
    ]);
    expect(tailnet.policy()).toBe(stored);
  });

  it.each([401, 403, 500])('is not written: a policy that answered %i', async (status) => {
    await slipIn();
    await tailnet.console('fault', { route: 'GET /acl', times: 'all', fault: { kind: 'status', status } });
    const { writes, held } = await pass('enforce');
    expect(writes).toEqual([]);
    expect(held.map(describeHeld)).toEqual([
      expect.stringMatching(
        new RegExp(`^the tailnet policy waits for an operator: what is there now could not be read .*HTTP ${status}`),
      ),
    ]);
  });
});
