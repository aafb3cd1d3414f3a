import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cordon } from '../cli/program.ts';

const TOPOLOGY = 'examples/netns-cell/cordon.yaml';
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cordon-render-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('cordon host render', () => {
  it('prints a ruleset that replaces ours and nothing else', async () => {
    const { code, stdout, stderr } = await cordon(['host', 'render', 'ollama-1', TOPOLOGY]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^table inet cordon\ndelete table inet cordon\ntable netdev cordon\ndelete table netdev cordon\ntable inet cordon \{/,
    );
    expect(stdout).not.toContain('flush');
  });

  it('writes units with the scripts that install and remove them', async () => {
    const { code, stdout } = await cordon(['host', 'render', 'ollama-1', TOPOLOGY, '--units', '--out', folder]);
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toContain(join(folder, 'install.sh'));
    expect(statSync(join(folder, 'files/etc/cordon/netns-ollama-1.sh')).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(folder, 'uninstall.sh'), 'utf8')).toContain('rm -f "$root/etc/cordon/netns-ollama-1.sh"');
  });

  it.each([
    [['render', 'nobody', TOPOLOGY], 'has no host nobody'],
    [['render', 'orch-1', TOPOLOGY, '--units'], '--out'],
    [['sudoers', 'root ALL=(ALL) ALL'], 'no login name'],
  ])('host %j is refused with what to do', async (args, why) => {
    const { code, stdout, stderr } = await cordon(['host', ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(why);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
