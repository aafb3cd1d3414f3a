import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { sudoersLines } from '../../src/observe/sudoers.ts';
import type { SourceEntry } from '../../src/state/evidence.ts';
import { interpret } from '../../src/state/interpret.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';

const moduleUrl = JSON.stringify(new URL('../../src/observe/host.ts', import.meta.url).pathname);
const needs = 'a plain user with sudo lines needs root, nftables, network namespaces and sudo';

function hasSudo(): boolean {
  try {
    execFileSync('visudo', ['-V'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

const able = canUseNamespaces() && hasSudo();
const PLANTED = 'planted-value-4711';

/** Observes as user nobody, in namespaces in which /etc/sudoers holds these lines. */
async function observeAsNobody(folder: string, lines: readonly string[]): Promise<Record<string, SourceEntry>> {
  const sudoers = join(folder, 'sudoers');
  writeFileSync(sudoers, `Defaults !requiretty\n${lines.join('\n')}\n`, { mode: 0o440 });
  execFileSync('visudo', ['-cf', sudoers], { stdio: 'pipe' });
  const module = `
    import { observeHosts } from ${moduleUrl};
    const sources = await observeHosts([{ name: 'h', access: { kind: 'local' } }]);
    process.stdout.write(JSON.stringify(sources));`;
  const script = `
    mount --bind ${sudoers} /etc/sudoers && ip link set lo up &&
    echo 'table inet x { chain c { type filter hook input priority 0; drop; }
}' | nft -f - && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`;
  const argv = ['-nm', 'sh', '-c', script, 'sh', process.execPath, '--input-type=module', '-e', module];
  const { stdout } = await promisify(execFile)('unshare', argv, { maxBuffer: 64 * 1024 * 1024 });
  return z.record(z.string(), z.custom<SourceEntry>()).parse(JSON.parse(stdout));
}

describe('observeHosts as a plain user', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'cordon-sudo-'));
    chmodSync(folder, 0o755);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('reads everything with exactly the lines of the documentation, and no value of a secret', async () => {
    requireOrSkip(able, needs);
    const environment = {
      PLANTED_API_KEY: PLANTED,
      PLANTED_TOKEN: `first\nSECRET_${PLANTED}=x`,
      HARMLESS: 'x',
    };
    const holder = spawn('sleep', ['60'], { env: environment, stdio: 'ignore' });
    try {
      const sources = await observeAsNobody(folder, sudoersLines('nobody'));
      for (const [name, entry] of Object.entries(sources)) expect(entry, name).toMatchObject({ status: 'ok' });
      expect(sources['host/h/nft.txt']?.body).toContain('hook input');
      expect(JSON.stringify(sources)).not.toContain(PLANTED);
      const processes = interpret({ sources }).hosts.get('h')?.processes;
      expect(processes).toMatchObject({ known: true });
      const found = processes?.known === true ? processes.value.find((p) => p.pid === holder.pid) : undefined;
      expect(found).toMatchObject({ name: 'sleep', uid: 0, secretNames: ['PLANTED_API_KEY', 'PLANTED_TOKEN'] });
    } finally {
      holder.kill();
    }
  });

  it('says denied, and nothing else, for each line that is missing', async () => {
    requireOrSkip(able, needs);
    const lines = sudoersLines('nobody').filter((line) => !/nft -s list|environ/.test(line));
    const sources = await observeAsNobody(folder, lines);
    for (const name of ['nft.txt', 'processes']) {
      expect(sources[`host/h/${name}`]).toMatchObject({
        status: 'denied',
        why: expect.stringContaining('sudoers for:'),
      });
      expect(sources[`host/h/${name}`]).not.toHaveProperty('body');
    }
    expect(sources['host/h/nft.json']).toMatchObject({ status: 'ok' });
    expect(interpret({ sources }).hosts.get('h')?.processes).toMatchObject({
      known: false,
      missing: [{ source: 'host/h/processes', why: expect.stringContaining('denied') }],
    });
  });

  it('the lines allow nothing that writes or shows values', async () => {
    requireOrSkip(able, needs);
    const sudoers = join(folder, 'sudoers');
    writeFileSync(sudoers, `${sudoersLines('nobody').join('\n')}\n`, { mode: 0o440 });
    const attempts = [
      'nft flush ruleset',
      'nft -s list ruleset inet',
      'nft -f /dev/stdin',
      'iptables-nft-save -f /etc/passwd',
      'iptables-legacy-save -M /bin/sh',
      'cat /proc/1/environ',
      'cat /proc/net/ip_tables_names /etc/shadow',
      'find /proc -mindepth 2 -maxdepth 2 -name environ -exec /usr/bin/grep -HzoaE ^ {} +',
      'find /proc -mindepth 2 -maxdepth 2 -name environ -exec /usr/bin/grep -HzoaE ^[A-Za-z_][A-Za-z0-9_]*=.* {} +',
      'find /proc -mindepth 2 -maxdepth 2 -name environ -exec /usr/bin/grep -HzoaE ^A= {} +',
      'find / -mindepth 3 -maxdepth 3 -name net -type l -printf %h@%l@',
      'tailscale up',
    ];
    const script = `mount --bind ${sudoers} /etc/sudoers && exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -s`;
    const input = attempts.map((a) => `set -f; sudo -n -l ${a} >/dev/null 2>&1 && echo '${a}'`).join('\n');
    const allowed = execFileSync('unshare', ['-m', 'sh', '-c', script], {
      input: `${input}\ntrue\n`,
      encoding: 'utf8',
    });
    expect(allowed).toBe('');
  });
});

it('the documentation gives exactly these lines', () => {
  const docs = readFileSync(new URL('../../docs/collector.md', import.meta.url), 'utf8');
  const block = /```sudoers\n([^`]*)```/.exec(docs)?.[1];
  expect(block).toBe(`${sudoersLines('cordon').join('\n')}\n`);
});
