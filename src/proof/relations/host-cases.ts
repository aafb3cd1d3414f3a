import { conditionOf } from '../../nftables/condition.ts';
import { printStatement } from '../../nftables/print-statement.ts';
import { isOwnTable, type Match, type Rule, type Ruleset, type Statement, type Table } from '../../nftables/ruleset.ts';

/** More undecided matches than this are left undecided: each doubles the work. */
const MAX_UNDECIDED = 6;

/**
 * Decides every match of our tables that the packet model cannot (a cgroup, a connection's mark, a hop limit), in every
 * way, and each way alike in both rulesets: a packet for which the match is true is the same packet on both sides. So what
 * hangs on such a match in both rulesets is no difference between them.
 * @returns pairs of rulesets; the pair itself where there is nothing to decide, or too much
 */
export function decidedCases(a: Ruleset, b: Ruleset): readonly (readonly [Ruleset, Ruleset])[] {
  const undecided = [...new Set([a, b].flatMap(undecidedIn))];
  if (undecided.length > MAX_UNDECIDED) return [[a, b]];
  return Array.from({ length: 1 << undecided.length }, (_, bits) => {
    const truth = new Map(undecided.map((key, i) => [key, ((bits >> i) & 1) === 1]));
    return [decide(a, truth), decide(b, truth)] as const;
  });
}

function undecidedIn(ruleset: Ruleset): string[] {
  const own = ruleset.tables.filter(isOwnTable);
  return own.flatMap((table) =>
    table.chains.flatMap((chain) =>
      chain.rules.flatMap((rule) => rule.statements.flatMap((s) => (isUndecided(s, table) ? [keyOf(s, table)] : []))),
    ),
  );
}

/** A match whose right side is in the rule itself: a named set may have other elements on the other side. */
function isUndecided(statement: Statement, table: Table): statement is Match {
  if (statement.kind !== 'match' || statement.right.kind === 'named-set') return false;
  const { sure, possible } = conditionOf(statement, table);
  return sure !== possible;
}

function keyOf(match: Match, table: Table): string {
  return `${table.family} ${printStatement(match)}`;
}

function decide(ruleset: Ruleset, truth: ReadonlyMap<string, boolean>): Ruleset {
  return {
    tables: ruleset.tables.map((table) => {
      if (!isOwnTable(table)) return table;
      return {
        ...table,
        chains: table.chains.map((chain) => ({
          ...chain,
          rules: chain.rules.flatMap((rule) => decideRule(rule, table, truth)),
        })),
      };
    }),
  };
}

/** A rule with a match that is false does nothing at all: matches come before what a rule does in all that we read. */
function decideRule(rule: Rule, table: Table, truth: ReadonlyMap<string, boolean>): Rule[] {
  const statements: Statement[] = [];
  for (const statement of rule.statements) {
    const isTrue = isUndecided(statement, table) ? truth.get(keyOf(statement, table)) : undefined;
    if (isTrue === false) return [{ ...rule, statements: [...statements, NEVER] }];
    if (isTrue === undefined || statement.kind !== 'match') statements.push(statement);
    else statements.push(...possibleFor(statement));
  }
  return [{ ...rule, statements }];
}

/** No packet: it would have to be of both families. */
const NEVER: Match = {
  kind: 'match',
  selector: { kind: 'meta', key: 'nfproto' },
  op: '==',
  right: { kind: 'set', elements: [] },
};

/** The packets for which the match can be true at all. */
function possibleFor({ selector }: Match): Statement[] {
  const nfproto = (value: bigint): Match => ({
    kind: 'match',
    selector: { kind: 'meta', key: 'nfproto' },
    op: '==',
    right: { kind: 'number', value },
  });
  if (selector.kind === 'payload' && selector.protocol === 'ip') return [nfproto(2n)];
  if (selector.kind === 'payload' && selector.protocol === 'ip6') return [nfproto(10n)];
  if (selector.kind !== 'ct') return [];
  // A connection's mark and direction are there with a connection only.
  const directions = [0n, 1n].map((value) => ({ kind: 'number', value }) as const);
  return [
    {
      kind: 'match',
      selector: { kind: 'ct', key: 'direction' },
      op: '==',
      right: { kind: 'set', elements: directions },
    },
  ];
}
