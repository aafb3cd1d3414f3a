import { type Datatype, datatypeOf, parseNumber, parseValue } from './datatype.ts';
import type { Match, MetaKey, Operand, PayloadProtocol, Selector, Value } from './ruleset.ts';
import { isToken, type Token } from './token.ts';

/** Something read from a rule, and the index of the token behind it. */
export interface Read<T> {
  readonly value: T;
  readonly next: number;
}

const META_KEYS: readonly string[] = [
  'iif',
  'oif',
  'iifname',
  'oifname',
  'l4proto',
  'nfproto',
  'mark',
  'skuid',
  'skgid',
];
const BARE_META_KEYS: readonly string[] = ['iif', 'oif', 'iifname', 'oifname'];
const PROTOCOLS: readonly string[] = ['ip', 'ip6', 'tcp', 'udp', 'th', 'icmp', 'icmpv6', 'ether'];
const OPERATORS: readonly string[] = ['==', '!=', '<', '>', '<=', '>='];

/** Words that would make more of an expression than was read: then nothing was understood. */
const CONTINUATIONS: readonly string[] = ['.', '|', '&', '^', ':', '/', '<<', '>>', ',', 'vmap', 'map', 'set'];

/** Reads one match at `at`; undefined when it is not wholly inside the dialect. */
export function readMatch(tokens: readonly Token[], at: number): Read<Match> | undefined {
  const selector = readSelector(tokens, at);
  if (selector === undefined) return undefined;
  const type = datatypeOf(selector.value);
  if (type === undefined) return undefined;
  const word = tokens[selector.next];
  const operator = word?.kind === 'word' && OPERATORS.includes(word.text) ? word.text : undefined;
  const op = (operator ?? '==') as Match['op'];
  const right = readOperand(tokens, operator === undefined ? selector.next : selector.next + 1, type, op);
  if (right === undefined) return undefined;
  const after = tokens[right.next];
  if (after !== undefined && after.kind !== 'string' && CONTINUATIONS.includes(after.text)) return undefined;
  return { value: { kind: 'match', selector: selector.value, op, right: right.value }, next: right.next };
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
  if (first === 'ct' && (second === 'state' || second === 'direction')) {
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

function readOperand(tokens: readonly Token[], at: number, type: Datatype, op: Match['op']): Read<Operand> | undefined {
  const first = tokens[at];
  if (first === undefined) return undefined;
  if (isToken(first, '{')) return readSet(tokens, at + 1, type);
  if (first.kind === 'word' && first.text.startsWith('@')) {
    return { value: { kind: 'named-set', name: first.text.slice(1) }, next: at + 1 };
  }
  if (type.kind === 'symbols' && type.flags && op === '==') return readBits(tokens, at, type);
  const value = parseValue(type, first);
  return value === undefined ? undefined : { value, next: at + 1 };
}

function readSet(tokens: readonly Token[], at: number, type: Datatype): Read<Operand> | undefined {
  const elements: Value[] = [];
  for (let i = at; ; i += 2) {
    const token = tokens[i];
    const value = token === undefined ? undefined : parseValue(type, token);
    if (value === undefined) return undefined;
    elements.push(value);
    if (isToken(tokens[i + 1], '}')) return { value: { kind: 'set', elements }, next: i + 2 };
    if (!isToken(tokens[i + 1], ',')) return undefined;
  }
}

function readBits(tokens: readonly Token[], at: number, type: Datatype): Read<Operand> | undefined {
  const bits: bigint[] = [];
  for (let i = at; ; i += 2) {
    const token = tokens[i];
    const value = token === undefined ? undefined : parseValue(type, token);
    if (value?.kind !== 'number') return undefined;
    bits.push(value.value);
    if (!isToken(tokens[i + 1], ',')) return { value: { kind: 'any-bit', bits }, next: i + 1 };
  }
}

/** The word at an index; undefined for a string, a punctuation mark or the end. */
export function wordAt(tokens: readonly Token[], at: number): string | undefined {
  const token = tokens[at];
  return token?.kind === 'word' ? token.text : undefined;
}
