import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { testFolder, textOf } from './folder.ts';
import { cordon } from './program.ts';

const folder = testFolder();

const FILES = [
  'host/exec-1/cordon.nft',
  'host/exec-1/units.json',
  'host/gw-1/cordon.nft',
  'host/gw-1/units.json',
  'host/ollama-1/cordon.nft',
  'host/ollama-1/units.json',
  'host/orch-1/cordon.nft',
  'host/orch-1/units.json',
  'openclaw/gw-1/config.json',
  'tailnet/devices.json',
  'tailnet/policy.hujson',
  'tailnet/settings.json',
];

/** Every file below a folder with its text. */
function filesBelow(path: string): Record<string, string> {
  const names = globSync('**/*', { cwd: path, withFileTypes: true }).filter((e) => e.isFile());
  return Object.fromEntries(
    names
      .map((e) => join(e.parentPath, e.name).slice(path.length + 1))
      .sort()
      .map((name) => [name, readFileSync(join(path, name), 'utf8')]),
  );
}

describe('cordon compile', () => {
  it('prints declared evidence as JSON, the same every time', async () => {
    const [first, second] = [
      await cordon(['compile'], { cwd: folder.path }),
      await cordon(['compile'], { cwd: folder.path }),
    ];
    expect(first).toEqual(second);
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(first.stdout)).toEqual({ schemaVersion: 1, sources: folder.declared.sources });
  });

  it('writes one file for each source, to the byte, and lists them on stdout', async () => {
    const { code, stdout, stderr } = await cordon(['compile', '--out', 'out'], { cwd: folder.path });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n').sort()).toEqual(FILES.map((f) => `out/${f}`));
    const files = filesBelow(join(folder.path, 'out'));
    expect(Object.keys(files)).toEqual(FILES);
    expect(files['tailnet/policy.hujson']).toBe(textOf(folder.declared, 'tailnet/policy'));
    for (const host of ['exec-1', 'gw-1', 'ollama-1', 'orch-1']) {
      expect(files[`host/${host}/cordon.nft`]).toBe(textOf(folder.declared, `host/${host}/nft.txt`));
    }
    expect(JSON.parse(files['tailnet/devices.json'] ?? '')).toEqual(folder.declared.sources['tailnet/devices']?.body);
  });

  it('writes the same again over what it wrote, and into a folder that is not there', async () => {
    await cordon(['compile', '--out', 'deep/er/out'], { cwd: folder.path });
    const first = filesBelow(join(folder.path, 'deep/er/out'));
    const again = await cordon(['compile', '--out', 'deep/er/out'], { cwd: folder.path });
    expect(again.code).toBe(0);
    expect(filesBelow(join(folder.path, 'deep/er/out'))).toEqual(first);
  });

  it('says so when it cannot write', async () => {
    folder.write('taken', '');
    const { code, stdout, stderr } = await cordon(['compile', '--out', 'taken'], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^cordon: taken\/.* cannot be written: part of the path is not a directory \[output-unwritable\]\n/,
    );
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  });

  it('leaves nothing behind when the topology is invalid', async () => {
    folder.write('cordon.yaml', folder.topology.replace('version: 1', 'version: 2'));
    expect((await cordon(['compile', '--out', 'out'], { cwd: folder.path })).code).toBe(1);
    expect(existsSync(join(folder.path, 'out'))).toBe(false);
  });
});
