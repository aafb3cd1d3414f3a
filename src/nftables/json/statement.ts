import { datatypeOf } from '../datatype.ts';
import { printSelector } from '../print-statement.ts';
import type {
  Limit,
  MapEntry,
  MarkKind,
  MarkValue,
  Match,
  RewriteEffect,
  Selector,
  Statement,
  UnknownStatement,
  VerdictStatement,
} from '../ruleset.ts';
import { combined, xtTarget } from '../statement-words.ts';
import { readElements, readLeft, readRight } from './expression.ts';
import { asObject, field, type JsonObject, onlyEntry, text, words } from './shape.ts';

/**
 * One statement of a rule as `nft -j` lists it (libnftables-json(5), "STATEMENTS"). Nothing is dropped: a match that has
 * no model is a condition, anything else that is not read is unknown.
 */
export function readJsonStatement(json: unknown): Statement {
  const entry = onlyEntry(json);
  if (entry === undefined) return { kind: 'unknown', text: words(json) };
  const [kind, value] = entry;
  const verdict = readVerdict(kind, value);
  if (verdict !== undefined) return verdict;
  return READERS.get(kind)?.(value) ?? { kind: 'unknown', text: `${kind} to ${words(value)}` };
}

function readVerdict(kind: string, value: unknown): VerdictStatement | undefined {
  if (kind === 'accept' || kind === 'drop' || kind === 'return' || kind === 'continue') {
    return value === null ? { kind } : undefined;
  }
  const target = text(asObject(value), 'target');
  return (kind === 'jump' || kind === 'goto') && target !== undefined ? { kind, target } : undefined;
}

const READERS: ReadonlyMap<string, (value: unknown) => Statement | undefined> = new Map([
  ['match', readMatch],
  ['vmap', readVerdictMap],
  ['counter', readCounter],
  ['reject', readReject],
  ['log', readLog],
  ['limit', readLimit],
  ['mangle', readMangle],
  ['dnat', nat('dnat', 'dst')],
  ['redirect', nat('redirect', 'dst')],
  ['snat', nat('snat', 'src')],
  ['masquerade', nat('masquerade', 'src')],
  ['notrack', (): Statement => ({ kind: 'rewrite', effect: { kind: 'notrack' }, text: 'notrack' })],
  ['xt', readExtension],
  ['set', changeOf('set')],
  ['map', changeOf('map')],
  ['quota', (value: unknown): Statement => ({ kind: 'condition', text: `quota ${words(value)}` })],
  ['ct count', (value: unknown): Statement => ({ kind: 'condition', text: `ct count ${words(value)}` })],
  ['flow', (value: unknown): Statement => ({ kind: 'condition', text: `flow add ${words(value)}` })],
  ['dup', (value: unknown): Statement => aside(`dup to ${words(value)}`)],
  ['ct helper', (value: unknown): Statement => aside(`ct helper set ${words(value)}`)],
  ['ct timeout', (value: unknown): Statement => aside(`ct timeout set ${words(value)}`)],
  ['ct expectation', (value: unknown): Statement => aside(`ct expectation set ${words(value)}`)],
]);

function aside(what: string): Statement {
  return { kind: 'rewrite', effect: { kind: 'aside' }, text: what };
}

const OPERATORS: Readonly<Record<string, Match['op']>> = {
  '==': '==',
  '!=': '!=',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
  in: '==',
  '!': '!=',
};

function readMatch(value: unknown): Statement | undefined {
  const object = asObject(value);
  const name = text(object, 'op') ?? '';
  const op = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (object === undefined || op === undefined) return undefined;
  const selector = readLeft(object['left']);
  const type = selector === undefined ? undefined : datatypeOf(selector);
  const isBits = name === 'in' || name === '!';
  const right = type === undefined ? undefined : readRight(object['right'], type, isBits);
  if (selector !== undefined && right !== undefined) return { kind: 'match', selector, op, right };
  return { kind: 'condition', text: `${leftWords(object['left'])} ${name} ${words(object['right'])}` };
}

/** Begins like nft's own words, by which statements are told apart. */
function leftWords(json: unknown): string {
  const [kind, value] = onlyEntry(json) ?? ['?', json];
  const protocol = kind === 'payload' ? text(asObject(value), 'protocol') : undefined;
  return protocol === undefined ? `${kind} ${words(value)}` : `${protocol} ${text(asObject(value), 'field') ?? ''}`;
}

