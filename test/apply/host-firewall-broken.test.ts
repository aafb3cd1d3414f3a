import { execFileSync } from 'node:child_process';
import { globSync, rmSync } from 'node:fs';
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
import { rmSync, statSync, writeFileSync } from 'node:fs';
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
// A timer that could not restore anything would try again for minutes.
rmSync('/run/cordon/firewall-' + statSync('/proc/self/ns/net').ino, { recursive: true, force: true });
process.stdout.write(JSON.stringify({ first: first.kind, second, told: describeApply('h', second), now: now.own ?? now.kind }));
`;
/** Runs `body` in place of checking, or loading, the new tables in the host's own namespace. */
const atCheck = (body: string) => `case "$*" in "-c -f "*/load) ${body} ;; esac`;
const atLoad = (body: string) => `case "$*" in "-f "*/load) ${body} ;; esac`;
/** What nft lists cannot always be loaded again. */
const noWayBack = 'case "$*" in "-c -f "*/rollback) echo no such cgroup >&2; exit 1 ;; esac';
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
    const { first, second, told, now } = await play(atCheck('echo no room >&2; exit 1'));
    expect(first).toBe('applied');
    expect(second).toMatchObject({ kind: 'rejected', stage: 'check', stderr: 'no room\n' });
    expect(second['previous']).toContain('tcp dport 1 accept');
    expect(told).toContain('the old ruleset is still in place');
    expect(now).toContain('tcp dport 1 accept');
  });

  it('keeps the old table when loading fails after a good check', async () => {
    requireOrSkip(able, needs);
    const { second, now } = await play(atLoad('echo no memory >&2; exit 1'));
    expect(second).toMatchObject({ kind: 'rejected', stage: 'load', stderr: 'no memory\n' });
    expect(now).toContain('tcp dport 1 accept');
  });

  it('loads nothing where there would be no way back', async () => {
    requireOrSkip(able, needs);
    const noOther = 'case "$*" in "-c -f "*/confirmed/load) exit 1 ;; esac';
    const { second, told, now } = await play(`${noWayBack}; ${noOther}`);
    expect(second).toMatchObject({ kind: 'rejected', stage: 'rollback', stderr: 'no such cgroup\n' });
    expect(told).toContain('there would be no way back: no such cgroup\nthe old ruleset is still in place');
    expect(now).toContain('tcp dport 1 accept');
  });

  it.each([
    ['takes back what could not be compared in time', '', 'unconfirmed', 1],
    ['confirms late what the host could not take back', 'case "$*" in "-f "*/rollback) exit 1 ;; esac', 'applied', 2],
  ])('%s', async (_what, more, kind, port) => {
    requireOrSkip(able, needs);
    // For some seconds after loading, what is in place cannot be listed.
    const since = '/run/cordon/test-$(stat -L -c %i /proc/self/ns/net)';
    const blind = `if [ "$*" = "list tables" ] && [ -e ${since} ] && [ $(($(date +%s) - $(cat ${since}))) -lt 4 ]; then exit 1; fi`;
    const loads = atLoad(`$NFT "$@"; date +%s >${since}; exit 0`);
    const { second, told, now } = await play(`${blind}; ${loads}; ${more || ':'}`, '{ confirmWithinS: 2 }');
    for (const file of globSync('/run/cordon/test-*')) rmSync(file);
    expect(second['kind']).toBe(kind);
    expect(told.includes('the host took it back: the old ruleset is in place')).toBe(kind === 'unconfirmed');
    expect(now).toContain(`tcp dport ${port} accept`);
  });

  it('goes back to the ruleset confirmed last where what is in place cannot be loaded again', async () => {
    requireOrSkip(able, needs);
    const { second, told, now } = await play(noWayBack);
    expect(second['kind']).toBe('applied');
    expect(told).toContain('the way back was the ruleset that was confirmed last');
    expect(now).toContain('tcp dport 2 accept');
    const taken = await play(`${noWayBack}; ${atLoad('$NFT "$@"; $NFT insert rule inet cordon input accept; exit 0')}`);
    expect(taken.second).toMatchObject({ kind: 'mismatch', undone: true });
    expect(taken.now).toContain('tcp dport 1 accept');
  });

  it('does not believe an error from a load that was made', async () => {
    requireOrSkip(able, needs);
    const { second, now } = await play(atLoad('$NFT "$@"; echo no buffer space >&2; exit 1'));
    expect(second['kind']).toBe('applied');
    expect(now).toContain('tcp dport 2 accept');
  });

  it('restores the old table, and shows the difference, when something else is in place after loading', async () => {
    requireOrSkip(able, needs);
    const body = '$NFT "$@"; $NFT insert rule inet cordon input tcp dport 3 accept; exit 0';
    const { second, told, now } = await play(atLoad(body));
    expect(second).toMatchObject({ kind: 'mismatch', undone: true });
    expect(second['difference']).toContain('+\t\ttcp dport 3 accept');
    expect(told).toContain('something else is in place');
    expect(told).toContain('the old ruleset was put back');
    expect(now).toContain('tcp dport 1 accept');
    expect(now).not.toContain('tcp dport 3 accept');
  });

  it('says so when the old table cannot be restored either', async () => {
    requireOrSkip(able, needs);
    const insert = '$NFT "$@"; $NFT insert rule inet cordon input tcp dport 3 accept; exit 0';
    const { second, told, now } = await play(`${atLoad(insert)}; case "$*" in "-f "*/rollback) exit 1 ;; esac`);
    expect(second).toMatchObject({ kind: 'mismatch', undone: false });
    expect(told).toContain('neither the old one nor the new');
    expect(now).toContain('tcp dport 3 accept');
  });

  it('reports a mismatch when a load succeeds without doing anything', async () => {
    requireOrSkip(able, needs);
    const { second } = await play(atLoad('exit 0'));
    expect(second['kind']).toBe('mismatch');
  });

  it.each([
    ['before', 'sleep 5', 'late', 1],
    ['after', '$NFT "$@"; sleep 5', 'applied', 2],
  ])('knows what is in place when loading takes too long %s its effect', async (_when, body, kind, port) => {
    requireOrSkip(able, needs);
    const { second, told, now } = await play(atLoad(body), '{ timeoutMs: 1500 }');
    expect(second['kind']).toBe(kind);
    expect(told.includes('nothing was changed')).toBe(kind === 'late');
    expect(now).toContain(`tcp dport ${port} accept`);
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
