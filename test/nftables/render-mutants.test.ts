import { expect, test } from 'vitest';
import type { HostPlan } from '../../src/nftables/host-plan.ts';
import { lintRuleset } from '../../src/nftables/lint.ts';
import { printRule } from '../../src/nftables/print-statement.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { planDeviations } from './plan-oracle.ts';
import { PLANS } from './plans.ts';

/** Mistakes that change no verdict of the packet model, and why; the golden texts and exact read-back show them. */
const HARMLESS: readonly ((m: Mutant, rule: string, plan: HostPlan) => boolean)[] = [
  // The log is no verdict, and what the alarms drop behind the flows the last rule drops too: only their counters change.
  (_, rule) => /^limit rate .* log /.test(rule),
  (m, rule) => / alarms_(in|out)$/.test(m.chain) || /^jump alarms_/.test(rule) || /model_any/.test(m.what),
  // Hop limits, cgroups and connection marks are outside of the packet model, ARP is no IP packet.
  (m) => /^(dropped|negated): (ip6 hoplimit|socket cgroupv2|ct mark)/.test(m.what),
  (_, rule) => rule === 'ether type arp accept',
  // The guard says the same of tailnet addresses; the twin of the other family says the same of the family.
  (m, rule) => m.what === 'dropped: iifname "tailscale0"' && /(100\.64\.|fd7a:115c:a1e0:|@peers)/.test(rule),
  (m) => /^dropped: meta nfproto/.test(m.what),
  // Nothing to lose.
  (_m, rule, plan) => plan.flows.length === 0 && /^jump (in|e)gress$/.test(rule),
  (m) => m.chain === 'inet loopback' && m.what === 'accept in front',
];

test.each(['model-segment', 'orchestrator', 'executor', 'other-router'])(
  'every single mistake in the ruleset of %s is noticed',
  (name) => {
    const plan = PLANS[name];
    if (plan === undefined) throw new Error(name);
    let caught = 0;
    const missed: string[] = [];
    for (const mutant of mutantsOf(renderHost(plan))) {
      if (planDeviations(plan, mutant.ruleset).length > 0 || lintRuleset(mutant.ruleset).length > 0) caught++;
      else {
        const rule = mutant.rule === undefined ? '' : printRule(mutant.rule);
        if (!HARMLESS.some((isHarmless) => isHarmless(mutant, rule, plan)))
          missed.push(`${mutant.chain}: ${mutant.what} (${rule})`);
      }
    }
    expect(missed).toEqual([]);
    expect(caught).toBeGreaterThan(100);
  },
  60_000,
);
