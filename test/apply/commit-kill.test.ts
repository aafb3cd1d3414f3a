import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { describe, expect, it } from 'vitest';
import { CONFIRM, STAGE, TIMER } from '../../src/apply/commit-scripts.ts';
import { applyRuleset } from '../../src/apply/host-firewall.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import type { CommitSpace } from './commit-space.ts';
import { commitSpace, cutScripts, table } from './commit-space.ts';

const able = canUseNamespaces();
const needs = 'nftables in network namespaces needs root, iproute2 and nftables';
const [OLD, NEW, NEXT] = [table(1), table(2), table(3)];
const WITHIN_S = 1;

/** All places with CORDON_LONG=1, otherwise every twentieth: the places move as the scripts do. */
const isLong = process.env['CORDON_LONG'] === '1';
const chosen = (script: string) => cutScripts(script).filter((_cut, i) => isLong || i % 20 === 13);

const stageArgs = (timer = TIMER, within = WITHIN_S) => {
  return ['t0', String(within), String(NEW.length), String(OLD.length), timer];
};
const stageIn = (host: CommitSpace, script = STAGE, timer = TIMER, within = WITHIN_S) =>
  host.script(script, stageArgs(timer, within), NEW + OLD);

/** A ruleset that is not in place because loading was cut off is waited for all the same: the timer cannot know. */
async function applyPatiently(host: CommitSpace) {
  for (let tries = 0; ; tries++) {
    const outcome = await applyRuleset(host.access, NEXT);
    if (outcome.kind !== 'busy' || tries === 30) return outcome;
    await sleep(100);
  }
}

/** Does the same in a fresh namespace for each cut, a few at a time. */
async function each(script: string, play: (host: CommitSpace, text: string, line: number) => Promise<void>) {
  const cuts = chosen(script);
  expect(cuts.length).toBeGreaterThan(0);
  const limit = pLimit(8);
  await Promise.all(
    cuts.map(({ line, text }) =>
      limit(async () => {
        const host = commitSpace('kill', OLD);
        try {
          await play(host, text, line);
        } catch (cause) {
          throw new Error(`cut before line ${line}: ${script.split('\n')[line]}`, { cause });
        } finally {
          host.remove();
        }
      }),
    ),
  );
}

describe('a script on the host that is killed', () => {
  it('leaves the old tables or the new ones, wherever loading is cut off, and the old ones come back', async () => {
    requireOrSkip(able, needs);
    let loaded = 0;
    await each(STAGE, async (host, text) => {
      stageIn(host, text);
      const now = host.own();
      expect([OLD, NEW]).toContain(now);
      if (now === NEW) loaded++;
      expect(await host.until(OLD, WITHIN_S * 1000 + 3000)).toBe(OLD);
      // Whatever it left behind, the next one gets through.
      expect(await applyPatiently(host)).toMatchObject({ kind: 'applied', previous: OLD });
      expect(host.own()).toBe(NEXT);
    });
    if (isLong) expect(loaded).toBeGreaterThan(0);
  }, 300_000);

  it('is confirmed or taken back, wherever confirming is cut off', async () => {
    requireOrSkip(able, needs);
    await each(CONFIRM, async (host, text) => {
      expect(stageIn(host)).toMatch(/cordon: loaded\n$/);
      host.script(text, ['t0']);
      expect(host.own()).toBe(NEW);
      await sleep(WITHIN_S * 1000 + 1500);
      const isConfirmed = readdirSync(host.state).includes('confirmed');
      expect(await host.until(isConfirmed ? NEW : OLD, 2000)).toBe(isConfirmed ? NEW : OLD);
      expect(await applyRuleset(host.access, NEXT)).toMatchObject({
        kind: 'applied',
        previous: isConfirmed ? NEW : OLD,
      });
    });
  }, 300_000);

  it('leaves something to go back to, wherever the timer is cut off; the next apply goes back, and says so', async () => {
    requireOrSkip(able, needs);
    let recovered = 0;
    await each(TIMER, async (host, text) => {
      const said = stageIn(host, STAGE, text);
      await sleep(WITHIN_S * 1000 + 1500);
      expect([OLD, NEW]).toContain(host.own());
      // Without a timer that is ready nothing is loaded at all.
      if (said.includes('untimed')) expect(host.own()).toBe(OLD);
      const outcome = await applyRuleset(host.access, NEXT);
      expect(outcome).toMatchObject({ kind: 'applied', previous: OLD });
      if (outcome.notes.join().includes('were restored first')) recovered++;
      expect(host.own()).toBe(NEXT);
    });
    if (isLong) expect(recovered).toBeGreaterThan(0);
  }, 300_000);
});
