import { describe, expect, it } from 'vitest';
import { parseRuleset } from '../../src/nftables/parse.ts';
import { printRuleset } from '../../src/nftables/print.ts';
import { printRule } from '../../src/nftables/print-statement.ts';
import { verdictOf } from '../../src/proof/claim.ts';
import { mutantsOf } from '../nftables/mutants.ts';
import { proved, rulesOf, type World, withSource } from '../support/evidence.ts';
import { homelab, netns, node, plain } from '../support/ruleset-edits.ts';
import { accepted } from '../topology/support.ts';

/**
 * What may change without any claim saying so, because nothing more gets through and no declared flow stops: `chain | what
 * was done | rule`. Everything that is not in this list has to be noticed.
 */
const HARMLESS: readonly RegExp[] = [
  // A model's host that says less to itself, or the same: answers are let through by a rule of their own.
  /^inet model_loopback \| (flushed|rule dropped|drop for accept) \|/,
  /^inet model_loopback \| (dropped|negated): ct direction original \|/,
  /^inet loopback \| (dropped|widened): (tcp dport 11434|ct state new) \|/,
  /^inet loopback \| flushed \|/,
  /^inet loopback \| (rule dropped|drop for accept|negated: meta skuid 0) \| (meta skuid 0 )?accept$/,
  /^inet loopback \| dropped: meta skuid != 0 \| meta skuid != 0 goto model_loopback$/,
  /^inet (input|output|postrouting) \| .* \| [io]if "lo" /,
  // Without these the link, bulk data or the daemon suffers, not the isolation; hop limits are no field of a packet.
  /^inet (pmtu|neighbours|daemon_\w+) \| (flushed|rule dropped|drop for accept) \|/,
  /^inet (input|output|postrouting) \| rule dropped \| .*jump (pmtu|neighbours|daemon_\w+)$/,
  /^netdev egress \| (rule dropped|drop for accept) \| (ether type arp|icmpv6)/,
  /hoplimit/,
  /first element gone from (neighbour_links|underlay)/,
  // These only count, or log, what the default drops too.
  /^inet alarms_/,
  /first element gone from model_any/,
  /rule dropped \| (jump alarms_|limit rate)/,
  // The guard and the interface of each rule say the same twice.
  /^inet guard \|/,
  /^inet input \| rule dropped \| jump guard/,
  /^inet ingress \| dropped: iifname "tailscale0"/,
  // The daemon's identity is a condition outside of the packet model, whatever it asks for.
  /^inet daemon_(in|out|post) \| negated: (ct mark|socket cgroupv2)/,
];

/** What a host that is no model says to itself is no claim. */
const OPEN_LOOPBACK = /^inet loopback \|/;

function survivorsOf(world: World, host: string, chains: RegExp): { total: number; survivors: string[] } {
  const source = `host/${host}/nft.txt`;
  const ruleset = accepted(parseRuleset(source, rulesOf(world.evidence, host)));
  const survivors: string[] = [];
  let total = 0;
  for (const mutant of mutantsOf(ruleset)) {
    if (!chains.test(mutant.chain)) continue;
    total++;
    const evidence = withSource(world.evidence, source, { status: 'ok', body: printRuleset(mutant.ruleset) });
    if (verdictOf(proved(world, evidence)) !== 'holds') continue;
    survivors.push([mutant.chain, mutant.what, mutant.rule === undefined ? '' : printRule(mutant.rule)].join(' | '));
  }
  return { total, survivors };
}

describe('a ruleset with one mistake', () => {
  it.each([
    ['of a model in its segment', homelab, 'ollama-1', /./, 150],
    ['of an orchestrator with the daemon', node, 'orch-1', /./, 200],
    ['of a router', plain, 'rtr-1', /forward/, 90],
    ['of an orchestrator with a cell', netns, 'orch-1', /ingress|egress|daemon|output|postrouting/, 150],
  ] as const)('%s is noticed', { timeout: 120_000 }, (_what, world, host, chains, atLeast) => {
    const { total, survivors } = survivorsOf(world, host, chains);
    expect(total).toBeGreaterThan(atLeast);
    const harmless = host === 'ollama-1' ? HARMLESS : [...HARMLESS, OPEN_LOOPBACK];
    expect(survivors.filter((s) => !harmless.some((h) => h.test(s)))).toEqual([]);
  });
});
