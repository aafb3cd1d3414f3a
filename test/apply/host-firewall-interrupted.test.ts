import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { STAGE, TIMER } from '../../src/apply/commit-scripts.ts';
import { applyRuleset } from '../../src/apply/host-firewall.ts';
import { withBrokenNft } from '../support/broken-nft.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import { commitSpace, table } from './commit-space.ts';

const able = canUseNamespaces();
const needs = 'nftables in network and mount namespaces needs root, iproute2 and nftables';
const isLong = process.env['CORDON_LONG'] === '1';
const [OLD, NEW, NEXT] = [table(1), table(2), table(3)];

const url = (path: string) => JSON.stringify(new URL(`../../src/apply/${path}.ts`, import.meta.url).pathname);

describe('a process that is killed while it applies', () => {
  it('leaves the old ruleset or the new one, and only a confirmed one for good', async () => {
    requireOrSkip(able, needs);
    const kills = isLong ? 60 : 1;
    for (let seed = 0; seed < kills; seed++) {
      const host = commitSpace('process', OLD);
      try {
        const module = `
          import { applyRuleset } from ${url('host-firewall')};
          process.stdout.write('ready');
          await applyRuleset(${JSON.stringify(host.access)}, ${JSON.stringify(NEW)}, { confirmWithinS: 1 });`;
        const child = spawn(process.execPath, ['--input-type=module', '-e', module], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        await once(child.stdout, 'data');
        await sleep((150 + seed * 97) % 400);
        child.kill('SIGKILL');
        expect([OLD, NEW]).toContain(host.own());
        await sleep(2000);
        const settled = host.own();
        expect([OLD, NEW]).toContain(settled);
        await sleep(500);
        expect(host.own()).toBe(settled);
        expect(await applyRuleset(host.access, NEXT)).toMatchObject({ kind: 'applied', previous: settled });
      } finally {
        host.remove();
      }
    }
  }, 600_000);
});

describe('an apply that meets the rest of another', () => {
  it('waits for nobody: it says that another waits for its confirmation, and since when', async () => {
    requireOrSkip(able, needs);
    const host = commitSpace('other', OLD);
    try {
      host.script(STAGE, ['t1', '3', String(NEW.length), String(OLD.length), TIMER], NEW + OLD);
      expect(await applyRuleset(host.access, NEXT)).toMatchObject({
        kind: 'busy',
        why: expect.stringMatching(/waits for its confirmation on the host, since \d{4}-.*Z, for 3 s/),
      });
      // What is in place is what is wanted, and may be gone in a moment.
      expect(await applyRuleset(host.access, NEW)).toMatchObject({ kind: 'busy' });
      expect(await host.until(OLD, 6000)).toBe(OLD);
    } finally {
      host.remove();
    }
  });

  it('confirms a ruleset that an interrupted one left in place without a timer, if it is the wanted one', async () => {
    requireOrSkip(able, needs);
    const host = commitSpace('rest', OLD);
    try {
      const dies = 'exec 8>"$1/pending/alive"; echo ready; exit 0';
      host.script(STAGE, ['t1', '3', String(NEW.length), String(OLD.length), dies], NEW + OLD);
      expect(host.own()).toBe(NEW);
      const outcome = await applyRuleset(host.access, NEW);
      expect(outcome).toMatchObject({ kind: 'unchanged', own: NEW });
      expect(outcome.notes.join()).toContain('it is confirmed now');
      expect((await applyRuleset(host.access, NEW)).notes).toEqual([]);
    } finally {
      host.remove();
    }
  });

  it('does not touch what somebody else put in place since', async () => {
    requireOrSkip(able, needs);
    const host = commitSpace('since', OLD);
    try {
      const dies = 'exec 8>"$1/pending/alive"; echo ready; exit 0';
      host.script(STAGE, ['t1', '3', String(NEW.length), String(OLD.length), dies], NEW + OLD);
      host.load(table(9));
      const outcome = await applyRuleset(host.access, NEXT);
      expect(outcome).toMatchObject({ kind: 'applied', previous: table(9) });
      expect(outcome.notes.join()).toContain('other tables than its own are in place since');
    } finally {
      host.remove();
    }
  });
});

describe('a host without room, or without a program', () => {
  /** Applies one ruleset, then `body` with a larger one as `big`; prints what `body` leaves in `result`. */
  const module = (body: string) => `
    import { execFileSync } from 'node:child_process';
    import { applyRuleset, describeApply } from ${url('host-firewall')};
    import { readRuleset } from ${url('host-firewall-read')};
    const access = { kind: 'local' };
    const small = ${JSON.stringify(OLD)};
    const big = small.replace('\\t\\tdrop', Array.from({ length: 400 }, (_, i) => '\\t\\ttcp dport ' + (1000 + i) + ' accept').join('\\n') + '\\n\\t\\tdrop');
    const first = await applyRuleset(access, small);
    if (first.kind !== 'applied') throw new Error(JSON.stringify(first));
    const result = [];
    const go = async () => {
      const outcome = await applyRuleset(access, big);
      const own = (await readRuleset(access)).own;
      result.push({ kind: outcome.kind, told: describeApply('h', outcome), own: own === small ? 'old' : own.length > small.length ? 'new' : own });
    };
    ${body}
    process.stdout.write(JSON.stringify(result));`;
  interface Row {
    readonly kind: string;
    readonly told: string;
    readonly own: string;
  }

  it('keeps the old ruleset wherever the room for the way back runs out, and says so', async () => {
    requireOrSkip(able, needs);
    const sizes = isLong ? Array.from({ length: 24 }, (_, i) => 4 * (i + 1)) : [4, 32, 128];
    const rows = (await withBrokenNft(
      '',
      module(`
        for (const size of ${JSON.stringify(sizes)}) {
          execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=700,size=' + size + 'k', 'tmpfs', '/run/cordon']);
          await go();
          execFileSync('umount', ['-l', '/run/cordon']);
          if (result.at(-1).own === 'new') break;
        }`),
    )) as Row[];
    for (const row of rows.slice(0, -1)) {
      expect(row).toMatchObject({ kind: 'failed', own: 'old' });
      expect(row.told).toContain('could not keep what is needed to go back');
      expect(row.told).toContain('nothing was changed on the host');
    }
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.at(-1)).toMatchObject({ kind: 'applied', own: 'new' });
  }, 60_000);

  it('keeps the old ruleset where nothing can be written, and where a program is missing', async () => {
    requireOrSkip(able, needs);
    const [readOnly, missing] = (await withBrokenNft(
      '',
      module(`
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', '/run/cordon']);
        await go();
        execFileSync('umount', ['/run/cordon']);
        const flock = execFileSync('sh', ['-c', 'command -v flock'], { encoding: 'utf8' }).trim();
        execFileSync('mount', ['--bind', '/dev/null', flock]);
        await go();`),
    )) as Row[];
    expect(readOnly).toMatchObject({ kind: 'failed', own: 'old' });
    expect(readOnly?.told).toContain('could not keep what is needed to go back');
    expect(missing).toMatchObject({ kind: 'failed', own: 'old' });
    expect(missing?.told).toContain('a program is missing on the host: flock');
  });
});
