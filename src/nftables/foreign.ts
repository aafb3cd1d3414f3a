import type { Span } from '../source/span.ts';
import { printStatement } from './print-statement.ts';
import { type Chain, isOwnTable, type Rule, type Ruleset, type Statement, type Table } from './ruleset.ts';
import { bareWords, looksOnly } from './statement-words.ts';

/** How something in a foreign table can lead packets past our tables, or change them before or behind our rules. */
export type BypassKind =
  | 'nat'
  | 'mangle'
  | 'notrack'
  | 'redirect'
  | 'tproxy'
  | 'dup'
  | 'fwd'
  | 'flowtable'
  | 'device-table'
  | 'before-conntrack'
  | 'ct-object'
  | 'queue'
  | 'xt'
  | 'not-understood';

/** One such thing. What our table does is no proof beside it until somebody has allowed it knowingly. */
export interface ForeignFinding {
  readonly kind: BypassKind;
  /** `ip nat`. */
  readonly table: string;
  /** Undefined for what belongs to the table itself. */
  readonly chain: string | undefined;
  /** The rule, hook line or object as listed. */
  readonly text: string;
  /** Absent on rendered rulesets. */
  readonly span?: Span;
}

/**
 * What the tables of others hold that ordinary filtering does not need. Their accepts and drops are not listed: an
 * accept opens nothing that our chains drop. Dormant tables are listed like the others, one command wakes them.
 */
export function foreignFindings(ruleset: Ruleset): readonly ForeignFinding[] {
  return ruleset.tables.filter((t) => !isOwnTable(t)).flatMap(tableFindings);
}

function tableFindings(table: Table): ForeignFinding[] {
  const name = `${table.family} ${table.name}`;
  const at = (span: Span | undefined) => (span === undefined ? {} : { span });
  const findings: ForeignFinding[] = [];
  if (table.family === 'netdev' || table.family === 'bridge') {
    findings.push({ kind: 'device-table', table: name, chain: undefined, text: `table ${name}`, ...at(table.span) });
  }
  for (const object of table.others) {
    const kind = OBJECT_KINDS.get(object.kind);
    const text = `${object.kind} ${object.name}`;
    if (kind !== undefined) findings.push({ kind, table: name, chain: undefined, text, ...at(object.span) });
  }
  for (const chain of table.chains) {
    const kind = chainKind(chain);
    const hook = chain.base === undefined ? '' : hookText(chain.base);
    if (kind !== undefined) findings.push({ kind, table: name, chain: chain.name, text: hook, ...at(chain.span) });
    for (const rule of chain.rules) {
      for (const { kind: ruleKind, text } of ruleFindings(rule)) {
        findings.push({ kind: ruleKind, table: name, chain: chain.name, text, ...at(rule.span) });
      }
    }
  }
  return findings;
}

const OBJECT_KINDS: ReadonlyMap<string, BypassKind> = new Map([
  ['flowtable', 'flowtable'],
  ['ct helper', 'ct-object'],
  ['ct expectation', 'ct-object'],
  ['ct timeout', 'ct-object'],
  ['synproxy', 'not-understood'],
]);

/** Connection tracking runs at -200 (linux/netfilter_ipv4.h NF_IP_PRI_CONNTRACK); what comes earlier can evade it. */
const CONNTRACK_PRIORITY = -200;

function chainKind(chain: Chain): BypassKind | undefined {
  const { base } = chain;
  if (base === undefined) return undefined;
  if (base.type === 'nat') return 'nat';
  if (base.type === 'route') return 'mangle';
  if (base.hook === 'ingress' || base.hook === 'egress') return 'device-table';
  return base.priority <= CONNTRACK_PRIORITY ? 'before-conntrack' : undefined;
}

function hookText(base: NonNullable<Chain['base']>): string {
  return `type ${base.type} hook ${base.hook} priority ${base.priority}`;
}

function ruleFindings(rule: Rule): { kind: BypassKind; text: string }[] {
  const kinds = new Map<BypassKind, string>();
  for (const statement of rule.statements) {
    const kind = statementKind(statement);
    if (kind !== undefined && !kinds.has(kind)) kinds.set(kind, printStatement(statement));
  }
  return [...kinds].map(([kind, text]) => ({ kind, text }));
}

/** By the words of the statement, the most specific first. Every statement of nft(8) that does more than look is here. */
const BYPASSES: readonly (readonly [RegExp, BypassKind])[] = [
  [/\bxt (match|target)\b/, 'xt'],
  [/\bredirect\b/, 'redirect'],
  [/\b[ds]nat\b.* to\b|\bmasquerade\b/, 'nat'],
  [/\bnotrack\b/, 'notrack'],
  [/\btproxy\b/, 'tproxy'],
  [/\bdup to\b/, 'dup'],
  [/\bfwd\b.* to\b/, 'fwd'],
  [/\bflow (add|offload)\b/, 'flowtable'],
  [/\bct (helper|timeout|expectation) set\b/, 'ct-object'],
  [/\bqueue\b/, 'queue'],
  [/\bsynproxy\b/, 'not-understood'],
  [/(^| )set( |$)/, 'mangle'],
];

/** The segment size and tracing are nothing that a rule of ours looks at. */
const HARMLESS = /^(tcp option maxseg size set (rt mtu|[0-9]+)|meta nftrace set [01])$/;

function statementKind(statement: Statement): BypassKind | undefined {
  if (statement.kind === 'set-ct-mark') return 'mangle';
  if (statement.kind === 'vmap') {
    return readsAll(statement) ? undefined : textKind(statement.text);
  }
  if (statement.kind !== 'unknown' && statement.kind !== 'rewrite' && statement.kind !== 'condition') return undefined;
  return textKind(statement.text);
}

function readsAll({ map }: Extract<Statement, { kind: 'vmap' }>): boolean {
  return typeof map === 'string' || map.every((entry) => entry.verdict.kind !== 'unknown');
}

function textKind(text: string): BypassKind | undefined {
  const bare = bareWords(text);
  if (HARMLESS.test(bare)) return undefined;
  const bypass = BYPASSES.find(([pattern]) => pattern.test(bare));
  if (bypass !== undefined) return bypass[1];
  return looksOnly(bare) ? undefined : 'not-understood';
}
