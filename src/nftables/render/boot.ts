import { printRuleset } from '../print.ts';
import { OWN_TABLE, type Rule, type Ruleset, type Statement } from '../ruleset.ts';

/**
 * A file for `nft -f` that puts the ruleset in place of whatever tables of ours are there, in one transaction: each
 * table is created, so that deleting it cannot fail, deleted, and defined anew (nft(8), "ATOMICITY"). Nothing of others
 * is touched; there is no `flush ruleset`.
 */
export function loadable(ruleset: Ruleset): string {
  const replaced = (['inet', 'netdev'] as const).map(
    (family) => `table ${family} ${OWN_TABLE}\ndelete table ${family} ${OWN_TABLE}\n`,
  );
  return replaced.join('') + printRuleset(ruleset);
}

/** True where loading needs a control group to exist: nft looks its path up, and refuses the whole file without it. */
export function needsControlGroup(ruleset: Ruleset): boolean {
  return ruleset.tables.some((t) => t.chains.some((c) => c.rules.some(namesControlGroup)));
}

/**
 * The same ruleset without the rules that name a control group, for the boot at which there is none: what those rules let
 * out stays in, so the tailnet is down and everything else is as declared.
 */
export function withoutControlGroups(ruleset: Ruleset): Ruleset {
  return {
    tables: ruleset.tables.map((table) => ({
      ...table,
      chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter((r) => !namesControlGroup(r)) })),
    })),
  };
}

function namesControlGroup(rule: Rule): boolean {
  return rule.statements.some((s: Statement) => s.kind === 'match' && s.selector.kind === 'socket-cgroup');
}
