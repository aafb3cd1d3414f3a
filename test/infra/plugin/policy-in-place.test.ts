import { afterEach, describe, expect, it } from 'vitest';
import type { PropertyObject } from '../../../infra/grpc/property-value.ts';
import { describeTextDifference } from '../../../infra/plugin/text-difference.ts';
import { policyEtag } from '../../../src/tailnet/policy/etag.ts';
import type { Driver } from './drive.ts';
import { drive, failureText } from './drive.ts';

const declared = '{"grants": []}';
const edited = '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}]}';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function setup(text: string): Promise<{ live: { text: string; reads: number }; driver: Driver }> {
  const live = { text, reads: 0 };
  const readLivePolicy = async () => {
    live.reads++;
    return { text: live.text, etag: policyEtag(live.text) };
  };
  const driver = await drive('cordon:index:PolicyInPlace', {
    readLivePolicy,
    describeDifference: describeTextDifference,
  });
  cleanups.push(() => driver.stop());
  return { live, driver };
}

async function inputsFor(driver: Driver, policy: string): Promise<PropertyObject> {
  return (await driver.check({ baseUrl: 'http://127.0.0.1:1', tailnet: 'T1CNTRL', policy })).inputs;
}

describe('PolicyInPlace', () => {
  it('passes when the declared policy is live, in any layout', async () => {
    const { driver } = await setup('{ "grants":[] }');
    const { id, properties } = await driver.create(await inputsFor(driver, declared));
    expect(id).toBe('policy:T1CNTRL');
    expect(properties).toMatchObject({ liveEtag: policyEtag(declared) });
  });

  it('fails when another policy is live, and says how it comes into place', async () => {
    const { driver, live } = await setup(edited);
    const inputs = await inputsFor(driver, declared);
    const text = await failureText(driver.create(inputs));
    expect(text).toContain('not the declared one');
    expect(text).toContain('-{"grants": [{"src": ["*"]');
    expect(text).toContain('pulumi up --refresh');
    live.text = declared;
    await driver.create(inputs);
    live.text = edited;
    expect(await failureText(driver.update('policy:T1CNTRL', inputs, inputs))).toContain('not the declared one');
  });

  it('sees an edit in every preview, without failing it', async () => {
    const { driver, live } = await setup(declared);
    const inputs = await inputsFor(driver, declared);
    const { id, properties } = await driver.create(inputs);
    const calm = await driver.read(id, properties, inputs);
    expect(calm.refreshBeforeUpdate).toBe(true);
    expect((await driver.diff(calm.properties, inputs)).changed).toBe(false);
    live.text = edited;
    const seen = await driver.read(id, properties, inputs);
    expect((await driver.diff(seen.properties, inputs)).details).toEqual(['update liveEtag']);
    const reads = live.reads;
    await driver.update(id, seen.properties, inputs, true);
    await driver.create(inputs, true);
    expect(live.reads).toBe(reads);
  });

  it('checks its inputs', async () => {
    const { driver } = await setup(declared);
    const { failures } = await driver.check({ policy: '', reviewedEtag: 'x' });
    expect(failures.map((f) => f.property).sort()).toEqual(['baseUrl', 'policy', 'reviewedEtag', 'tailnet']);
    expect(failures.find((f) => f.property === 'tailnet')?.reason).toBe('tailnet must name the tailnet');
  });
});
