import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PropertyObject } from '../../../infra/grpc/property-value.ts';
import { Secret, Unknown } from '../../../infra/grpc/property-value.ts';
import { withBrokenNft } from '../../support/broken-nft.ts';
import type { TestNamespace } from '../../support/namespace.ts';
import { canUseNamespaces, makeNamespace } from '../../support/namespace.ts';
import { requireOrSkip } from '../../support/require.ts';
import type { Driver } from './drive.ts';
import { drive, failureText } from './drive.ts';

const able = canUseNamespaces();
const needs = 'nftables in network namespaces needs root, iproute2 and nftables';

/** In the shape of a listing, but not in nft's own spelling: `priority 0` instead of `priority filter`. */
const ruleset = (port: number) => `table inet cordon {
	comment "cordon role=model"

	set orch4 {
		type ipv4_addr
		elements = { 100.64.0.21, 100.64.0.20 }
	}

	chain input {
		type filter hook input priority 0; policy drop;
		ip saddr @orch4 tcp dport ${port} accept comment "flow:a"
		drop
	}
}
`;
const input = 'rules["inet cordon"]["chain input"]';

let driver: Driver;
beforeAll(async () => {
  driver = await drive('cordon:index:HostFirewall');
});
afterAll(() => driver.stop());

describe('check', () => {
  const good = { host: 'm', access: { kind: 'netns', name: 'm' }, ruleset: ruleset(1) };

  it('passes good inputs and takes the ruleset apart', async () => {
    const { inputs, failures } = await driver.check(good);
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject(good);
    expect(inputs['rules']).toMatchObject({
      'inet cordon': { 'chain input': [{}, {}, 'drop'].map(() => expect.any(String)) },
    });
  });

  it('replaces rules that were given: they are made from the text, always', async () => {
    const { inputs } = await driver.check({ ...good, rules: { 'inet cordon': { 'chain input': ['accept'] } } });
    expect(JSON.stringify(inputs['rules'])).not.toContain('"accept"');
  });

  it('reports everything that is wrong at once', async () => {
    const { failures } = await driver.check({
      access: { kind: 'netns' },
      ruleset: `flush ruleset\n${ruleset(1)}table ip nat {\n}\n`,
      onDelete: 'open',
      rule: [],
    });
    expect(failures.map((f) => f.property).sort()).toEqual(
      ['access.name', 'host', 'onDelete', 'rule', 'ruleset', 'ruleset'].sort(),
    );
    expect(failures.map((f) => f.reason).join('\n')).toContain('ruleset:1:1:');
    expect(failures.map((f) => f.reason).join('\n')).toContain('table ip nat is not one of');
  });

  it.each([
    ['render-only access', { kind: 'render-only' }, 'access.kind', "must be 'local', 'netns' or 'ssh'"],
    [
      'an ssh target that is an option',
      { kind: 'ssh', target: '-oProxyCommand=x' },
      'access.target',
      'ssh destination',
    ],
    ['ssh without a target', { kind: 'ssh' }, 'access.target', ''],
  ])('refuses %s before anything is touched', async (_what, access, property, reason) => {
    const { failures } = await driver.check({ ...good, access });
    expect(failures).toEqual([{ property, reason: expect.stringContaining(reason) }]);
  });

  it('takes ssh targets as the topology does, and whole seconds to confirm within', async () => {
    const access = { kind: 'ssh', target: 'root@m' };
    expect((await driver.check({ ...good, access, confirmWithin: 5 })).failures).toEqual([]);
    for (const confirmWithin of [4, 3601, 7.5, '60']) {
      const { failures } = await driver.check({ ...good, confirmWithin });
      expect(failures.map((f) => f.property)).toEqual(['confirmWithin']);
    }
  });

  it('refuses an empty ruleset, which would open the host', async () => {
    const { failures } = await driver.check({ ...good, ruleset: '\n' });
    expect(failures.map((f) => f.reason)).toEqual([expect.stringContaining('leave the host open')]);
  });

  it('lets pass what is not known yet, and takes secret wrappers off', async () => {
    const { inputs, failures } = await driver.check({ ...good, host: new Secret('m'), ruleset: new Unknown() });
    expect(failures).toEqual([]);
    expect(inputs).toEqual({ ...good, host: 'm', ruleset: new Unknown() });
    const access = { kind: 'netns', name: new Unknown() };
    expect((await driver.check({ ...good, access })).failures).toEqual([]);
  });
});

