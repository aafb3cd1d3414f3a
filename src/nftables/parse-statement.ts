import { parseNumber } from './datatype.ts';
import { readVerdictMap } from './parse-map.ts';
import { type Read, readMatch, wordAt } from './parse-match.ts';
import type { Limit, Statement } from './ruleset.ts';
import { otherStatement } from './statement-words.ts';
import { isToken, type Token, tokenize } from './token.ts';

/** A rule without its place. */
export interface ReadRule {
  readonly statements: readonly Statement[];
  readonly comment: string | undefined;
}

/**
 * Reads a rule as nft prints it. What is outside the dialect becomes `unknown` statements; nothing is dropped.
 *
 * An unknown statement reaches as far as needed for the rest of the rule to consist of counters, logs, limits and
 * verdicts only. Matches behind it are taken into it: its own arguments may look like one (`ct original ip saddr …`).
 */
export function readRule(text: string): ReadRule {
  const all = tokenize(text) ?? [];
  const last = all.at(-1);
  const hasComment = last?.kind === 'string' && isToken(all.at(-2), 'comment');
  const tokens = hasComment ? all.slice(0, -2) : all;
  const statements: Statement[] = [];
  for (let i = 0; i < tokens.length; ) {
    if (tokens[i]?.gap === true) statements.push({ kind: 'unknown', text: '' });
    const read =
      readMatch(tokens, i) ??
      readVerdictMap(text, tokens, i) ??
      readPlain(tokens, i) ??
      readSetMark(tokens, i) ??
      readMark(text, tokens, i);
    const known = read === undefined || hasGapInside(tokens, i, read.next) ? readUnknown(text, tokens, i) : read;
    statements.push(known.value);
    i = known.next;
  }
  if (all.at(hasComment ? -2 : all.length)?.gap === true) statements.push({ kind: 'unknown', text: '' });
  if (/\s$/.test(text) || all.length === 0) statements.push({ kind: 'unknown', text: '' });
  return { statements, comment: hasComment ? last.text : undefined };
}

function hasGapInside(tokens: readonly Token[], from: number, to: number): boolean {
  return tokens.slice(from + 1, to).some((t) => t.gap);
}

function readUnknown(text: string, tokens: readonly Token[], at: number): Read<Statement> {
  const isXt = wordAt(tokens, at) === 'xt' && /^(match|target)$/.test(wordAt(tokens, at + 1) ?? '');
  // Of an extension of iptables only the name is shown: what follows is another statement.
  const end = isXt ? Math.min(at + 3, tokens.length) : Math.max(at + 1, plainTail(tokens));
  const start = tokens[at]?.start ?? 0;
  const words = text.slice(start, tokens[end - 1]?.end ?? start);
  // A blank too many inside is a statement that nft could not show.
  const value: Statement = hasGapInside(tokens, at, end) ? { kind: 'unknown', text: words } : otherStatement(words);
  return { value, next: end };
}

const plainTails = new WeakMap<readonly Token[], number>();

/** Where the longest end of the rule begins that is all neutral statements and verdicts, outside of braces. */
function plainTail(tokens: readonly Token[]): number {
  const known = plainTails.get(tokens);
  if (known !== undefined) return known;
  // From the end: a statement reaches from its first word to where a tail that is known to be plain begins.
  const starts = new Set([tokens.length]);
  let first = tokens.length;
  for (let i = tokens.length - 1; i >= 0 && !isToken(tokens[i], '}') && !isToken(tokens[i], '{'); i--) {
    const read = readPlain(tokens, i);
    if (read === undefined || !starts.has(read.next)) continue;
    starts.add(i);
    first = i;
  }
  plainTails.set(tokens, first);
  return first;
}

/** Statements that are no match and rewrite nothing. */
function readPlain(tokens: readonly Token[], at: number): Read<Statement> | undefined {
  switch (wordAt(tokens, at)) {
    case 'accept':
      return { value: { kind: 'accept' }, next: at + 1 };
    case 'drop':
      return { value: { kind: 'drop' }, next: at + 1 };
    case 'return':
      return { value: { kind: 'return' }, next: at + 1 };
    case 'continue':
      return { value: { kind: 'continue' }, next: at + 1 };
    case 'jump':
      return readJump('jump', tokens, at);
    case 'goto':
      return readJump('goto', tokens, at);
    case 'counter':
      return readCounter(tokens, at);
    case 'reject':
      return readReject(tokens, at);
    case 'log':
      return readLog(tokens, at);
    case 'limit':
      return readLimit(tokens, at);
    default:
      return undefined;
  }
}

