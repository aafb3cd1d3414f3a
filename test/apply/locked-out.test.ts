import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/access/run.ts';
import { STAGE, TIMER } from '../../src/apply/commit-scripts.ts';
import { applyRuleset } from '../../src/apply/host-firewall.ts';
import { closedRuleset, replacement } from '../../src/apply/host-firewall-tables.ts';
import type { TestSshd } from '../access/sshd.ts';
import { canRunSshd, SSH_PORT, startSshd } from '../access/sshd.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import { commitSpace, table } from './commit-space.ts';

const needs = 'a real sshd in a network namespace needs root, iproute2, nftables and openssh-server';

/** The commands of a section of docs/locked-out.md, exactly as an operator would copy them. */
function procedure(heading: string): string {
  const page = readFileSync(new URL('../../docs/locked-out.md', import.meta.url), 'utf8');
  const section = page.split(/^## /m).find((s) => s.startsWith(heading));
  const commands = /^```sh\n([\s\S]*?)^```/m.exec(section ?? '')?.[1];
  if (commands === undefined) throw new Error(`no commands under ${heading}`);
  return commands;
}

describe('the way back of docs/locked-out.md', () => {
  it.each([
    ['confirmed', true],
    ['waiting for its confirmation', false],
  ])('restores what was there before a ruleset that is %s', async (_what, isConfirmed) => {
    requireOrSkip(canUseNamespaces(), 'nftables in network namespaces needs root, iproute2 and nftables');
    const [old, wrong] = [table(1), table(2)];
    const host = commitSpace('locked', old);
    try {
      if (isConfirmed) await applyRuleset(host.access, wrong);
      else host.script(STAGE, ['t', '600', String(wrong.length), String(old.length), TIMER], wrong + old);
      expect(host.own()).toBe(wrong);
      expect(host.script(procedure('2.'), [])).toBe(old);
      expect(host.own()).toBe(old);
    } finally {
      host.remove();
    }
  });

  it('takes everything away as the last resort', () => {
    requireOrSkip(canUseNamespaces(), 'nftables in network namespaces needs root, iproute2 and nftables');
    const host = commitSpace('locked', `${table(1)}table netdev cordon {\n}\n`);
    try {
      host.script(procedure('4.'), []);
      expect(host.own()).toBe('');
    } finally {
      host.remove();
    }
  });
});

describe('a host that is closed', () => {
  let sshd: TestSshd | undefined;
  beforeAll(async () => {
    if (canRunSshd()) sshd = await startSshd('locked');
  });
  afterAll(() => sshd?.stop());

  it('lets an operator in who adds the rules at its console, and can be applied to again', async () => {
    requireOrSkip(sshd !== undefined, needs);
    const { space, target } = sshd;
    const access = { kind: 'ssh', target } as const;
    space.exec(['nft', '-f', '-'], replacement(`${closedRuleset()}table netdev cordon {\n}\n`));
    expect(await run(access, ['true'], { timeoutMs: 10_000 })).toMatchObject({ kind: 'unreachable' });
    space.exec(['sh', '-c', procedure('3.').replaceAll('22', String(SSH_PORT))]);
    expect(await run(access, ['true'], { timeoutMs: 10_000 })).toMatchObject({ kind: 'ran', exitCode: 0 });
    const open = `table inet cordon {\n\tchain input {\n\t\ttype filter hook input priority 300; policy drop;\n\t\ttcp dport ${SSH_PORT} accept\n\t\tdrop\n\t}\n}\n`;
    expect(await applyRuleset(access, open, { confirmWithinS: 20 })).toMatchObject({ kind: 'applied' });
    expect(space.exec(['nft', '-s', 'list', 'ruleset'])).toBe(open);
  });
});
