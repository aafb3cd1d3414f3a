import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { labJson } from '../../src/report/lab-json.ts';
import type { CellVerdict, LabCell, LabReport } from '../../src/report/lab-report.ts';
import { labText } from '../../src/report/lab-text.ts';
import { requireOrSkip } from '../support/require.ts';

const MAIN = 'src/cli/main.ts';
const HOMELAB = 'examples/homelab/cordon.yaml';

function run(argv: readonly string[]) {
  const [program = '', ...args] = argv;
  return spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
}

const canUnshare = run(['unshare', '--user', '--map-root-user', 'true']).status === 0;

describe('cordon lab', () => {
  test('ends with 0 where everything is as proved and declared', () => {
    requireOrSkip(canUnshare, 'needs user namespaces');
    const { status, stdout } = run([process.execPath, MAIN, 'lab', HOMELAB, '--flows', '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ schemaVersion: 1, verdict: 'holds', cells: { total: 4, works: 4 } });
  });

  test('ends with 3 where the machine has no namespaces to give, and says so', () => {
    requireOrSkip(canUnshare, 'needs user namespaces');
    const limited = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"';
    const shell = ['unshare', '--user', '--map-root-user', 'sh', '-c', limited, 'sh'];
    const { status, stdout } = run([...shell, process.execPath, MAIN, 'lab', HOMELAB]);
    expect(status).toBe(3);
    expect(stdout).toMatch(/^UNKNOWN 4 hosts and 0 strangers, 0 attempts/);
    expect(stdout).toMatch(/missing {4}the lab cannot run here: .*unshare/);
  });

  test('refuses both kinds of matrix at once', () => {
    const { status, stderr } = run([process.execPath, MAIN, 'lab', HOMELAB, '--flows', '--all-pairs']);
    expect([status, stderr.split('\n')[0]]).toEqual([
      1,
      'cordon: Arguments flows and all-pairs are mutually exclusive [usage]',
    ]);
  });
});

function cell(verdict: CellVerdict, more: Partial<LabCell> = {}): LabCell {
  const isOpen = verdict !== 'closed';
  return {
    ...{ from: 'a', to: 'b', device: 'eth0', through: [], src: '10.0.0.1', dst: '10.0.0.2', proto: 'tcp', port: 22 },
    ...{ uid: 0, flows: [], policy: undefined, verdict },
    predicted: { delivered: isOpen ? 'yes' : 'no', answered: isOpen ? 'yes' : 'no' },
    observed: { delivered: isOpen, answered: isOpen, outcome: isOpen ? 'answered' : 'timeout' },
    ...more,
  };
}

const BASE = { hosts: ['a', 'b'], strangers: [], findings: [], missing: [] };

describe('the report', () => {
  test('shows the worst of each pair in the matrix, and only the symbols that occur', () => {
    const text = labText(
      {
        ...BASE,
        verdict: 'violated',
        cells: [cell('closed'), cell('open'), cell('works'), cell('closed', { from: 'b', to: 'a' })],
      },
      { color: false },
    );
    expect(text).toBe(
      [
        'NOT AS PROVED OR DECLARED 2 hosts and 0 strangers, 4 attempts, 1 declared and working, 2 closed, 1 not as declared, 0 not as proved, 0 unknown',
        '',
        '  from   to  1  2 ',
        '  a      1      X ',
        '  b      2   .    ',
        '  X arrives and is not declared   . closed',
        '',
        '  works      a -> b tcp 22 () at 10.0.0.2',
        '',
      ].join('\n'),
    );
  });

  test('tells a disagreement with the packet, both answers and the rules that were to decide', () => {
    const odd = cell('disagrees', {
      through: ['r'],
      uid: 1000,
      policy: 'no',
      predicted: { delivered: 'no', answered: 'no' },
      observed: { delivered: true, answered: false, outcome: 'timeout' },
    });
    const rule = {
      host: 'b',
      hook: 'input',
      verdict: 'drop',
      table: 'inet cordon',
      chain: 'input',
      rule: 'drop',
    } as const;
    const report: LabReport = {
      ...BASE,
      verdict: 'violated',
      cells: [odd],
      findings: [{ cell: odd, decisions: [rule] }],
    };
    expect(labText(report, { color: false })).toContain(
      [
        '  not as proved  a -> b tcp 22',
        '    packet     10.0.0.1 -> 10.0.0.2:22 over eth0 through r as user 1000',
        '    predicted  does not arrive',
        '    observed   arrives, and no answer comes back (timeout)',
        '    declared   no flow; the tailnet policy stops it',
        '    drop       b input: drop (inet cordon input)',
      ].join('\n'),
    );
    expect(JSON.parse(labJson(report))).toMatchObject({
      verdict: 'violated',
      cells: { total: 1, disagrees: 1 },
      pairs: [{ from: 'a', to: 'b', cells: { disagrees: 1 } }],
      findings: [{ cell: { uid: 1000 }, decisions: [{ rule: 'drop' }] }],
    });
  });

  test('colours only what it is asked to', () => {
    const report: LabReport = { ...BASE, verdict: 'holds', cells: [cell('works')] };
    expect(labText(report, { color: false })).not.toContain('\u001b');
    expect(labText(report, { color: true })).toContain('\u001b');
  });
});
