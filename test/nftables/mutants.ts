import { printStatement } from '../../src/nftables/print-statement.ts';
import type { Chain, Match, Rule, Ruleset, Statement, Table, Value } from '../../src/nftables/ruleset.ts';

/** A ruleset with one mistake in it. */
export interface Mutant {
  readonly what: string;
  readonly rule: Rule | undefined;
  readonly chain: string;
  readonly ruleset: Ruleset;
}

const ACCEPT_ALL: Rule = { statements: [{ kind: 'accept' }], comment: undefined };

/** Every mistake a renderer is likely to make, one at a time: about ten for each rule. */
export function* mutantsOf(ruleset: Ruleset): Generator<Mutant> {
  for (const table of ruleset.tables) {
    for (const chain of table.chains) {
      const put = (next: Partial<Chain>) => replaceChain(ruleset, table, chain, next);
      const name = `${table.family} ${chain.name}`;
      yield {
        what: 'accept in front',
        rule: undefined,
        chain: name,
        ruleset: put({ rules: [ACCEPT_ALL, ...chain.rules] }),
      };
      if (chain.rules.length > 0) yield { what: 'flushed', rule: undefined, chain: name, ruleset: put({ rules: [] }) };
      if (chain.base !== undefined) {
        const base = { ...chain.base, policy: 'accept' as const };
        yield {
          what: 'open end',
          rule: chain.rules.at(-1),
          chain: name,
          ruleset: put({ base, rules: chain.rules.slice(0, -1) }),
        };
        yield { what: 'not hooked', rule: undefined, chain: name, ruleset: put({ base: undefined }) };
      }
      for (const [at, rule] of chain.rules.entries()) {
        const swap = (...rules: Rule[]) =>
          put({ rules: [...chain.rules.slice(0, at), ...rules, ...chain.rules.slice(at + 1)] });
        yield { what: 'rule dropped', rule, chain: name, ruleset: swap() };
        for (const [what, statements] of ruleMutants(rule)) {
          yield { what: what, rule, chain: name, ruleset: swap({ ...rule, statements }) };
        }
      }
    }
    for (const set of table.sets) {
      const elements = set.elements.slice(1);
      const sets = table.sets.map((s) => (s === set ? { ...s, elements } : s));
      const tables = ruleset.tables.map((t) => (t === table ? { ...t, sets } : t));
      yield { what: `first element gone from ${set.name}`, rule: undefined, chain: table.family, ruleset: { tables } };
    }
  }
}

function replaceChain(ruleset: Ruleset, table: Table, chain: Chain, next: Partial<Chain>): Ruleset {
  const chains = table.chains.map((c) => (c === chain ? { ...c, ...next } : c));
  return { tables: ruleset.tables.map((t) => (t === table ? { ...t, chains } : t)) };
}

function* ruleMutants(rule: Rule): Generator<[string, Statement[]]> {
  for (const [i, s] of rule.statements.entries()) {
    const swap = (...put: Statement[]) => [...rule.statements.slice(0, i), ...put, ...rule.statements.slice(i + 1)];
    if (s.kind === 'match') {
      yield [`dropped: ${printStatement(s)}`, swap()];
      if (s.op === '==') yield [`negated: ${printStatement(s)}`, swap({ ...s, op: '!=' })];
      const wider = widened(rule, s);
      if (wider !== undefined) yield [`widened: ${printStatement(s)}`, swap(wider)];
    }
    if (s.kind === 'drop') yield ['accept for drop', swap({ kind: 'accept' })];
    if (s.kind === 'accept') yield ['drop for accept', swap({ kind: 'drop' })];
  }
}

/** One value more: the next port, the neighbouring address block, `new` for a reply. */
function widened(rule: Rule, m: Match): Match | undefined {
  if (m.right.kind === 'any-bit') {
    // A reply is never new, so this would change nothing.
    const isReply = rule.statements.some(
      (s) =>
        s.kind === 'match' &&
        s.selector.kind === 'ct' &&
        s.selector.key === 'direction' &&
        s.right.kind === 'number' &&
        s.right.value === 1n,
    );
    return isReply || m.right.bits.includes(8n)
      ? undefined
      : { ...m, right: { kind: 'any-bit', bits: [...m.right.bits, 8n] } };
  }
  const grow = (v: Value): Value | undefined => {
    if (v.kind === 'number' && m.selector.kind === 'payload' && m.selector.field.endsWith('port')) {
      return { kind: 'number-range', first: v.value, last: v.value + 1n };
    }
    if (v.kind !== 'address') return undefined;
    return { kind: 'address-range', first: v.address, last: { ...v.address, value: v.address.value + 1n } };
  };
  if (m.right.kind === 'named-set' || m.right.kind === 'set') return undefined;
  const right = grow(m.right);
  return right === undefined ? undefined : { ...m, right };
}