describe('diff', () => {
  const state = async (changes: PropertyObject = {}) => {
    const news = { host: 'm', access: { kind: 'netns', name: 'm' }, ruleset: ruleset(1), ...changes };
    return (await driver.check(news)).inputs;
  };

  it('finds nothing where only the layout differs', async () => {
    const other = ruleset(1)
      .replace('100.64.0.21, 100.64.0.20', '100.64.0.20,\n\t\t\t     100.64.0.21')
      .replaceAll('\t', '  ');
    const difference = await driver.diff(await state(), await state({ ruleset: other }));
    expect(difference).toEqual({ changed: false, details: [], replaces: [] });
  });

  it('shows the rule that changes, and where rules come and go', async () => {
    expect(await driver.diff(await state(), await state({ ruleset: ruleset(2) }))).toEqual({
      changed: true,
      details: [`update ${input}[1]`],
      replaces: [],
    });
    const more = ruleset(1).replace('\t\tdrop\n', '\t\ticmp type echo-request accept\n\t\tdrop\n');
    expect((await driver.diff(await state(), await state({ ruleset: more }))).details).toEqual([`add ${input}[2]`]);
    expect((await driver.diff(await state({ ruleset: more }), await state())).details).toEqual([`delete ${input}[2]`]);
  });

  it('replaces when the place changes, without deleting first, and never for a new name', async () => {
    const moved = await driver.diff(await state(), await state({ access: { kind: 'local' } }));
    expect(moved).toMatchObject({ changed: true, details: ['update-replace access'], replaces: ['access'] });
    const renamed = await driver.diff(await state(), await state({ host: 'model-1' }));
    expect(renamed).toEqual({ changed: true, details: ['update host'], replaces: [] });
  });

  it('notices what deleting will do', async () => {
    expect((await driver.diff(await state(), await state({ onDelete: 'remove' }))).details).toEqual(['add onDelete']);
    expect((await driver.diff(await state({ onDelete: 'keep' }), await state())).details).toEqual(['delete onDelete']);
    expect((await driver.diff(await state(), await state({ confirmWithin: 9 }))).details).toEqual([
      'add confirmWithin',
    ]);
  });

  it('takes an unknown ruleset for a change', async () => {
    expect(await driver.diff(await state(), await state({ ruleset: new Unknown() }))).toMatchObject({
      changed: true,
      details: ['update ruleset'],
    });
  });

  it('compares texts where a state has no rules', async () => {
    const { rules: _, ...bare } = await state();
    expect((await driver.diff(bare, await state())).changed).toBe(false);
    expect((await driver.diff(bare, await state({ ruleset: ruleset(2) }))).details).toEqual(['update ruleset']);
  });
});

