import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writePolicy } from '../../src/apply/tailnet-policy.ts';
import type { RunningEmulator } from '../../src/emulator/emulator.ts';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import { control } from '../emulator/http-client.ts';
import { emulatorWith, IMPATIENT, KEY, keyClient, POLICY, TAILNET } from '../observe/tailnet-fixture.ts';

const NEXT = POLICY.replace('11434', '11435');

describe('writePolicy', () => {
  let emulator: RunningEmulator;
  let posts = 0;
  beforeEach(async () => {
    posts = 0;
    emulator = await emulatorWith({
      onAnswer: (r) => {
        if (r.method === 'POST' && r.path.endsWith('/acl')) posts++;
      },
    });
  });
  afterEach(async () => {
    await emulator.close();
  });

  const write = (text: string, replaces = policyEtag(POLICY)) =>
    writePolicy(keyClient(emulator.url), { text, replaces });
  const fault = (body: object, route = 'POST /acl') =>
    control(emulator.url, 'fault', { route, times: 'all', fault: body });

  it('replaces the policy that was observed', async () => {
    expect(await write(NEXT)).toEqual({ kind: 'written', etag: policyEtag(NEXT) });
    expect(emulator.state.policy).toEqual({ text: NEXT, isDefault: false });
  });

  it('does not replace one that somebody changed', async () => {
    const theirs = POLICY.replace('11434', '22');
    await control(emulator.url, 'policy', { text: theirs });
    expect(await write(NEXT)).toMatchObject({ kind: 'conflict' });
    expect(emulator.state.policy.text).toBe(theirs);
  });

  it('loses a race that is decided while the request is on its way', async () => {
    await fault({ kind: 'edit-policy', text: POLICY.replace('11434', '22') });
    expect(await write(NEXT)).toMatchObject({ kind: 'conflict' });
    expect(emulator.state.policy.text).not.toBe(NEXT);
  });

  it('of two writers exactly one wins', async () => {
    for (let round = 0; round < 10; round++) {
      const before = emulator.state.policy.text;
      const texts = [1, 2].map((n) => POLICY.replace('11434', String(1000 + 10 * round + n)));
      const results = await Promise.all(texts.map((text) => write(text, policyEtag(before))));
      expect(results.map((r) => r.kind).toSorted()).toEqual(['conflict', 'written']);
      expect(emulator.state.policy.text).toBe(texts[results.findIndex((r) => r.kind === 'written')]);
    }
  });

  it('never sends an empty text, which would allow everything', async () => {
    for (const text of ['', ' \n\t']) {
      expect(await write(text)).toMatchObject({
        kind: 'rejected',
        message: expect.stringContaining('allow everything'),
      });
    }
    expect(posts).toBe(0);
    expect(emulator.state.policy.text).toBe(POLICY);
  });

  it('never writes without knowing what it replaces', async () => {
    for (const replaces of ['', 'ts-default', policyEtag(POLICY).slice(1), `"${policyEtag(POLICY)}"`]) {
      expect(await write(NEXT, replaces)).toMatchObject({ kind: 'rejected' });
    }
    expect(posts).toBe(0);
  });

  it('hands over what the service says about a policy that it refuses', async () => {
    const data = [{ user: 'tag:model', errors: ['address "100.64.0.2:22": want: Drop, got: Accept'] }];
    await fault({ kind: 'status', status: 400, message: 'test(s) failed', data });
    expect(await write(NEXT)).toEqual({
      kind: 'rejected',
      message: 'test(s) failed',
      data: [{ ...data[0], warnings: [] }],
    });
  });

  it('says so when the tailnet keeps other bytes than those sent', async () => {
    const loose = NEXT.replaceAll('\t', '  ');
    expect(await write(loose)).toMatchObject({ kind: 'failed', mayHaveWritten: true });
    expect(emulator.state.policy.text).toBe(NEXT);
  });

  it.each([
    ['401', { kind: 'status', status: 401 }, false],
    ['403', { kind: 'status', status: 403 }, false],
    ['404', { kind: 'status', status: 404 }, false],
    ['429', { kind: 'status', status: 429, retryAfter: 0 }, false],
    ['500', { kind: 'status', status: 500 }, true],
    ['a page', { kind: 'html' }, true],
    ['nothing', { kind: 'empty-body' }, true],
    ['a cut connection', { kind: 'disconnect' }, true],
  ])('%s is failed, once, and says whether the write may have happened', async (_name, body, mayHaveWritten) => {
    await fault(body);
    expect(await write(NEXT)).toMatchObject({ kind: 'failed', mayHaveWritten });
    expect(posts).toBeLessThanOrEqual(1);
    expect(emulator.state.policy.text).toBe(POLICY);
  });

  it('a write without an answer in time may have happened', async () => {
    await fault({ kind: 'slow', delayMs: 60_000 });
    const client = keyClient(emulator.url, TAILNET, IMPATIENT);
    const result = await writePolicy(client, { text: NEXT, replaces: policyEtag(POLICY) });
    expect(result).toMatchObject({ kind: 'failed', mayHaveWritten: true });
  });

  it('keeps the key out of its results', async () => {
    await fault({ kind: 'status', status: 403, message: `no rights for ${KEY}` });
    expect(JSON.stringify(await write(NEXT))).not.toContain(KEY);
  });
});
