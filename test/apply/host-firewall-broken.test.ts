import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { mayAdminister } from '../../src/apply/host-firewall-read.ts';
import { withBrokenNft } from '../support/broken-nft.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const able = canUseNamespaces();
const needs = 'nftables in network and mount namespaces needs root, iproute2 and nftables';

const url = (path: string) => JSON.stringify(new URL(`../../src/apply/${path}.ts`, import.meta.url).pathname);
/** Applies a first ruleset (by the real nft), then a second one, and prints the second outcome and what is in place. */
const applyTwice = (options = '{}') => `
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { applyRuleset, describeApply } from ${url('host-firewall')};
import { readRuleset } from ${url('host-firewall-read')};
const text = (port) => 'table inet cordon { chain input { type filter hook input priority 300; policy drop; tcp dport '
  + port + ' accept; drop; }\\n}\\n';
const access = { kind: 'local' };
const first = await applyRuleset(access, text(1));
process.env.SECOND = '1';
writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
const second = await applyRuleset(access, text(2), ${options});
writeFileSync('/proc/sys/net/ipv4/ip_forward', '0');
const now = await readRuleset(access);
process.stdout.write(JSON.stringify({ first: first.kind, second, told: describeApply('h', second), now: now.own ?? now.kind }));
`;
// The child's own namespace has forwarding on while nft is to misbehave: a switch that needs no environment.
const misbehave = 'if $TARGET && [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ]; then';

interface Told {
  readonly first: string;
  readonly second: Record<string, unknown>;
  readonly told: string;
  readonly now: string;
}

async function play(body: string, options?: string): Promise<Told> {
  return (await withBrokenNft(`${misbehave} ${body}\nfi`, applyTwice(options))) as Told;
}

describe('applyRuleset with an nft that misbehaves', () => {
  it('keeps the old table when the check refuses', async () => {
    requireOrSkip(able, needs);
    const { first, second, told, now } = await play('if [ "$*" = "-c -f -" ]; then echo no room >&2; exit 1; fi');
    expect(first).toBe('applied');
    expect(second).toMatchObject({ kind: 'rejected', stage: 'check', stderr: 'no room\n' });
    expect(second['previous']).toContain('tcp dport 1 accept');
    expect(told).toContain('the old ruleset is still in place');
    expect(now).toContain('tcp dport 1 accept');
  });

  it('keeps the old table when loading fails after a good check', async () => {
    requireOrSkip(able, needs);
    const { second, now } = await play('if [ "$*" = "-f -" ]; then echo no memory >&2; exit 1; fi');
    expect(second).toMatchObject({ kind: 'rejected', stage: 'load', stderr: 'no memory\n' });
    expect(now).toContain('tcp dport 1 accept');
  });

  it('reports a mismatch, with the difference, when something else is in place after loading', async () => {
    requireOrSkip(able, needs);
    const { second, told } = await play(
      'if [ "$*" = "-f -" ]; then $NFT "$@"; $NFT insert rule inet cordon input tcp dport 3 accept; exit 0; fi',
    );
    expect(second['kind']).toBe('mismatch');
    expect(second['difference']).toContain('+\t\ttcp dport 3 accept');
    expect(told).toContain('something else is in place');
  });

  it('reports a mismatch when a load succeeds without doing anything', async () => {
    requireOrSkip(able, needs);
    const { second } = await play('if [ "$*" = "-f -" ]; then exit 0; fi');
    expect(second['kind']).toBe('mismatch');
  });

  it('does not claim to know what is in place when loading takes too long', async () => {
    requireOrSkip(able, needs);
    const { second, told } = await play('if [ "$*" = "-f -" ]; then sleep 5; fi', '{ timeoutMs: 1000 }');
    expect(second).toMatchObject({ kind: 'late', stage: 'load' });
    expect(told).toContain('not known');
  });

  it.each([
    [
      'half a listing',
      'if [ "$*" = "-s list ruleset" ]; then $NFT "$@" | head -c 60; exit 0; fi',
      'failed',
      'ends inside',
    ],
    ['something else', 'if [ "$*" = "-s list ruleset" ]; then echo "<html>"; exit 0; fi', 'failed', 'garbled'],
    ['an error', 'if [ "$*" = "-s list ruleset" ]; then echo broken >&2; exit 1; fi', 'failed', 'broken'],
  ])('changes nothing when reading gives %s', async (_what, body, kind, why) => {
    requireOrSkip(able, needs);
    const { second, told, now } = await play(body);
    expect(second).toMatchObject({ kind, stage: 'read' });
    expect(told).toContain(why);
    expect(told).toContain('nothing was changed');
    expect(now).toContain('tcp dport 1 accept');
  });

  it('says that a plain user is denied', async () => {
    requireOrSkip(able, needs);
    const moduleText = `
      import { applyRuleset } from ${url('host-firewall')};
      process.setgroups([]); process.setgid(65534); process.setuid(65534);
      const outcome = await applyRuleset({ kind: 'local' }, 'table inet cordon { }');
      process.stdout.write(JSON.stringify(outcome));`;
    const outcome = await withBrokenNft('', moduleText);
    expect(outcome).toMatchObject({ kind: 'denied', stage: 'read' });
  });
});

describe('mayAdminister', () => {
  const ask = `
    import { mayAdminister } from ${url('host-firewall-read')};
    process.stdout.write(String(await mayAdminister({ kind: 'local' }, 5000)));`;
  const asRootWith = (capabilities: string) => {
    const argv = [`--bounding-set=${capabilities}`, process.execPath, '--input-type=module', '-e', ask];
    return execFileSync('setpriv', argv, { encoding: 'utf8', stdio: 'pipe' });
  };

  it('looks at the right to administer networks, not at the user', () => {
    requireOrSkip(able, needs);
    expect(asRootWith('-net_admin')).toBe('false');
    expect(asRootWith('-all,+net_admin,+dac_override')).toBe('true');
  });

  it('is not known where nothing can be run', async () => {
    expect(await mayAdminister({ kind: 'render-only' }, 5000)).toBeUndefined();
  });
});