function readVerdictMap(value: unknown): Statement | undefined {
  const object = asObject(value);
  const selector = readLeft(field(object, 'key'));
  const type = selector === undefined ? undefined : datatypeOf(selector);
  if (selector === undefined || type === undefined) return undefined;
  const data = field(object, 'data');
  const left = printSelector(selector);
  if (typeof data === 'string' && data.startsWith('@')) {
    return { kind: 'vmap', selector, map: data.slice(1), text: `${left} vmap ${data}` };
  }
  const map = readEntries(field(asObject(data), 'set'), type);
  return map === undefined ? undefined : { kind: 'vmap', selector, map, text: `${left} vmap ${words(data)}` };
}

/** The pairs of a verdict map; undefined when they are no pairs at all. */
export function readEntries(json: unknown, type: Parameters<typeof readElements>[1]): MapEntry[] | undefined {
  if (!Array.isArray(json) || !json.every((pair) => Array.isArray(pair) && pair.length === 2)) return undefined;
  return json.map(([left, right]: unknown[]) => {
    const [key] = readElements([left], type);
    const unread: UnknownStatement = { kind: 'unknown', text: words([left, right]) };
    const [kind, value] = onlyEntry(right) ?? [''];
    return { key: key ?? unread, verdict: readVerdict(kind, value) ?? unread };
  });
}

function readCounter(value: unknown): Statement | undefined {
  if (typeof value === 'string') return { kind: 'counter', name: value };
  return value === null || asObject(value) !== undefined ? { kind: 'counter', name: undefined } : undefined;
}

function readReject(value: unknown): Statement {
  const object = asObject(value);
  const what = [text(object, 'type'), text(object, 'expr')].filter((w) => w !== undefined).join(' ');
  return { kind: 'reject', with: what === '' ? undefined : what };
}

function readLog(value: unknown): Statement | undefined {
  const object = asObject(value) ?? {};
  const { prefix, group, ...more } = object;
  const options = Object.entries(more).map(([key, v]) => `${key} ${words(v)}`);
  return {
    kind: 'log',
    prefix: typeof prefix === 'string' ? prefix : undefined,
    group: typeof group === 'number' ? group : undefined,
    options: options.length === 0 ? undefined : options.join(' '),
  };
}

function readLimit(value: unknown): Statement {
  const object = asObject(value);
  const { rate, burst, per, inv } = object ?? {};
  const isPlain = typeof rate === 'number' && typeof per === 'string' && field(object, 'rate_unit') === undefined;
  if (!isPlain) return { kind: 'condition', text: `limit ${words(value)}` };
  const unit = per as Limit['unit'];
  return { kind: 'limit', over: inv === true, rate, unit, burst: typeof burst === 'number' ? burst : undefined };
}

function readExtension(value: unknown): Statement | undefined {
  const object = asObject(value);
  const name = text(object, 'name');
  if (name === undefined) return undefined;
  if (text(object, 'type') === 'match') return { kind: 'condition', text: `xt match ${name}` };
  return text(object, 'type') === 'target' ? xtTarget(name) : undefined;
}

/** `add @set { … }`: keeps a list; whether the rule goes on depends on the list. */
function changeOf(which: 'set' | 'map'): (value: unknown) => Statement | undefined {
  return (value) => {
    const object = asObject(value);
    const op = text(object, 'op');
    const name = text(object, which);
    if (op === undefined || name?.startsWith('@') !== true) return undefined;
    return { kind: 'condition', text: `${op} ${name} { ${words(field(object, 'elem'))} }` };
  };
}

function nat(word: string, side: 'src' | 'dst'): (value: unknown) => Statement {
  return (value) => {
    const object = asObject(value);
    const family = text(object, 'family');
    const version = family === 'ip' ? 4 : family === 'ip6' ? 6 : undefined;
    const effect: RewriteEffect = { kind: 'nat', side, ...(version === undefined ? {} : { family: version }) };
    return { kind: 'rewrite', effect, text: natText(word, object) };
  };
}

