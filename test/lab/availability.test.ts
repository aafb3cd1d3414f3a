import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireOrSkip } from '../support/require.ts';
import { LAB_MISSING } from './machine.ts';

const MODULE = join(import.meta.dirname, '../../src/lab/availability.ts');
const PRINT = `import('${MODULE}').then((m) => console.log(JSON.stringify(m.labAvailability())))`;

/** What a process that is started this way finds. */
function availabilityFor(wrapper: readonly string[]): unknown {
  const [program = '', ...args] = [...wrapper, process.execPath, '-e', PRINT];
  const result = spawnSync(program, args, { encoding: 'utf8' });
  expect(result.stderr).toBe('');
  return JSON.parse(result.stdout);
}

describe('labAvailability', () => {
  it('finds everything here', () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    expect(availabilityFor(['env'])).toEqual({ ok: true });
  });

  it('names what root in a container may lack', () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    const readOnly = ['unshare', '--mount', 'sh', '-c', 'mount --bind -o ro /proc/sys /proc/sys && exec "$@"', 'sh'];
    expect(availabilityFor(readOnly)).toEqual({
      ok: false,
      missing: [expect.stringMatching(/^a writable \/proc\/sys\/net: .*read-only/i)],
    });
    const weak = ['setpriv', '--bounding-set', '-sys_admin', '--inh-caps', '-sys_admin'];
    expect(availabilityFor(weak)).toEqual({
      ok: false,
      missing: [expect.stringMatching(/^the right to make network namespaces .*: ./)],
    });
  });

  it('names a program that is not installed, and root', () => {
    requireOrSkip(LAB_MISSING === undefined, LAB_MISSING ?? '');
    // nft lives in /usr/sbin; ip is in /bin as well.
    const hide = 'mount -t tmpfs none /usr/sbin && exec "$@"';
    expect(availabilityFor(['unshare', '--mount', 'sh', '-c', hide, 'sh'])).toEqual({
      ok: false,
      missing: ['nft: install the package nftables'],
    });
    expect(availabilityFor(['setpriv', '--reuid', '65534', '--clear-groups'])).toEqual({
      ok: false,
      missing: [expect.stringMatching(/^root: /)],
    });
  });
});
