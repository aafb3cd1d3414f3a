import { type Datatype, datatypeOf, parseNumber, parseValue } from './datatype.ts';
import type { Match, MetaKey, Operand, PayloadProtocol, Selector, Value } from './ruleset.ts';
import { isToken, type Token } from './token.ts';

/** Something read from a rule, and the index of the token behind it. */
export interface Read<T> {
  readonly value: T;
  readonly next: number;
}

/** The keys of `meta` that have a model. */
export const META_KEYS: readonly string[] = [
  'iif',
  'oif',
  'iifname',
  'oifname',
  'l4proto',
  'nfproto',
  'protocol',
  'mark',
  'skuid',
  'skgid',
  'pkttype',
];
const BARE_META_KEYS: readonly string[] = ['iif', 'oif', 'iifname', 'oifname'];
/** The protocols whose fields may have a model. */
export const PROTOCOLS: readonly string[] = ['ip', 'ip6', 'tcp', 'udp', 'th', 'icmp', 'icmpv6', 'ether'];
const OPERATORS: readonly string[] = ['==', '!=', '<', '>', '<=', '>=', '!'];

/** Words that would make more of an expression than was read: then nothing was understood. */
const CONTINUATIONS: readonly string[] = ['.', '|', '&', '^', ':', '/', '<<', '>>', ',', 'vmap', 'map', 'set'];

/** Reads one match at `at`; undefined when it is not wholly inside the dialect. */
export function readMatch(tokens: readonly Token[], at: number): Read<Match> | undefined {
  const selector = readSelectors(tokens, at);
  if (selector === undefined) return undefined;
  const type = datatypeOf(selector.value);
  if (type === undefined) return undefined;
  const word = tokens[selector.next];
  const operator = word?.kind === 'word' && OPERATORS.includes(word.text) ? word.text : undefined;
  const from = operator === undefined ? selector.next : selector.next + 1;
  const read =
    type.kind === 'symbols' && type.flags
      ? readFlags(tokens, from, type, selector.value, operator)
      : readPlain(tokens, from, type, selector.value, operator);
  const after = tokens[read?.next ?? 0];
  if (after !== undefined && after.kind !== 'string' && CONTINUATIONS.includes(after.text)) return undefined;
  return read;
}

function readPlain(
  tokens: readonly Token[],
  at: number,
  type: Datatype,
  selector: Selector,
  operator: string | undefined,
): Read<Match> | undefined {
  if (operator === '!') return undefined;
  const right = readOperand(tokens, at, type);
  const op = (operator ?? '==') as Match['op'];
  return right === undefined
    ? undefined
    : { value: { kind: 'match', selector, op, right: right.value }, next: right.next };
}

/**
 * A match on bits: `tcp flags syn,ack` (some bit), `tcp flags ! syn` (no bit), `tcp flags == syn` (exactly these),
 * `tcp flags syn / syn,ack` (exactly these of the second list).
 */
function readFlags(
  tokens: readonly Token[],
  at: number,
  type: Extract<Datatype, { kind: 'symbols' }>,
  selector: Selector,
  operator: string | undefined,
): Read<Match> | undefined {
  const list = readBits(tokens, at, type);
  if (list === undefined || operator === '<' || operator === '>' || operator === '<=' || operator === '>=') {
    return readPlain(tokens, at, type, selector, operator);
  }
  const { value: bits, next } = list;
  const sum = bits.reduce((all, bit) => all | bit, 0n);
  if (isToken(tokens[next], '/')) {
    const mask = readBits(tokens, next + 1, type);
    if (mask === undefined || selector.kind !== 'payload' || operator === '!') return undefined;
    const masked: Selector = { ...selector, mask: mask.value.reduce((all, bit) => all | bit, 0n) };
    const op = operator === '!=' ? '!=' : '==';
    return { value: { kind: 'match', selector: masked, op, right: { kind: 'number', value: sum } }, next: mask.next };
  }
  const exact = operator === '==' || operator === '!=';
  if (exact && bits.length > 1) return undefined;
  const right: Operand = exact ? { kind: 'number', value: sum } : { kind: 'any-bit', bits };
  return { value: { kind: 'match', selector, op: operator === '!' || operator === '!=' ? '!=' : '==', right }, next };
}

/** `established,new` (a list of bits) or `syn | ack` (one value with both); numbers stand for several bits. */
function readBits(
  tokens: readonly Token[],
  at: number,
  type: Extract<Datatype, { kind: 'symbols' }>,
): Read<bigint[]> | undefined {
  const bits: bigint[] = [];
  for (let i = at; ; i += 2) {
    const token = tokens[i];
    const value = token === undefined ? undefined : parseValue(type, token);
    if (value?.kind !== 'number') return undefined;
    bits.push(value.value);
    if (isToken(tokens[i + 1], '|')) {
      const rest = readBits(tokens, i + 2, type);
      const last = bits.at(-1) ?? 0n;
      return rest === undefined || bits.length > 1
        ? undefined
        : { value: [rest.value.reduce((all, bit) => all | bit, last)], next: rest.next };
    }
    if (!isToken(tokens[i + 1], ',')) return { value: bits, next: i + 1 };
  }
}