function natText(word: string, object: JsonObject | undefined): string {
  const { family, addr, port, flags, ...more } = object ?? {};
  const to = [addr === undefined ? '' : words(addr), port === undefined ? '' : `:${words(port)}`].join('');
  const parts = [word, family, to === '' ? undefined : `to ${to}`, flags === undefined ? undefined : words(flags)];
  const rest = Object.keys(more).length === 0 ? undefined : words(more);
  return [...parts, rest].filter((p) => p !== undefined).join(' ');
}

function readMangle(value: unknown): Statement | undefined {
  const object = asObject(value);
  const [kind, inner] = onlyEntry(field(object, 'key')) ?? [''];
  const target = asObject(inner);
  const to = field(object, 'value');
  const key = text(target, 'key') ?? '';
  if ((kind === 'meta' || kind === 'ct') && key === 'mark') {
    const of: MarkKind = `${kind} mark`;
    const read = markValue(to);
    if (read === undefined) return { kind: 'unknown', text: `${of} set ${words(to)}` };
    return { kind: 'rewrite', effect: { kind: 'mark', of, value: read.value }, text: `${of} set ${read.text}` };
  }
  const what = [kind, text(target, 'protocol') ?? text(target, 'name'), text(target, 'field') ?? key];
  const label = `${what.filter((w) => w !== undefined && w !== '').join(' ')} set ${words(to)}`;
  if (kind === 'payload') {
    const [protocol, name] = [text(target, 'protocol'), text(target, 'field')];
    if (protocol === undefined || name === undefined) return { kind: 'unknown', text: label };
    const effect: RewriteEffect = { kind: 'payload', protocol, field: name };
    return { kind: 'rewrite', effect, text: `${protocol} ${name} set ${words(to)}` };
  }
  const isAside =
    (kind === 'meta' && /^(nftrace|priority|secmark)$/.test(key)) ||
    (kind === 'ct' && /^(label|event|secmark|helper)$/.test(key)) ||
    (kind === 'tcp option' && text(target, 'name') === 'maxseg');
  return isAside ? aside(label) : { kind: 'unknown', text: label };
}

/** A mark's new value and nft's words for it; undefined when it is more than a mark and constants. */
function markValue(json: unknown): { readonly value: MarkValue; readonly text: string } | undefined {
  if (typeof json === 'number' && Number.isInteger(json) && json >= 0 && json <= 0xffffffff) {
    return { value: { base: undefined, and: 0n, xor: BigInt(json) }, text: hex(json) };
  }
  const entry = onlyEntry(json);
  if (entry === undefined) return undefined;
  const [kind, inner] = entry;
  if (kind === 'meta' || kind === 'ct') {
    const base: MarkKind = `${kind} mark`;
    const isMark = text(asObject(inner), 'key') === 'mark';
    return isMark ? { value: { base, and: 0xffffffffn, xor: 0n }, text: base } : undefined;
  }
  const [left, by, ...more] = Array.isArray(inner) ? inner : [];
  const from = more.length > 0 ? undefined : markValue(left);
  if (from === undefined || typeof by !== 'number' || !Number.isInteger(by)) return undefined;
  const value = combined(from.value, kind, BigInt(by));
  return value === undefined ? undefined : { value, text: `${from.text} ${kind} ${hex(by)}` };
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}

/**
 * How much of a statement is left open, by which two listings of one rule are compared: nothing, a detail (the arguments
 * of a target, the level of a cgroup), whether it matches, everything.
 */
export function openness(statement: Statement): 0 | 1 | 2 | 3 {
  switch (statement.kind) {
    case 'unknown':
      return 3;
    case 'condition':
      return 2;
    case 'match':
      return isLost(statement.selector) ? 1 : 0;
    case 'vmap':
      return typeof statement.map !== 'string' && statement.map.some(isOpenEntry) ? 2 : 0;
    case 'rewrite':
      return statement.text.startsWith('xt ') ? 1 : 0;
    default:
      return 0;
  }
}

function isOpenEntry({ key, verdict }: MapEntry): boolean {
  return key.kind === 'unknown' || verdict.kind === 'unknown';
}

function isLost(selector: Selector): boolean {
  if (selector.kind === 'concat') return selector.parts.some(isLost);
  return selector.kind === 'socket-cgroup' && selector.level === undefined;
}