function readJump(kind: 'jump' | 'goto', tokens: readonly Token[], at: number): Read<Statement> | undefined {
  const target = wordAt(tokens, at + 1);
  return target === undefined ? undefined : { value: { kind, target }, next: at + 2 };
}

function readCounter(tokens: readonly Token[], at: number): Read<Statement> {
  const name = tokens[at + 2];
  if (wordAt(tokens, at + 1) === 'name' && name?.kind === 'string') {
    return { value: { kind: 'counter', name: name.text }, next: at + 3 };
  }
  const counts = wordAt(tokens, at + 1) === 'packets' && wordAt(tokens, at + 3) === 'bytes';
  return { value: { kind: 'counter', name: undefined }, next: counts ? at + 5 : at + 1 };
}

function readReject(tokens: readonly Token[], at: number): Read<Statement> {
  if (wordAt(tokens, at + 1) !== 'with') return { value: { kind: 'reject', with: undefined }, next: at + 1 };
  const next = at + (wordAt(tokens, at + 3) === 'type' ? 5 : 4);
  const words = tokens.slice(at + 2, next).map((t) => t.text);
  return { value: { kind: 'reject', with: words.join(' ') }, next };
}

function readLog(tokens: readonly Token[], at: number): Read<Statement> {
  let prefix: string | undefined;
  let group: number | undefined;
  const options: string[] = [];
  let i = at + 1;
  for (;;) {
    const word = wordAt(tokens, i);
    const argument = tokens[i + 1];
    if (word === 'prefix' && argument?.kind === 'string') prefix = argument.text;
    else if (word === 'group' && argument !== undefined) group = Number(argument.text);
    else if (/^(snaplen|queue-threshold|level|flags)$/.test(word ?? ''))
      options.push(`${word} ${argument?.text ?? ''}`);
    else break;
    i += 2;
  }
  const text = options.length === 0 ? undefined : options.join(' ');
  return { value: { kind: 'log', prefix, group, options: text }, next: i };
}

function readLimit(tokens: readonly Token[], at: number): Read<Statement> | undefined {
  if (wordAt(tokens, at + 1) !== 'rate') return undefined;
  const over = wordAt(tokens, at + 2) === 'over';
  const i = at + (over ? 3 : 2);
  const rate = /^([0-9]{1,9})\/(second|minute|hour|day|week)$/.exec(wordAt(tokens, i) ?? '');
  if (rate === null) return undefined;
  const value: Limit = {
    kind: 'limit',
    over,
    rate: Number(rate[1]),
    unit: rate[2] as Limit['unit'],
    burst: undefined,
  };
  if (wordAt(tokens, i + 1) !== 'burst') return { value, next: i + 1 };
  const burst = parseNumber(wordAt(tokens, i + 2) ?? '', 32);
  if (burst === undefined || wordAt(tokens, i + 3) !== 'packets') return undefined;
  return { value: { ...value, burst: Number(burst) }, next: i + 4 };
}

function readSetMark(tokens: readonly Token[], at: number): Read<Statement> | undefined {
  const shape = ['ct', 'mark', 'set', 'ct', 'mark', '|'];
  if (!shape.every((word, i) => wordAt(tokens, at + i) === word)) return undefined;
  const or = parseNumber(wordAt(tokens, at + shape.length) ?? '', 32);
  return or === undefined ? undefined : { value: { kind: 'set-ct-mark', or }, next: at + shape.length + 1 };
}

/** `meta mark set meta mark & 0xff04ffff | 0x00040000`: a mark or a number, and operations with numbers. */
function readMark(text: string, tokens: readonly Token[], at: number): Read<Statement> | undefined {
  const isMark = (i: number) => /^(meta|ct)$/.test(wordAt(tokens, i) ?? '') && wordAt(tokens, i + 1) === 'mark';
  const isNumber = (i: number) => parseNumber(wordAt(tokens, i) ?? '', 32) !== undefined;
  const from = at + 3;
  if (!isMark(at) || wordAt(tokens, at + 2) !== 'set' || !(isMark(from) || isNumber(from))) return undefined;
  let next = from + (isMark(from) ? 2 : 1);
  while (/^[&|^]$/.test(wordAt(tokens, next) ?? '') && isNumber(next + 1)) next += 2;
  if (/^([.&|^]|<<|>>|map)$/.test(wordAt(tokens, next) ?? '')) return undefined;
  const value = otherStatement(text.slice(tokens[at]?.start ?? 0, tokens[next - 1]?.end));
  return value.kind === 'rewrite' ? { value, next } : undefined;
}