/** A selector, or several joined by ` . `. */
export function readSelectors(tokens: readonly Token[], at: number): Read<Selector> | undefined {
  const first = readSelector(tokens, at);
  if (first === undefined || !isToken(tokens[first.next], '.')) return first;
  const parts = [first.value];
  let { next } = first;
  while (isToken(tokens[next], '.')) {
    const part = readSelector(tokens, next + 1);
    if (part === undefined) return undefined;
    parts.push(part.value);
    next = part.next;
  }
  return { value: { kind: 'concat', parts }, next };
}

function readSelector(tokens: readonly Token[], at: number): Read<Selector> | undefined {
  const first = wordAt(tokens, at);
  const second = wordAt(tokens, at + 1);
  if (first === undefined) return undefined;
  if (BARE_META_KEYS.includes(first)) return { value: { kind: 'meta', key: first as MetaKey }, next: at + 1 };
  if (first === 'meta' && second !== undefined && META_KEYS.includes(second)) {
    const mask = second === 'mark' ? readMask(tokens, at + 2) : undefined;
    const value: Selector = {
      kind: 'meta',
      key: second as MetaKey,
      ...(mask === undefined ? {} : { mask: mask.value }),
    };
    return { value, next: mask?.next ?? at + 2 };
  }
  if (first === 'fib') return readFib(tokens, at);
  if (first === 'ct' && (second === 'state' || second === 'direction' || second === 'status')) {
    return { value: { kind: 'ct', key: second }, next: at + 2 };
  }
  if (first === 'ct' && second === 'mark') {
    const mask = readMask(tokens, at + 2);
    const value: Selector = { kind: 'ct', key: 'mark', ...(mask === undefined ? {} : { mask: mask.value }) };
    return { value, next: mask?.next ?? at + 2 };
  }
  if (first === 'socket' && second === 'cgroupv2' && wordAt(tokens, at + 2) === 'level') {
    const level = parseNumber(wordAt(tokens, at + 3) ?? '', 8);
    return level === undefined ? undefined : { value: { kind: 'socket-cgroup', level: Number(level) }, next: at + 4 };
  }
  if (PROTOCOLS.includes(first) && second !== undefined) {
    return { value: { kind: 'payload', protocol: first as PayloadProtocol, field: second }, next: at + 2 };
  }
  return undefined;
}

function readMask(tokens: readonly Token[], at: number): Read<bigint> | undefined {
  if (wordAt(tokens, at) !== '&') return undefined;
  const mask = parseNumber(wordAt(tokens, at + 1) ?? '', 32);
  return mask === undefined ? undefined : { value: mask, next: at + 2 };
}

/** `fib daddr . iif type`; other results are outside the dialect. */
function readFib(tokens: readonly Token[], at: number): Read<Selector> | undefined {
  const flags: string[] = [];
  for (let i = at + 1; ; i += 2) {
    const flag = wordAt(tokens, i);
    if (flag === undefined || !/^(saddr|daddr|mark|iif|oif)$/.test(flag)) return undefined;
    flags.push(flag);
    if (wordAt(tokens, i + 1) === 'type') return { value: { kind: 'fib-type', flags }, next: i + 2 };
    if (!isToken(tokens[i + 1], '.')) return undefined;
  }
}

function readOperand(tokens: readonly Token[], at: number, type: Datatype): Read<Operand> | undefined {
  const first = tokens[at];
  if (first === undefined) return undefined;
  if (isToken(first, '{')) return readSet(tokens, at + 1, type);
  if (first.kind === 'word' && first.text.startsWith('@')) {
    return { value: { kind: 'named-set', name: first.text.slice(1) }, next: at + 1 };
  }
  return readValue(tokens, at, type);
}

/** One value: a token, tokens joined by ` . ` in a concatenation, or bits joined by ` | `. */
export function readValue(tokens: readonly Token[], at: number, type: Datatype): Read<Value> | undefined {
  if (type.kind === 'concat') {
    const parts: Value[] = [];
    let next = at;
    for (const [i, part] of type.parts.entries()) {
      if (i > 0 && !isToken(tokens[next++], '.')) return undefined;
      const read = readValue(tokens, next, part);
      if (read === undefined) return undefined;
      parts.push(read.value);
      next = read.next;
    }
    return { value: { kind: 'concat', parts }, next };
  }
  if (type.kind === 'symbols' && type.flags && isToken(tokens[at + 1], '|')) {
    const bits = readBits(tokens, at, type);
    const [value] = bits?.value ?? [];
    return bits === undefined || value === undefined
      ? undefined
      : { value: { kind: 'number', value }, next: bits.next };
  }
  const token = tokens[at];
  const value = token === undefined ? undefined : parseValue(type, token);
  return value === undefined ? undefined : { value, next: at + 1 };
}

function readSet(tokens: readonly Token[], at: number, type: Datatype): Read<Operand> | undefined {
  const elements: Value[] = [];
  for (let i = at; ; ) {
    const read = readValue(tokens, i, type);
    if (read === undefined) return undefined;
    elements.push(read.value);
    if (isToken(tokens[read.next], '}')) return { value: { kind: 'set', elements }, next: read.next + 1 };
    if (!isToken(tokens[read.next], ',')) return undefined;
    i = read.next + 1;
  }
}

/** The word at an index; undefined for a string, a punctuation mark or the end. */
export function wordAt(tokens: readonly Token[], at: number): string | undefined {
  const token = tokens[at];
  return token?.kind === 'word' ? token.text : undefined;
}
