import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApplyOptions } from '../../src/apply/host-firewall.ts';
import { applyRuleset } from '../../src/apply/host-firewall.ts';
import { describeApply, inPlaceAfter } from '../../src/apply/host-firewall-outcome.ts';
import { readRuleset } from '../../src/apply/host-firewall-read.ts';
import { replacement } from '../../src/apply/host-firewall-tables.ts';
import type { TestSshd } from '../access/sshd.ts';
import { canRunSshd, SSH_PORT, startSshd } from '../access/sshd.ts';
import { requireOrSkip } from '../support/require.ts';

const able = canRunSshd();
const needs = 'a real sshd in a network namespace needs root, iproute2, nftables and openssh-server';
const isLong = process.env['CORDON_LONG'] === '1';

/** As nft prints it: ssh is let in, and another port, which tells the rulesets apart. */
const table = (port: number, open = `tcp dport ${SSH_PORT} accept`) => `table inet cordon {
	chain input {
		type filter hook input priority 300; policy drop;
		${open}
		tcp dport ${port} accept
		drop
	}
}
`;
const [OLD, NEW, NEXT] = [table(1), table(2), table(3)];
/** Without a way in for new connections; those that exist live on, as a forgotten operator's would. */
const LOCKED = table(4, `tcp dport ${SSH_PORT} ct state established accept`);

let sshd: TestSshd | undefined;
beforeAll(async () => {
  if (able) sshd = await startSshd('apply-ssh');
});
afterAll(() => sshd?.stop());
beforeEach(() => void sshd?.space.exec(['nft', '-f', '-'], replacement(OLD)));

function host() {
  requireOrSkip(able && sshd !== undefined, needs);
  const { space, target, sessions } = sshd;
  const access = { kind: 'ssh', target } as const;
  return {
    access,
    own: () => space.exec(['nft', '-s', 'list', 'ruleset']),
    apply: (text: string, options: ApplyOptions = {}) => applyRuleset(access, text, { confirmWithinS: 20, ...options }),
    cut: () => {
      for (const pid of sessions()) process.kill(pid, 'SIGKILL');
    },
  };
}

describe('applyRuleset over ssh', () => {
  it('applies, confirms over a connection of its own, and does nothing the second time', async () => {
    const { apply, own, access } = host();
    expect(await apply(NEW)).toMatchObject({ kind: 'applied', previous: OLD, notes: [] });
    expect(own()).toBe(NEW);
    expect(await apply(NEW)).toMatchObject({ kind: 'unchanged', own: NEW });
    expect(await readRuleset(access)).toMatchObject({ kind: 'read', own: NEW });
  });

  it('takes a ruleset back that lets no new connection in, although the old connection lives on', async () => {
    const { apply, own } = host();
    const started = performance.now();
    const outcome = await apply(LOCKED, { confirmWithinS: 4 });
    expect(outcome).toMatchObject({ kind: 'unconfirmed', after: 'old' });
    expect(performance.now() - started).toBeGreaterThan(4000);
    expect(describeApply('m', outcome)).toContain('the host took it back: the old ruleset is in place');
    expect(own()).toBe(OLD);
    expect(await apply(NEW)).toMatchObject({ kind: 'applied', notes: [] });
  }, 60_000);

  it('confirms what was loaded although the connection that loaded it was lost', async () => {
    const { apply, own, cut } = host();
    const going = apply(NEW);
    for (let tries = 0; own() !== NEW && tries < 200; tries++) await sleep(30);
    cut();
    expect(await going).toMatchObject({ kind: 'applied' });
    expect(own()).toBe(NEW);
  });

  it('lets one of two win, and the other say so', async () => {
    const { apply, own } = host();
    const outcomes = await Promise.all([apply(NEW), apply(NEXT)]);
    expect(outcomes.map((o) => o.kind).sort()).toEqual(['applied', 'busy']);
    const [first, second] = outcomes;
    expect(own()).toBe(first.kind === 'applied' ? NEW : NEXT);
    const loser = first.kind === 'busy' ? first : second;
    expect(describeApply('m', loser)).toMatch(/another apply|changed by somebody else/);
    expect(describeApply('m', loser)).toContain('nothing was changed on the host');
  });

  // Every connection of the host is cut at a moment that the seed decides, once or again and again.
  it.each(Array.from({ length: isLong ? 60 : 1 }, (_, seed) => seed + 2))(
    'says the truth about what is in place when connections are cut, seed %i',
    async (seed) => {
      const { apply, own, cut } = host();
      const going = apply(NEW, { confirmWithinS: 2 });
      let ended = false;
      const cutting = (async () => {
        const pause = 200 + ((seed * 379) % 2000);
        do {
          await sleep(pause);
          if (!ended) cut();
        } while (!ended && seed % 3 === 2);
      })();
      const outcome = await going;
      ended = true;
      await cutting;
      expect([OLD, NEW]).toContain(own());
      // A timer that is still running ends before anything is said for certain.
      const claim = { new: NEW, previous: OLD, other: '', unknown: undefined }[inPlaceAfter(outcome)];
      if (claim !== undefined) expect(own()).toBe(claim);
      await sleep(claim === undefined ? 3500 : 0);
      expect(own()).toBe(outcome.kind === 'applied' ? NEW : OLD);
    },
    60_000,
  );
});
