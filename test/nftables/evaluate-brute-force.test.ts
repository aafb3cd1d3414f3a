import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decidingRule } from '../../src/nftables/decide.ts';
import { evaluateHook } from '../../src/nftables/evaluate.ts';
import { arbKnownMatch, arbPacket, arbRuleset, arbUnknownMatch } from './arbitraries.ts';
import { type Oracle, runHook, showPacket } from './interpreter.ts';

const HOOK = 'input';
const packets = fc.array(arbPacket, { minLength: 20, maxLength: 20 });
const never: Oracle = {
  condition: () => {
    throw new Error('nothing to ask');
  },
  limit: () => {
    throw new Error('nothing to ask');
  },
};

test('without unknown conditions, may and must are exactly what a concrete run accepts', () => {
  let accepted = 0;
  let dropped = 0;
  fc.assert(
    fc.property(arbRuleset(HOOK, arbKnownMatch), packets, (ruleset, sample) => {
      const { may, must, unknowns } = evaluateHook(ruleset, HOOK);
      expect(unknowns).toEqual([]);
      expect(may === must).toBe(true);
      for (const p of sample) {
        const verdict = runHook(ruleset, HOOK, p, never);
        if (verdict === 'accept') accepted++;
        else dropped++;
        expect(may.contains(p), showPacket(p)).toBe(verdict === 'accept');
        expect(decidingRule(ruleset, HOOK, p).verdict, showPacket(p)).toBe(verdict);
      }
    }),
    { numRuns: 300 },
  );
  expect(Math.min(accepted, dropped)).toBeGreaterThan(500);
});

test('with unknown conditions, whatever they answer, an accepted packet is in may and a packet of must is accepted', () => {
  const match = fc.oneof({ weight: 3, arbitrary: arbKnownMatch }, { weight: 1, arbitrary: arbUnknownMatch });
  let undecided = 0;
  fc.assert(
    fc.property(arbRuleset(HOOK, match), packets, fc.infiniteStream(fc.boolean()), (ruleset, sample, coins) => {
      const { may, must } = evaluateHook(ruleset, HOOK);
      const toss = () => coins.next().value;
      for (const p of sample) {
        const answers = new Map<string, boolean>();
        const condition = (text: string) => {
          const known = answers.get(text) ?? toss();
          answers.set(text, known);
          return known;
        };
        const verdict = runHook(ruleset, HOOK, p, { condition, limit: toss });
        if (verdict === 'accept') expect(may.contains(p), showPacket(p)).toBe(true);
        else expect(must.contains(p), showPacket(p)).toBe(false);
        const decision = decidingRule(ruleset, HOOK, p).verdict;
        if (decision === 'unknown') undecided++;
        else expect(decision, showPacket(p)).toBe(verdict);
      }
    }),
    { numRuns: 300 },
  );
  expect(undecided).toBeGreaterThan(100);
});
