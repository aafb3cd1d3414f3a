import { afterEach, describe, expect, it } from 'vitest';
import type { PropertyObject } from '../../../infra/grpc/property-value.ts';
import { Unknown } from '../../../infra/grpc/property-value.ts';
import { isDefaultPolicy } from '../../../infra/plugin/policy-default.ts';
import { describeTextDifference } from '../../../infra/plugin/text-difference.ts';
import { CordonError } from '../../../src/source/error.ts';
import { policyEtag } from '../../../src/tailnet/policy/etag.ts';
import type { Driver } from './drive.ts';
import { drive, failureText } from './drive.ts';

const fresh = '// Hello.\n{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}\n';
const first = '{"grants": [{"src": ["tag:a"], "dst": ["tag:b"], "ip": ["tcp:1"]}]}';
const second = '{"grants": [{"src": ["tag:a"], "dst": ["tag:b"], "ip": ["tcp:2"]}]}';
const edited =
  '{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}, {"src": ["tag:a"], "dst": ["tag:b"], "ip": ["tcp:1"]}]}';

/** A tailnet whose policy tests set by hand, as the admin console or the provider would. */
class Tailnet {
  text = fresh;
  broken: string | undefined;
  reads = 0;
  etag: string | undefined;

  readonly read = async () => {
    this.reads++;
    if (this.broken !== undefined) throw new CordonError('live-policy-unreadable', this.broken);
    return { text: this.text, etag: this.etag ?? policyEtag(this.text) };
  };
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function setup(): Promise<{ tailnet: Tailnet; driver: Driver }> {
  const tailnet = new Tailnet();
  const parts = { readLivePolicy: tailnet.read, describeDifference: describeTextDifference };
  const driver = await drive('cordon:index:PolicyGuard', parts);
  cleanups.push(() => driver.stop());
  return { tailnet, driver };
}

const inputs = (policy: string, more: PropertyObject = {}): PropertyObject => ({
  baseUrl: 'http://127.0.0.1:1',
  tailnet: 'T1CNTRL',
  policy,
  liveEtag: policyEtag(policy),
  ...more,
});

/** What the engine does before an update: read, then compare. */
async function refresh(driver: Driver, state: PropertyObject): Promise<PropertyObject> {
  const { replacedEtag: _, ...rest } = state;
  const given = { ...rest, liveEtag: policyEtag(String(state['policy'])) };
  const read = await driver.read('policy:T1CNTRL', state, given);
  expect(read).toMatchObject({ id: 'policy:T1CNTRL', inputs: given, refreshBeforeUpdate: true });
  return read.properties;
}

describe('check', () => {
  it('reports everything that is wrong at once', async () => {
    const { driver } = await setup();
    const { failures } = await driver.check({ baseUrl: 'ftp://x', policy: '', reviewedEtag: 'abc', more: 1 });
    expect(failures.map((f) => f.property).sort()).toEqual(['baseUrl', 'more', 'policy', 'reviewedEtag', 'tailnet']);
  });

  it('passes good inputs and what is not known yet', async () => {
    const { driver, tailnet } = await setup();
    const { inputs: checked, failures } = await driver.check(
      inputs(first, { reviewedEtag: policyEtag(fresh), liveEtag: 'x' }),
    );
    expect(failures).toEqual([]);
    expect(checked['liveEtag']).toBe(policyEtag(first));
    expect((await driver.check(inputs(first, { policy: new Unknown() }))).failures).toEqual([]);
    expect(tailnet.reads).toBe(0);
  });
});

describe('the first update', () => {
  it('passes over the untouched default', async () => {
    const { driver } = await setup();
    const { id, properties } = await driver.create(inputs(first));
    expect(id).toBe('policy:T1CNTRL');
    expect(properties).toMatchObject({ liveEtag: policyEtag(first), replacedEtag: policyEtag(fresh) });
  });

  it('passes where the declared policy is in place already, in any layout', async () => {
    const { driver, tailnet } = await setup();
    tailnet.text = first.replaceAll(' ', '  ');
    expect((await driver.create(inputs(first))).properties).not.toHaveProperty('replacedEtag');
  });

  it('refuses somebody else’s policy, with the difference and what to do', async () => {
    const { driver, tailnet } = await setup();
    tailnet.text = edited;
    const text = await failureText(driver.create(inputs(first)));
    expect(text).toContain('-\t{"src": ["*"], "dst": ["*"]');
    expect(text).toContain(`\n  pulumi config set cordon:reviewedEtag ${policyEtag(edited)}\n`);
    expect(text).toContain('pulumi up --refresh');
  });

  it('passes once that policy was reviewed, and only that one', async () => {
    const { driver, tailnet } = await setup();
    tailnet.text = edited;
    const reviewed = inputs(first, { reviewedEtag: policyEtag(edited) });
    await driver.create(reviewed);
    tailnet.text = `${edited} // and more`;
    expect(await failureText(driver.create(reviewed))).toContain('not one that cordon knows');
  });

  it('reads nothing in a preview', async () => {
    const { driver, tailnet } = await setup();
    tailnet.text = edited;
    const { properties } = await driver.create(inputs(first), true);
    expect(properties).toMatchObject({ liveEtag: policyEtag(first) });
    await driver.update('policy:T1CNTRL', properties, inputs(second), true);
    expect(tailnet.reads).toBe(0);
  });

  it('fails when the live policy cannot be read', async () => {
    const { driver, tailnet } = await setup();
    tailnet.broken = 'HTTP 403';
    expect(await failureText(driver.create(inputs(first)))).toContain('HTTP 403');
  });
});

describe('later updates', () => {
  async function settled(): Promise<{ tailnet: Tailnet; driver: Driver; state: PropertyObject }> {
    const { tailnet, driver } = await setup();
    const { properties } = await driver.create(inputs(first));
    tailnet.text = first;
    return { tailnet, driver, state: await refresh(driver, properties) };
  }

  it('is unchanged after an update, before and after a refresh', async () => {
    const { driver, tailnet } = await setup();
    const { properties } = await driver.create(inputs(first));
    tailnet.text = first;
    expect((await driver.diff(properties, inputs(first))).changed).toBe(false);
    const state = await refresh(driver, properties);
    expect((await driver.diff(state, inputs(first))).changed).toBe(false);
    expect(state).not.toHaveProperty('replacedEtag');
  });

  it('passes from the policy of the last update to the next', async () => {
    const { driver, state } = await settled();
    expect((await driver.diff(state, inputs(second))).details).toEqual(['update liveEtag', 'update policy']);
    const next = await driver.update('policy:T1CNTRL', state, inputs(second));
    expect(next).toMatchObject({ policy: second, replacedEtag: policyEtag(first) });
  });

  it('refuses after an edit in the console, whether or not the declaration changed', async () => {
    const { driver, tailnet, state } = await settled();
    tailnet.text = edited;
    const seen = await refresh(driver, state);
    expect((await driver.diff(seen, inputs(first))).details).toEqual(['update liveEtag']);
    for (const policy of [first, second]) {
      const text = await failureText(driver.update('policy:T1CNTRL', seen, inputs(policy)));
      expect(text).toContain('not one that cordon knows');
    }
    await driver.update('policy:T1CNTRL', seen, inputs(first, { reviewedEtag: policyEtag(edited) }));
  });

  it('refuses an edit that happened after the refresh', async () => {
    const { driver, tailnet, state } = await settled();
    tailnet.text = edited;
    expect(await failureText(driver.update('policy:T1CNTRL', state, inputs(second)))).toContain('not one that');
  });

  it('refuses the default after the first update: somebody reset the tailnet', async () => {
    const { driver, tailnet, state } = await settled();
    tailnet.text = fresh;
    expect(await failureText(driver.update('policy:T1CNTRL', state, inputs(second)))).toContain('not one that');
  });

  it('passes again when the write after it failed', async () => {
    const { driver, tailnet, state } = await settled();
    const next = await driver.update('policy:T1CNTRL', state, inputs(second));
    // The policy resource failed: the old text is still in place.
    expect(tailnet.text).toBe(first);
    const seen = await refresh(driver, next);
    expect((await driver.diff(seen, inputs(second))).changed).toBe(true);
    await driver.update('policy:T1CNTRL', seen, inputs(second));
  });

  it('does not know the policy before the last any more once the last was in place', async () => {
    const { driver, tailnet, state } = await settled();
    const next = await driver.update('policy:T1CNTRL', state, inputs(second));
    tailnet.text = second;
    const seen = await refresh(driver, next);
    tailnet.text = first;
    expect(await failureText(driver.update('policy:T1CNTRL', seen, inputs(second)))).toContain('not one that');
  });

  it('takes the API’s own ETag, should it be computed in another way', async () => {
    const { driver, tailnet, state } = await settled();
    tailnet.text = edited;
    tailnet.etag = policyEtag('reviewed elsewhere');
    await driver.update('policy:T1CNTRL', state, inputs(second, { reviewedEtag: tailnet.etag }));
  });

  it('looks again when another tailnet or API is meant', async () => {
    const { driver, state } = await settled();
    expect(await driver.diff(state, { ...inputs(first), tailnet: 'T2CNTRL' })).toMatchObject({ replaces: ['tailnet'] });
    expect((await driver.diff(state, { ...inputs(first), baseUrl: 'https://x' })).details).toEqual(['update baseUrl']);
  });

  it('cannot be imported, and leaves nothing to delete', async () => {
    const { driver, tailnet, state } = await settled();
    expect(await failureText(driver.read('policy:T1CNTRL'))).toContain('imported');
    tailnet.broken = 'HTTP 500';
    await driver.remove('policy:T1CNTRL', state);
    expect(await failureText(driver.read('policy:T1CNTRL', state, inputs(first)))).toContain('HTTP 500');
  });
});

describe('isDefaultPolicy', () => {
  const ssh =
    '"ssh": [{"action": "check", "src": ["autogroup:member"], "dst": ["autogroup:self"], "users": ["autogroup:nonroot", "root"]}]';
  it.each([
    ['the emulator’s', fresh],
    ['with SSH', `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}], // all\n${ssh},}`],
    ['with grants', `{"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]}], ${ssh}}`],
    [
      'with Funnel',
      `{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}], ${ssh}, "nodeAttrs": [{"target": ["autogroup:member"], "attr": ["funnel"]}]}`,
    ],
  ])('knows the default %s', (_what, text) => {
    expect(isDefaultPolicy(text)).toBe(true);
  });

  it.each([
    [
      'a policy with a group',
      '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}], "groups": {"group:a": []}}',
    ],
    ['a narrower rule', '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:22"]}]}'],
    ['a rule for one protocol', '{"acls": [{"action": "accept", "proto": "tcp", "src": ["*"], "dst": ["*:*"]}]}'],
    ['no rules at all', '{}'],
    ['only SSH', `{${ssh}}`],
    ['SSH for root alone on tags', ssh.replace('autogroup:self', 'tag:a').replace(/^/, '{"acls": [], ').concat('}')],
    ['an empty text', ''],
    ['a key twice', '{"acls": [], "acls": []}'],
    ['HTML', '<html>'],
  ])('does not take %s for the default', (_what, text) => {
    expect(isDefaultPolicy(text)).toBe(false);
  });
});
