import type { Span } from '../source/span.ts';
import { printRule } from './print-statement.ts';
import { MAX_COMMENT } from './render/plan-check.ts';
import { type Chain, findChain, type Match, type Rule, type Ruleset, type Statement, type Table } from './ruleset.ts';
import { CT_STATE, numberOf } from './symbols.ts';

/** Something in a ruleset of ours that must never be there, whatever the plan was. */
export interface LintFinding {
  readonly code:
    | 'base-chain-open-end'
    | 'base-chain-policy'
    | 'goto-target-open-end'
    | 'established-accept'
    | 'bare-sport'
    | 'interface-index'
    | 'empty-set'
    | 'comment-too-long'
    | 'dangling-reference';
  /** `inet cordon`. */
  readonly table: string;
  readonly chain: string | undefined;
  /** The rule or object as nft prints it. */
  readonly text: string;
  readonly message: string;
  readonly span?: Span;
}

/**
 * Checks the shape that our own rulesets promise: a drop at every end, no rule that lets a connection go on by its state
 * alone, no rule that trusts a source port, names instead of interface numbers, nothing that refers to nothing.
 */
export function lintRuleset(ruleset: Ruleset): readonly LintFinding[] {
  return ruleset.tables.flatMap((table) => [
    ...table.sets.flatMap((s) => commentFinding(table, `set ${s.name}`, s.comment)),
    ...commentFinding(table, 'table', table.comment),
    ...table.chains.flatMap((c) => [...chainFindings(table, c), ...c.rules.flatMap((r) => ruleFindings(table, c, r))]),
  ]);
}

const ESTABLISHED = numberOf(CT_STATE, 'established') ?? 0n;

function finding(
  table: Table,
  chain: Chain | undefined,
  code: LintFinding['code'],
  text: string,
  message: string,
  span?: Span,
): LintFinding {
  const name = `${table.family} ${table.name}`;
  return { code, table: name, chain: chain?.name, text, message, ...(span === undefined ? {} : { span }) };
}

function commentFinding(table: Table, what: string, comment: string | undefined): LintFinding[] {
  if (comment === undefined || new TextEncoder().encode(comment).length <= MAX_COMMENT) return [];
  return [finding(table, undefined, 'comment-too-long', what, `nft keeps ${MAX_COMMENT} bytes of a comment`)];
}

function chainFindings(table: Table, chain: Chain): LintFinding[] {
  const findings: LintFinding[] = [];
  const last = chain.rules.at(-1);
  const end = last === undefined ? undefined : unconditionalVerdict(last);
  const text = last === undefined ? '(no rules)' : printRule(last);
  if (chain.base !== undefined) {
    if (chain.base.policy !== 'drop') {
      findings.push(finding(table, chain, 'base-chain-policy', text, 'its policy is not drop', chain.span));
    }
    if (end !== 'drop') {
      findings.push(
        finding(table, chain, 'base-chain-open-end', text, 'its last rule does not drop everything', chain.span),
      );
    }
  }
  const isGotoTarget = statementsOf(table).some((s) => s.kind === 'goto' && s.target === chain.name);
  if (isGotoTarget && end !== 'drop' && end !== 'accept') {
    findings.push(
      finding(table, chain, 'goto-target-open-end', text, 'entered by goto, it must end in a verdict', chain.span),
    );
  }
  return findings;
}

/** The verdict of a rule that every packet gets; undefined when some packets pass it. */
function unconditionalVerdict(rule: Rule): 'accept' | 'drop' | undefined {
  for (const s of rule.statements) {
    if (s.kind === 'accept' || s.kind === 'drop') return s.kind;
    if (s.kind !== 'counter' && s.kind !== 'log') return undefined;
  }
  return undefined;
}

function statementsOf(table: Table): Statement[] {
  return table.chains.flatMap((c) => c.rules.flatMap((r) => r.statements));
}

function ruleFindings(table: Table, chain: Chain, rule: Rule): LintFinding[] {
  const text = printRule(rule);
  const found = (code: LintFinding['code'], message: string) => finding(table, chain, code, text, message, rule.span);
  const findings = commentFinding(table, text, rule.comment);
  const matches = rule.statements.filter((s) => s.kind === 'match');
  const accepts = rule.statements.some((s) => s.kind === 'accept');
  if (accepts && table.family !== 'netdev') {
    if (matches.some((m) => hasState(m, ESTABLISHED)) && !matches.some(isDirection)) {
      findings.push(found('established-accept', 'lets every open connection go on, in either direction'));
    }
  }
  if (accepts && matches.some(isSourcePort) && !isTied(table, chain, matches)) {
    findings.push(found('bare-sport', 'trusts a source port, which the sender chooses'));
  }
  for (const m of matches) {
    const isIndex = m.selector.kind === 'meta' && (m.selector.key === 'iif' || m.selector.key === 'oif');
    if (isIndex && !(m.right.kind === 'string' && m.right.text === 'lo')) {
      findings.push(found('interface-index', 'an interface number goes stale: use iifname and oifname'));
    }
    if (m.right.kind === 'set' && m.right.elements.length === 0) {
      findings.push(found('empty-set', 'a set without elements cannot be loaded'));
    }
  }
  return [
    ...findings,
    ...rule.statements
      .filter((s) => isDangling(table, s))
      .map(() => found('dangling-reference', 'refers to something that the table does not have')),
  ];
}

function isDangling(table: Table, s: Statement): boolean {
  if (s.kind === 'jump' || s.kind === 'goto') return findChain(table, s.target) === undefined;
  if (s.kind === 'counter') return s.name !== undefined && !table.counters.some((c) => c.name === s.name);
  if (s.kind !== 'match' || s.right.kind !== 'named-set') return false;
  const { name } = s.right;
  return !table.sets.some((set) => set.name === name);
}

function hasState(m: Match, bit: bigint): boolean {
  if (m.selector.kind !== 'ct' || m.selector.key !== 'state') return false;
  if (m.op !== '==') return true;
  if (m.right.kind === 'any-bit') return m.right.bits.includes(bit);
  return m.right.kind !== 'set' || m.right.elements.some((e) => e.kind === 'number' && e.value === bit);
}

function isDirection(m: Match): boolean {
  return m.selector.kind === 'ct' && m.selector.key === 'direction' && m.op === '==';
}

function isSourcePort(m: Match): boolean {
  return m.selector.kind === 'payload' && m.selector.field === 'sport';
}

/** Something besides the port says whose packet it is: here, or on every way into the chain. */
function isTied(table: Table, chain: Chain, matches: readonly Match[]): boolean {
  if (matches.some(isTie)) return true;
  const isPinned = (field: string) => matches.some((m) => m.selector.kind === 'payload' && m.selector.field === field);
  if (table.family === 'netdev') return isPinned('saddr') && isPinned('daddr');
  const ways = table.chains
    .flatMap((c) => c.rules)
    .filter((r) => r.statements.some((s) => (s.kind === 'jump' || s.kind === 'goto') && s.target === chain.name));
  return ways.length > 0 && ways.every((r) => r.statements.some((s) => s.kind === 'match' && isTie(s)));
}

function isTie(m: Match): boolean {
  if (m.selector.kind === 'ct') return m.op === '==' && (m.selector.key === 'direction' || m.selector.key === 'mark');
  return m.selector.kind === 'meta' && m.selector.key === 'mark' && m.op === '==';
}
