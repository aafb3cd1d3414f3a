import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cordon, ROOT } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'cordon-eval-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fixture = (name: string) => join(ROOT, 'test', 'nftables', 'fixtures', name);

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const PACKET = { hook: 'forward', iif: 'eth0', oif: 'docker0', src: '10.0.0.9', dst: '172.17.0.2', proto: 'tcp' };

describe('cordon host eval', () => {
  it('answers one line for each packet', async () => {
    const packets = [
      { ...PACKET, dport: 11434, ctState: 'new', ctDirection: 'original' },
      { ...PACKET, dport: 22, ctState: 'new', ctDirection: 'original' },
      { ...PACKET, dport: 11434, ctState: '?' },
    ];
    const list = file('packets.jsonl', packets.map((p) => `${JSON.stringify(p)}\n`).join('\n'));
    const listing = ['--ruleset', fixture('docker.json'), '--text', fixture('docker.txt')];
    const { code, stdout, stderr } = await cordon(['host', 'eval', ...listing, '--packets', list]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { index: 0, verdict: 'accept', family: 'ip', table: 'filter', chain: 'DOCKER', handle: 19 },
      { index: 1, verdict: 'drop', family: 'ip', table: 'filter', chain: 'FORWARD', handle: null },
      expect.objectContaining({ index: 2, verdict: 'accept', table: 'filter' }),
    ]);
  });

  it('names every packet that cannot be read, with its line, and answers none', async () => {
    const list = file('bad.jsonl', `${JSON.stringify(PACKET)}\n{"hook":"side"}\n{\n`);
    const { code, stdout, stderr } = await cordon([
      'host',
      'eval',
      '--ruleset',
      fixture('docker.json'),
      '--packets',
      list,
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/bad\.jsonl:2:1: error: "hook" is none of/);
    expect(stderr).toMatch(/bad\.jsonl:3:1: error: this is not JSON/);
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  });

  it('refuses half a ruleset, and a text of another moment', async () => {
    const half = file('half.json', '{"nftables": [{"table": {"family": "ip", "name": "t"}}');
    const list = file('one.jsonl', `${JSON.stringify(PACKET)}\n`);
    const broken = await cordon(['host', 'eval', '--ruleset', half, '--packets', list]);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toMatch(/half\.json:1:\d+: error: this is not JSON/);
    const other = ['--ruleset', fixture('docker.json'), '--text', fixture('ufw.txt'), '--packets', list];
    const mixed = await cordon(['host', 'eval', ...other]);
    expect(mixed.code).toBe(1);
    expect(mixed.stderr).toMatch(/not the same in the JSON and in the text/);
  });
});
