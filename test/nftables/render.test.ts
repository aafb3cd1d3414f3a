import { describe, expect, test } from 'vitest';
import { lintRuleset } from '../../src/nftables/lint.ts';
import { printRuleset } from '../../src/nftables/print.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { expectGolden } from './golden.ts';
import { planDeviations } from './plan-oracle.ts';
import { PLANS } from './plans.ts';

describe.each(Object.entries(PLANS))('%s', (name, plan) => {
  const ruleset = renderHost(plan);
  test('is the reviewed text', () => expectGolden(`${name}.txt`, printRuleset(ruleset)));
  test('passes the lint', () => expect(lintRuleset(ruleset)).toEqual([]));
  test('permits exactly what the plan says', () => expect(planDeviations(plan, ruleset)).toEqual([]));
});