describe('the life of a firewall in a network namespace', () => {
  let space: TestNamespace | undefined;
  beforeEach(() => {
    if (able) space = makeNamespace('plugin');
  });
  afterEach(() => space?.remove());

  async function declared(text: string, more: PropertyObject = {}): Promise<PropertyObject> {
    if (space === undefined) throw new Error('no namespace');
    const news = { host: 'm', access: { kind: 'netns', name: space.name }, ruleset: text, ...more };
    return (await driver.check(news)).inputs;
  }
  const list = () => space?.exec(['nft', '-s', 'list', 'ruleset']) ?? '';

  it('touches nothing in a preview', async () => {
    requireOrSkip(able, needs);
    const inputs = await declared(ruleset(1));
    expect(await driver.create(inputs, true)).toMatchObject({ properties: inputs });
    expect(list()).toBe('');
    const { id } = await driver.create(inputs);
    const before = list();
    expect(await driver.update(id, inputs, await declared(ruleset(2)), true)).toMatchObject({ ruleset: ruleset(2) });
    expect(list()).toBe(before);
  });

  it('creates, reads without drift, updates and leaves the host closed', async () => {
    requireOrSkip(able && space !== undefined, needs);
    const inputs = await declared(ruleset(1));
    const { id, properties } = await driver.create(inputs);
    expect(id).toBe(`netns:${space.name}`);
    expect(properties).toEqual(inputs);
    expect(list()).toContain('tcp dport 1 accept');

    const read = await driver.read(id, properties);
    expect(read).toEqual({ id, properties, inputs, refreshBeforeUpdate: true });
    expect((await driver.diff(read.properties, inputs)).changed).toBe(false);

    const next = await declared(ruleset(2));
    expect((await driver.diff(properties, next)).details).toEqual([`update ${input}[1]`]);
    const updated = await driver.update(id, properties, next);
    expect(list()).toContain('tcp dport 2 accept');
    expect(list()).not.toContain('tcp dport 1 accept');

    await driver.remove(id, updated);
    expect(list()).not.toContain('accept');
    expect(list().match(/policy drop;/g)).toHaveLength(4);
  });

  it.each([
    ['an inserted rule', ['nft', 'insert', 'rule', 'inet', 'cordon', 'input', 'accept'], [`delete ${input}[1]`]],
    ['a flushed chain', ['nft', 'flush', 'chain', 'inet', 'cordon', 'input'], [`add ${input}[1]`, `add ${input}[2]`]],
    [
      'an added element',
      ['nft', 'add', 'element', 'inet', 'cordon', 'orch4', '{ 100.64.0.9 }'],
      ['delete rules["inet cordon"]["set orch4"][3]'],
    ],
    ['a deleted table', ['nft', 'delete', 'table', 'inet', 'cordon'], ['add rules["inet cordon"]']],
    [
      'a sleeping table',
      ['nft', 'add', 'table', 'inet', 'cordon', '{ flags dormant; }'],
      ['delete rules["inet cordon"]["table"][0]'],
    ],
  ])('reads %s as drift at its place, and repairs it', async (_what, argv, details) => {
    requireOrSkip(able && space !== undefined, needs);
    const inputs = await declared(ruleset(1));
    const { id, properties } = await driver.create(inputs);
    space.exec(argv);
    const read = await driver.read(id, properties);
    expect(read.id).toBe(id);
    const difference = await driver.diff(read.properties, inputs);
    expect(difference.changed).toBe(true);
    // nft's own spelling of the priority differs from ours; what counts is that the drift is among the places.
    expect(difference.details).toEqual(expect.arrayContaining(details));
    await driver.update(id, read.properties, inputs);
    expect((await driver.read(id, properties)).properties).toEqual(properties);
  });

  it('is not disturbed by tables of others', async () => {
    requireOrSkip(able && space !== undefined, needs);
    const { id, properties } = await driver.create(await declared(ruleset(1)));
    space.exec(['nft', 'add', 'table', 'ip', 'other']);
    expect((await driver.read(id, properties)).properties).toEqual(properties);
  });

  it('imports what is in place by the id alone', async () => {
    requireOrSkip(able && space !== undefined, needs);
    const id = `netns:${space.name}`;
    expect(await failureText(driver.read(id))).toContain("no table of cordon's to import");
    await driver.create(await declared(ruleset(1)));
    const read = await driver.read(id);
    expect(read).toMatchObject({
      id,
      properties: { host: 'subject', access: { kind: 'netns', name: space.name }, ruleset: list() },
    });
    expect(read.inputs).toEqual(read.properties);
    expect((await driver.check(read.inputs)).failures).toEqual([]);
    for (const bad of ['ssh:', 'ssh:-x', 'netns:', 'local:x', 'root@m']) {
      expect(await failureText(driver.read(bad))).toContain('is no id of a host firewall');
    }
  });

  it('never takes a host that is not there for one without a firewall', async () => {
    requireOrSkip(able && space !== undefined, needs);
    const { id, properties } = await driver.create(await declared(ruleset(1)));
    space.remove();
    expect(await failureText(driver.read(id, properties))).toContain(`no network namespace ${space.name}`);
    expect(await failureText(driver.remove(id, properties))).toContain('no network namespace');
    expect(await failureText(driver.update(id, properties, properties))).toContain('nothing was changed');
    expect(await failureText(driver.create(properties))).toContain('cordon:hostFirewalls render');
  });

  it('keeps the old ruleset when the new one is not accepted', async () => {
    requireOrSkip(able, needs);
    const { id, properties } = await driver.create(await declared(ruleset(1)));
    const before = list();
    const bad = await declared(ruleset(1).replace('tcp dport', 'tcp dprt'));
    expect(await failureText(driver.update(id, properties, bad))).toContain('the old ruleset is still in place');
    expect(list()).toBe(before);
  });

  it('does what it is told to on delete', async () => {
    requireOrSkip(able, needs);
    const kept = await driver.create(await declared(ruleset(1), { onDelete: 'keep' }));
    const before = list();
    await driver.remove(kept.id, kept.properties);
    expect(list()).toBe(before);
    await driver.remove(kept.id, { ...kept.properties, onDelete: 'remove' });
    expect(list()).toBe('');
  });
});

