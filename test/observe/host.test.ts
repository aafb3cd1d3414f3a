import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { observeHosts } from '../../src/observe/host.ts';
import { HOST_SOURCES } from '../../src/observe/host-sources.ts';
import { withBrokenNft } from '../support/broken-nft.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { canUseNamespaces, makeNamespace } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const able = canUseNamespaces();
const needs = 'nftables in network namespaces needs root, iproute2 and nftables';
const NAMES = HOST_SOURCES.map((source) => source.name);
const moduleUrl = JSON.stringify(new URL('../../src/observe/host.ts', import.meta.url).pathname);

describe('observeHosts', () => {
  let namespace: TestNamespace | undefined;
  beforeEach(() => {
    if (able) namespace = makeNamespace('observe');
  });
  afterEach(() => namespace?.remove());

  it('reads every source of a host in a namespace', async () => {
    requireOrSkip(able && namespace !== undefined, needs);
    namespace.exec(['ip', 'link', 'set', 'lo', 'up']);
    namespace.exec(['ip', 'route', 'add', 'blackhole', '192.0.2.0/24']);
    namespace.exec(['nft', '-f', '-'], 'table inet x { chain c { type filter hook input priority 0; drop; }\n}\n');
    const access = { kind: 'netns', name: namespace.name } as const;
    const now = () => '2026-01-02T03:04:05Z';
    const sources = await observeHosts([{ name: 'gw-1', access }], { now });
    expect(Object.keys(sources).sort()).toEqual(NAMES.map((n) => `host/gw-1/${n}`).sort());
    for (const entry of Object.values(sources)) expect(entry).toMatchObject({ status: 'ok', at: now() });
    expect(sources['host/gw-1/nft.txt']?.body).toContain('hook input priority filter; policy accept;\n\t\tdrop\n');
    expect(JSON.stringify(sources['host/gw-1/nft.json']?.body)).toContain('"hook":"input"');
    expect(sources['host/gw-1/links']?.body).toMatchObject([{ ifname: 'lo' }]);
    expect(sources['host/gw-1/routes']?.body).toMatchObject({ '4': expect.any(Array), '6': expect.any(Array) });
    expect(JSON.stringify(sources['host/gw-1/routes']?.body)).toContain('192.0.2.0/24');
    expect(sources['host/gw-1/listeners']?.body).toMatchObject({ sockets: '', everybody: true });
    expect(sources['host/gw-1/iptables']?.body).toMatchObject({ legacy: { '4': { names: [] }, '6': { names: [] } } });
    expect(sources['host/gw-1/tailscale.prefs']?.body).toEqual({ running: false });
    expect(sources['host/gw-1/units']?.body).toMatchObject({ show: expect.any(String), digests: expect.any(String) });
  });

  it('takes a host without rules as an answer, not as a failure', async () => {
    requireOrSkip(able && namespace !== undefined, needs);
    const access = { kind: 'netns', name: namespace.name } as const;
    const sources = await observeHosts([{ name: 'a', access }]);
    expect(sources['host/a/nft.txt']).toMatchObject({ status: 'ok', body: '' });
  });

  it('is late when the host takes too long', async () => {
    requireOrSkip(able && namespace !== undefined, needs);
    const access = { kind: 'netns', name: namespace.name } as const;
    const sources = await observeHosts([{ name: 'a', access }], { timeoutMs: 1 });
    for (const name of NAMES) {
      expect(sources[`host/a/${name}`]).toMatchObject({
        status: 'late',
        why: expect.stringContaining('within 0.001 s'),
      });
      expect(sources[`host/a/${name}`]).not.toHaveProperty('body');
    }
  });

  it.each([
    [{ kind: 'render-only' } as const, 'absent', 'render-only'],
    [{ kind: 'netns', name: 'cordon-test-nowhere' } as const, 'failed', 'no network namespace cordon-test-nowhere'],
  ])('has an entry with a reason for every source of %j', async (access, status, why) => {
    const sources = await observeHosts([{ name: 'h', access }]);
    expect(Object.keys(sources)).toHaveLength(HOST_SOURCES.length);
    for (const entry of Object.values(sources)) {
      expect(entry).toMatchObject({ status, why: expect.stringContaining(why) });
      expect(entry).not.toHaveProperty('body');
    }
  });

  it('does not let one host hide another, however many at once', async () => {
    requireOrSkip(able && namespace !== undefined, needs);
    const access = { kind: 'netns', name: namespace.name } as const;
    const hosts = [
      { name: 'gone', access: { kind: 'netns', name: 'cordon-test-nowhere' } as const },
      { name: 'here', access },
      { name: 'paper', access: { kind: 'render-only' } as const },
    ];
    const sources = await observeHosts(hosts, { concurrency: 1 });
    expect(sources['host/here/nft.txt']).toMatchObject({ status: 'ok' });
    expect(Object.keys(sources)).toHaveLength(3 * HOST_SOURCES.length);
  });
});

