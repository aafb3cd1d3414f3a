import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyRuleset, closeHost, describeApply } from '../../src/apply/host-firewall.ts';
import { normalForm } from '../../src/apply/host-firewall-normal.ts';
import { readRuleset } from '../../src/apply/host-firewall-read.ts';
import { replacement } from '../../src/apply/host-firewall-tables.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { canUseNamespaces, makeNamespace } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const able = canUseNamespaces();
const needs = 'nftables in network namespaces needs root, iproute2 and nftables';

/** As a person writes it: other layout, comments, order and spelling than nft prints. */
const written = `
table inet cordon { # the model
  comment "cordon role=model"
  set orch4 { type ipv4_addr; flags interval; elements = { 100.64.0.21, 100.64.0.20/32 }; }
  chain input { type filter hook input priority 300; policy drop; iif "lo" accept
    iifname "tailscale0" ip saddr @orch4 tcp dport 11434 ct direction original ct state new,established counter accept comment "flow:a"
    drop; }
  chain output { type filter hook output priority 300; policy drop; drop; }
}
`;
const foreign =
  'table ip other {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t}\n}\n';

describe('applyRuleset in a network namespace', () => {
  let namespace: TestNamespace | undefined;
  beforeEach(() => {
    if (able) namespace = makeNamespace('apply');
  });
  afterEach(() => namespace?.remove());

  function host(): { space: TestNamespace; access: { kind: 'netns'; name: string } } {
    if (namespace === undefined) throw new Error('no namespace');
    return { space: namespace, access: { kind: 'netns', name: namespace.name } };
  }

  it('applies, reads back, and does nothing the second time', async () => {
    requireOrSkip(able, needs);
    const { space, access } = host();
    space.exec(['nft', '-f', '-'], foreign);
    const first = await applyRuleset(access, written);
    expect(first).toMatchObject({ kind: 'applied', previous: '' });
    const listing = space.exec(['nft', '-s', 'list', 'ruleset']);
    expect(listing).toContain('comment "flow:a"');
    expect(listing).toContain('table ip other {');
    expect(await readRuleset(access)).toMatchObject({ kind: 'read', own: first.kind === 'applied' ? first.own : '' });
    const handles = space.exec(['nft', '-a', 'list', 'ruleset']);
    expect(await applyRuleset(access, written)).toMatchObject({ kind: 'unchanged' });
    expect(space.exec(['nft', '-a', 'list', 'ruleset'])).toBe(handles);
  });

  it.each([
    ['a flushed table', ['nft', 'flush', 'table', 'inet', 'cordon']],
    ['a deleted table', ['nft', 'delete', 'table', 'inet', 'cordon']],
    ['an added element', ['nft', 'add', 'element', 'inet', 'cordon', 'orch4', '{ 100.64.0.99 }']],
    ['an inserted rule', ['nft', 'insert', 'rule', 'inet', 'cordon', 'input', 'accept']],
    ['a changed policy', ['nft', 'chain', 'inet', 'cordon', 'output', '{ policy accept; }']],
    ['a sleeping table', ['nft', 'add', 'table', 'inet', 'cordon', '{ flags dormant; }']],
    ['a second table of ours', ['nft', 'add', 'table', 'netdev', 'cordon']],
    ['an added chain', ['nft', 'add', 'chain', 'inet', 'cordon', 'extra']],
  ])('sees and repairs %s', async (_what, argv) => {
    requireOrSkip(able, needs);
    const { space, access } = host();
    await applyRuleset(access, written);
    space.exec(argv);
    expect(await applyRuleset(access, written)).toMatchObject({ kind: 'applied' });
    expect(await applyRuleset(access, written)).toMatchObject({ kind: 'unchanged' });
  });

  it('gives back what takes the host to where it was', async () => {
    requireOrSkip(able, needs);
    const { space, access } = host();
    const first = await applyRuleset(access, written);
    const second = await applyRuleset(access, written.replace('11434', '11435'));
    if (first.kind !== 'applied' || second.kind !== 'applied') throw new Error('not applied');
    expect(second.previous).toBe(first.own);
    space.exec(['nft', '-f', '-'], replacement(second.previous));
    expect(await readRuleset(access)).toMatchObject({ own: first.own });
  });

  it('leaves the old table when nft does not accept the text, and says so', async () => {
    requireOrSkip(able, needs);
    const { access } = host();
    const first = await applyRuleset(access, written);
    const outcome = await applyRuleset(access, written.replace('tcp dport 11434', 'tcp dprt 11434'));
    expect(outcome).toMatchObject({
      kind: 'rejected',
      stage: 'parse',
      previous: first.kind === 'applied' && first.own,
    });
    expect(outcome.kind === 'rejected' && outcome.stderr).toContain('syntax error');
    expect(describeApply('model-1', outcome)).toContain('the old ruleset is still in place');
    expect(await readRuleset(access)).toMatchObject({ own: first.kind === 'applied' && first.own });
  });

  it('says that a host without a ruleset stays open when nothing could be loaded', async () => {
    requireOrSkip(able, needs);
    const { access } = host();
    const outcome = await applyRuleset(access, 'table inet cordon { chain input { nonsense } }');
    expect(outcome).toMatchObject({ kind: 'rejected', previous: '' });
    expect(describeApply('model-1', outcome)).toContain('as open as before');
  });

  it('normalises a netdev chain although its device is not there, in an empty namespace that has one', async () => {
    requireOrSkip(able, needs);
    const { space, access } = host();
    space.exec(['ip', 'link', 'add', 'cell0', 'type', 'bridge']);
    const text = `${written}table netdev cordon { chain egress { type filter hook egress device "cell0" priority 0; policy drop; drop; }\n}\n`;
    expect(await applyRuleset(access, text)).toMatchObject({ kind: 'applied' });
    expect(space.exec(['nft', 'list', 'tables'])).toBe('table inet cordon\ntable netdev cordon\n');
    expect(await applyRuleset(access, written)).toMatchObject({ kind: 'applied' });
    expect(space.exec(['nft', 'list', 'tables'])).toBe('table inet cordon\n');
  });

  it.each([
    ['a table of somebody else', `${written}table inet other { }\n`, "tables that are not cordon's own: inet other"],
    [
      'an interface name that is an option',
      'table netdev cordon { chain e { type filter hook egress device "-x" priority 0; }; }',
      'interface name',
    ],
  ])('refuses %s', async (_what, text, why) => {
    requireOrSkip(able, needs);
    const { access } = host();
    const outcome = await applyRuleset(access, text);
    expect(outcome.kind === 'rejected' && outcome.stderr).toContain(why);
    expect(await readRuleset(access)).toMatchObject({ own: '' });
  });

  it('never lets a statement of the text reach tables of somebody else', async () => {
    requireOrSkip(able, needs);
    const { space, access } = host();
    space.exec(['nft', '-f', '-'], foreign);
    expect(await applyRuleset(access, `flush ruleset\n${written}`)).toMatchObject({ kind: 'applied' });
    expect(space.exec(['nft', 'list', 'tables'])).toBe('table ip other\ntable inet cordon\n');
  });

  it('closes a host at every hook', async () => {
    requireOrSkip(able, needs);
    const { space, access } = host();
    space.exec(['ip', 'link', 'set', 'lo', 'up']);
    space.exec(['sh', '-c', 'ss -H -ltn >/dev/null']);
    expect(await closeHost(access)).toMatchObject({ kind: 'applied' });
    const listing = space.exec(['nft', '-s', 'list', 'ruleset']);
    expect(listing.match(/policy drop;/g)).toHaveLength(4);
    expect(listing).not.toContain('accept');
  });

  it('removes our tables only when given none', async () => {
    requireOrSkip(able, needs);
    const { space, access } = host();
    await applyRuleset(access, written);
    expect(await applyRuleset(access, '')).toMatchObject({ kind: 'applied', own: '' });
    expect(space.exec(['nft', 'list', 'tables'])).toBe('');
  });

  it('accepts its own listing as text: the normal form is a fixed point', async () => {
    requireOrSkip(able, needs);
    const { access } = host();
    const once = await normalForm(access, written);
    if (once.kind !== 'normal') throw new Error(once.kind);
    expect(await normalForm(access, once.own)).toEqual(once);
  });

  it('is late, not wrong, when the host takes too long, and says what is known', async () => {
    requireOrSkip(able, needs);
    const { access } = host();
    const outcome = await applyRuleset(access, written, { timeoutMs: 1 });
    expect(outcome).toMatchObject({ kind: 'late', stage: 'parse' });
    expect(describeApply('model-1', outcome)).toContain('nothing was changed');
    expect(await readRuleset(access)).toMatchObject({ own: '' });
  });
});

describe('applyRuleset where the host is not reached', () => {
  it.each([
    [{ kind: 'netns', name: 'cordon-test-nowhere' } as const, 'no-namespace'],
    [{ kind: 'render-only' } as const, 'render-only'],
  ])('changes nothing on %j', async (access, reason) => {
    expect(await applyRuleset(access, written)).toMatchObject({ kind: 'unreachable', reason, stage: 'parse' });
    expect(await readRuleset(access)).toMatchObject({ kind: 'unreachable', reason });
  });
});