describe('a firewall on a host whose nft misbehaves', () => {
  const module = (body: string) => `
    import { hostFirewall } from ${JSON.stringify(new URL('../../../infra/plugin/host-firewall.ts', import.meta.url).pathname)};
    import { writeFileSync } from 'node:fs';
    const ask = (type) => ({ urn: 'u', type: '', name: 'm', id: 'local', timeoutSeconds: 0, preview: false, ignoreChanges: [] });
    const context = { log: async () => {}, signal: new AbortController().signal };
    const { inputs } = await hostFirewall.check({ ...ask(), news: { host: 'm', access: { kind: 'local' }, ruleset: ${JSON.stringify(ruleset(1))} } }, context);
    const outcome = async (work) => { try { return await work(); } catch (e) { return { error: e.name, message: e.message, properties: e.properties, id: e.id }; } };
    const misbehave = (on) => writeFileSync('/proc/sys/net/ipv4/ip_forward', on ? '1' : '0');
    ${body}
    process.stdout.write(JSON.stringify(result));`;
  const when = 'if $TARGET && [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]; then';

  it.each([
    ['garbled', 'echo "<html>"; exit 0', 'garbled'],
    ['cut off', '$NFT "$@" | head -c 100; exit 0', 'garbled'],
    ['refused', 'echo no rights >&2; exit 1', 'no rights'],
  ])('fails to read when the listing is %s, and does not call it gone', async (_what, body, message) => {
    requireOrSkip(able, needs);
    const fake = `${when} if [ "$*" = "-s list ruleset" ]; then ${body}; fi; fi`;
    const result = await withBrokenNft(
      fake,
      module(`await hostFirewall.create({ ...ask(), properties: inputs }, context);
      misbehave(true);
      const result = await outcome(() => hostFirewall.read({ ...ask(), properties: inputs, inputs }, context));`),
    );
    expect(result).toMatchObject({ error: 'ProviderError', message: expect.stringContaining(message) });
  });

  it.each([
    // What was put in its way is gone again: the host is as it was, and there is nothing to keep in state.
    ['can', '', { error: 'ProviderError', message: expect.stringContaining('the old ruleset was put back') }],
    ['cannot', 'case "$*" in "-f "*/rollback) exit 1 ;; esac', { error: 'InitFailedError', id: 'local' }],
  ])('keeps in state what is in place only where the old ruleset %s be put back', async (_can, more, expected) => {
    requireOrSkip(able, needs);
    const insert = '$NFT "$@"; $NFT insert rule inet cordon input accept; exit 0';
    const fake = `${when} case "$*" in "-f "*/load) ${insert} ;; esac; ${more || ':'}; fi`;
    const result = await withBrokenNft(
      fake,
      module(`misbehave(true);
      const result = await outcome(() => hostFirewall.create({ ...ask(), properties: inputs }, context));`),
    );
    expect(result).toMatchObject(expected);
    const kept = JSON.stringify((result as { properties?: unknown }).properties ?? '');
    expect(kept.includes('"accept","ip saddr @orch4 tcp dport 1 accept')).toBe(more !== '');
  });
});