const observeLocal = (before = '', options = '{}') => `
import { observeHosts } from ${moduleUrl};
${before}
const sources = await observeHosts([{ name: 'h', access: { kind: 'local' } }], ${options});
process.stdout.write(JSON.stringify(sources));`;

describe('observeHosts with an nft that misbehaves', () => {
  it.each([
    ['half a ruleset', 'if [ "$*" = "-s list ruleset" ]; then $NFT "$@" | head -c 30; exit 0; fi', 'nft.txt', 'failed'],
    ['something else', 'if [ "$*" = "-s list ruleset" ]; then echo "<html>"; exit 0; fi', 'nft.txt', 'failed'],
    ['an error', 'if [ "$*" = "-s list ruleset" ]; then echo out of memory >&2; exit 1; fi', 'nft.txt', 'failed'],
    ['half a JSON', 'if [ "$*" = "-j list ruleset" ]; then echo "{"; exit 0; fi', 'nft.json', 'failed'],
    ['an empty JSON', 'if [ "$*" = "-j list ruleset" ]; then exit 0; fi', 'nft.json', 'failed'],
    [
      'more than is taken',
      'if [ "$*" = "-j list ruleset" ]; then head -c 9000000 /dev/zero; exit 0; fi',
      'nft.json',
      'partial',
    ],
    ['JSON of another kind', 'if [ "$*" = "-j list ruleset" ]; then echo "[]"; exit 0; fi', 'nft.json', 'failed'],
  ])('does not take %s for a ruleset', async (_what, body, name, status) => {
    requireOrSkip(able, needs);
    const load = `import { execFileSync } from 'node:child_process';
      execFileSync('nft', ['-f', '-'], { input: 'table inet x { chain c { drop; }\\n}\\n' });`;
    const sources = await withBrokenNft(body, observeLocal(load, '{ timeoutMs: 1500 }'));
    expect(sources).toHaveProperty([`host/h/${name}`, 'status'], status);
    expect(sources).toHaveProperty([`host/h/${name}`, 'why']);
    expect(sources).not.toHaveProperty([`host/h/${name}`, 'body']);
    expect(sources).toHaveProperty(['host/h/links', 'status'], 'ok');
  });

  it('is late from the command on that does not end, and keeps what was answered before', async () => {
    requireOrSkip(able, needs);
    const body = 'if [ "$*" = "-j list ruleset" ]; then sleep 9; fi';
    const sources = await withBrokenNft(body, observeLocal('', '{ timeoutMs: 1500 }'));
    for (const name of ['nft.json', 'links', 'processes']) {
      expect(sources).toHaveProperty([`host/h/${name}`, 'status'], 'late');
    }
    // Listed once and not a second time: it may have changed.
    expect(sources).toHaveProperty(['host/h/nft.txt', 'status'], 'partial');
  });

  it('marks as partial what changed while it was read', async () => {
    requireOrSkip(able, needs);
    const body = 'if [ "$*" = "-s list ruleset" ]; then $NFT "$@"; $NFT add table inet t$$; exit 0; fi';
    const sources = await withBrokenNft(body, observeLocal());
    for (const name of ['nft.txt', 'nft.json']) {
      expect(sources).toHaveProperty([`host/h/${name}`, 'status'], 'partial');
      expect(sources).toHaveProperty([`host/h/${name}`, 'why'], expect.stringContaining('changed while'));
    }
    expect(sources).toHaveProperty(['host/h/listeners', 'status'], 'ok');
  });

  it('says that a plain user is denied the ruleset, and still reads the rest', async () => {
    requireOrSkip(able, needs);
    const become = 'process.setgroups([]); process.setgid(65534); process.setuid(65534);';
    const sources = await withBrokenNft('', observeLocal(become));
    for (const name of ['nft.txt', 'nft.json', 'iptables', 'processes']) {
      expect(sources).toHaveProperty([`host/h/${name}`, 'status'], 'denied');
      expect(sources).toHaveProperty([`host/h/${name}`, 'why'], expect.stringContaining('needs root'));
    }
    expect(sources).toHaveProperty(['host/h/listeners', 'body', 'elsewhere'], null);
    expect(sources).toHaveProperty(['host/h/listeners', 'body', 'everybody'], false);
    for (const name of ['listeners', 'links', 'routes']) {
      expect(sources).toHaveProperty([`host/h/${name}`, 'status'], 'ok');
    }
  });
});
