import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cordonHere } from './here.ts';
import { cordon, HOMELAB, ROOT } from './program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-cli-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const homelab = readFileSync(HOMELAB, 'utf8');
const base = readFileSync(join(ROOT, 'examples/homelab/tailnet.base.hujson'), 'utf8');

/** Four mistakes at four places. */
function brokenTopology(): string {
  return homelab
    .replace('base: ./tailnet.base.hujson', 'bass: ./tailnet.base.hujson')
    .replace('addresses: [10.77.1.10, "fd77:1::a"]', 'addresses: [10.77.1.999, "fd77:1::a"]')
    .replace('gateway: { on: gateway, tcp: [443] }', 'gateway: { on: gatway, tcp: [443] }')
    .replace('- { id: executor-gateway, from: executor, to: gateway }', '- { id: executor-gateway, from: executor }');
}

describe('an invalid topology', () => {
  const commands: readonly (readonly string[])[] = [
    ['compile', 'cordon.yaml', '--out', 'out'],
    ['prove', 'cordon.yaml', '-o', 'report.txt'],
    ['check', '-o', 'report.txt'],
    ['reconcile', '-o', 'report.txt'],
    ['observe', '-o', 'snapshot.json'],
    ['diff', 'cordon.yaml', 'cordon.yaml', '-o', 'report.txt'],
    ['emulator', '--topology', 'cordon.yaml', '--state', 'state.json'],
  ];

  it.each(commands)('makes %s list every error with its place and write nothing', async (...args) => {
    writeFileSync(join(folder, 'cordon.yaml'), brokenTopology());
    const { code, stdout, stderr } = await cordon(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    const places = [...stderr.matchAll(/^(cordon\.yaml):(\d+):(\d+): error: /gm)];
    const lines = new Set(places.map((m) => brokenTopology().split('\n')[Number(m[2]) - 1]));
    for (const mistake of ['bass:', '10.77.1.999', 'gatway', 'from: executor }']) {
      expect([...lines].some((line) => line?.includes(mistake))).toBe(true);
    }
    expect(stderr).toMatch(new RegExp(`^${places.length} errors$`, 'm'));
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(folder)).toEqual(['cordon.yaml']);
  });

  it('names the place in the base policy', async () => {
    writeFileSync(join(folder, 'cordon.yaml'), homelab);
    writeFileSync(join(folder, 'tailnet.base.hujson'), base.replace('"grants": [', '"grants": [ {"src": [}'));
    const { code, stdout, stderr } = await cordon(['compile'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/tailnet\.base\.hujson:\d+:\d+: error: /);
  });

  it('names the line that names a base policy which is not there', async () => {
    writeFileSync(join(folder, 'cordon.yaml'), homelab);
    const { code, stderr } = await cordon(['prove'], { cwd: folder });
    expect(code).toBe(1);
    const line = homelab.split('\n').findIndex((l) => l.includes('base: ./tailnet.base.hujson')) + 1;
    expect(stderr).toContain(`cordon.yaml:${line}:`);
    expect(stderr).toContain('1 error\n');
  });
});

describe('a file that cannot be read', () => {
  const readers: readonly (readonly [string, (file: string) => readonly string[]])[] = [
    ['compile', (f) => ['compile', f]],
    ['prove', (f) => ['prove', f]],
    ['check --topology', (f) => ['check', '--topology', f]],
    ['check --snapshot', (f) => ['check', '--topology', HOMELAB, '--snapshot', f]],
    ['diff A', (f) => ['diff', f, HOMELAB]],
    ['diff B', (f) => ['diff', HOMELAB, f]],
    ['diff --devices', (f) => ['diff', HOMELAB, HOMELAB, '--devices', f]],
    ['observe', (f) => ['observe', '--topology', f]],
    ['reconcile', (f) => ['reconcile', '--topology', f]],
    ['emulator --topology', (f) => ['emulator', '--topology', f]],
  ];
  const files: readonly (readonly [string, () => string, string])[] = [
    ['that is not there', () => join(folder, 'none.yaml'), 'there is no such file'],
    ['that is a directory', () => folder, 'it is a directory'],
    [
      'that is binary',
      () => write('binary.yaml', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0xff])),
      'not UTF-8 text',
    ],
    [
      'in another encoding',
      () => write('latin.yaml', Buffer.from('version: 1 # caf\xe9\n', 'latin1')),
      'not UTF-8 text',
    ],
    ['in UTF-16', () => write('wide.yaml', Buffer.from('version: 1\n', 'utf16le')), 'not UTF-8 text'],
  ];

  it.each(readers)('ends %s with one reason and its name', async (_name, args) => {
    for (const [, make, words] of [files[0], files[2]].filter((f) => f !== undefined))
      await expectRefused(args, make(), words);
  });

  it.each(files)('%s is told from the others', async (_kind, make, words) => {
    await expectRefused((f) => ['prove', f], make(), words);
  });

  async function expectRefused(args: (file: string) => readonly string[], file: string, words: string): Promise<void> {
    const { code, stdout, stderr } = await cordonHere(args(file), { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`cordon: ${file}: `);
    expect(stderr).toContain(words);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  }

  it('is said of a base policy too, which is there and no text', async () => {
    writeFileSync(join(folder, 'cordon.yaml'), homelab);
    mkdirSync(join(folder, 'tailnet.base.hujson'));
    const { code, stderr } = await cordon(['prove'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/tailnet\.base\.hujson: it is a directory/);
  });

  function write(name: string, bytes: Buffer): string {
    const file = join(folder, name);
    writeFileSync(file, bytes);
    return file;
  }
});

describe('an empty file', () => {
  it.each([
    ['topology', ['prove', 'empty.yaml']],
    ['snapshot', ['check', '--topology', HOMELAB, '--snapshot', 'empty.yaml']],
    ['policy', ['diff', 'empty.hujson', 'empty.hujson']],
    ['device list', ['diff', HOMELAB, HOMELAB, '--devices', 'empty.yaml']],
  ])('is no %s', async (_what, args) => {
    writeFileSync(join(folder, 'empty.yaml'), '');
    writeFileSync(join(folder, 'empty.hujson'), '');
    const { code, stdout, stderr } = await cordonHere(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('empty.');
    expect(stderr).not.toMatch(/^\s+at |bug in cordon/m);
  });
});
