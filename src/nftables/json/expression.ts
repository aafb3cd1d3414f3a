import { type Datatype, datatypeOf, parseValue } from '../datatype.ts';
import { META_KEYS, PROTOCOLS } from '../parse-match.ts';
import type { MetaKey, Operand, PayloadProtocol, Selector, SetElement, Value } from '../ruleset.ts';
import { asObject, field, onlyEntry, text, texts } from './shape.ts';

/** The left side of a match (libnftables-json(5), "EXPRESSIONS"); undefined for what has no model. */
export function readLeft(json: unknown): Selector | undefined {
  const entry = onlyEntry(json);
  if (entry === undefined) return undefined;
  const [kind, value] = entry;
  const object = asObject(value);
  switch (kind) {
    case 'meta': {
      const key = text(object, 'key');
      return key !== undefined && META_KEYS.includes(key) ? { kind: 'meta', key: key as MetaKey } : undefined;
    }
    case 'payload':
      return readPayload(text(object, 'protocol'), text(object, 'field'));
    case 'ct': {
      const key = text(object, 'key');
      const isKnown = key === 'state' || key === 'direction' || key === 'status' || key === 'mark';
      // With a direction it is a field of the connection's tuple.
      return isKnown && field(object, 'dir') === undefined ? { kind: 'ct', key } : undefined;
    }
    case 'fib': {
      const flags = texts(field(object, 'flags'));
      return text(object, 'result') === 'type' && flags !== undefined ? { kind: 'fib-type', flags } : undefined;
    }
    case 'socket': {
      if (text(object, 'key') !== 'cgroupv2') return undefined;
      const level = field(object, 'level');
      return { kind: 'socket-cgroup', level: typeof level === 'number' ? level : undefined };
    }
    case 'concat': {
      const parts = Array.isArray(value) ? value.map(readLeft) : [];
      const known = parts.filter((p) => p !== undefined);
      return known.length > 1 && known.length === parts.length ? { kind: 'concat', parts: known } : undefined;
    }
    case '&':
      return readMasked(value);
    default:
      return undefined;
  }
}

function readPayload(protocol: string | undefined, name: string | undefined): Selector | undefined {
  if (protocol === undefined || name === undefined || !PROTOCOLS.includes(protocol)) return undefined;
  const selector: Selector = { kind: 'payload', protocol: protocol as PayloadProtocol, field: name };
  return datatypeOf(selector) === undefined ? undefined : selector;
}

function readMasked(value: unknown): Selector | undefined {
  const [left, right, ...more] = Array.isArray(value) ? value : [];
  const selector = readLeft(left);
  const type = selector === undefined ? undefined : datatypeOf(selector);
  const mask = type === undefined || more.length > 0 ? undefined : readBits(type, right);
  if (selector === undefined || mask === undefined || ('mask' in selector && selector.mask !== undefined)) {
    return undefined;
  }
  if (selector.kind === 'meta' && selector.key === 'mark') return { ...selector, mask };
  if (selector.kind === 'ct' && selector.key === 'mark') return { ...selector, mask };
  return selector.kind === 'payload' && selector.field === 'flags' ? { ...selector, mask } : undefined;
}

/** One number out of a number, a name, a list of names, or `{"|": […]}`. */
function readBits(type: Datatype, json: unknown): bigint | undefined {
  const or = onlyEntry(json);
  const list = Array.isArray(json) ? json : or?.[0] === '|' && Array.isArray(or[1]) ? or[1] : [json];
  if (list.length === 0) return undefined;
  let sum = 0n;
  for (const item of list) {
    const nested = onlyEntry(item)?.[0] === '|' ? readBits(type, item) : undefined;
    const value = nested === undefined ? readScalar(type, item) : { kind: 'number' as const, value: nested };
    if (value?.kind !== 'number') return undefined;
    sum |= value.value;
  }
  return sum;
}

/** The right side of a match on a selector of this type; `isBits` for the operators `in` and `!`. */
export function readRight(json: unknown, type: Datatype, isBits: boolean): Operand | undefined {
  if (isBits) {
    const bits = type.kind === 'symbols' && type.flags ? readBits(type, json) : undefined;
    return bits === undefined ? undefined : { kind: 'any-bit', bits: bitsOf(bits) };
  }
  if (typeof json === 'string' && json.startsWith('@')) return { kind: 'named-set', name: json.slice(1) };
  const set = field(asObject(json), 'set');
  if (set === undefined) return readJsonValue(json, type);
  const elements = Array.isArray(set) ? set.map((e) => readJsonValue(e, type)) : [];
  const known = elements.filter((e) => e !== undefined);
  return Array.isArray(set) && known.length === set.length ? { kind: 'set', elements: known } : undefined;
}

/** The single bits of a number, as the text lists them. */
function bitsOf(sum: bigint): readonly bigint[] {
  const bits: bigint[] = [];
  for (let bit = 1n; bit <= sum; bit <<= 1n) if ((sum & bit) !== 0n) bits.push(bit);
  return bits;
}

/** One value of a set, or of a match; undefined when it cannot be told. */
export function readJsonValue(json: unknown, type: Datatype): Value | undefined {
  const [kind, value] = onlyEntry(json) ?? [];
  switch (kind) {
    case undefined:
      return type.kind === 'symbols' && type.flags && Array.isArray(json) ? flags(type, json) : readScalar(type, json);
    case 'prefix':
      return readPrefix(asObject(value), type);
    case 'range':
      return readRange(value, type);
    case '|':
      return type.kind === 'symbols' && type.flags ? flags(type, json) : undefined;
    case 'concat': {
      if (type.kind !== 'concat' || !Array.isArray(value) || value.length !== type.parts.length) return undefined;
      const parts = type.parts.map((part, i) => readJsonValue(value[i], part));
      const known = parts.filter((p) => p !== undefined);
      return known.length === parts.length ? { kind: 'concat', parts: known } : undefined;
    }
    case 'elem': {
      // A counter or a comment changes nothing about the value; a timeout does.
      const object = asObject(value) ?? {};
      const isPlain = Object.keys(object).every((key) => key === 'val' || key === 'counter' || key === 'comment');
      return isPlain ? readJsonValue(object['val'], type) : undefined;
    }
    default:
      return undefined;
  }
}

function flags(type: Datatype, json: unknown): Value | undefined {
  const value = readBits(type, json);
  return value === undefined ? undefined : { kind: 'number', value };
}

function readPrefix(object: ReturnType<typeof asObject>, type: Datatype): Value | undefined {
  const addr = text(object, 'addr');
  const len = field(object, 'len');
  return addr === undefined || typeof len !== 'number' ? undefined : readScalar(type, `${addr}/${len}`);
}

function readRange(value: unknown, type: Datatype): Value | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [first, last] = value.map((v) => readScalar(type, v));
  if (first?.kind === 'number' && last?.kind === 'number' && first.value <= last.value) {
    return { kind: 'number-range', first: first.value, last: last.value };
  }
  if (first?.kind !== 'address' || last?.kind !== 'address' || first.address.value > last.address.value) {
    return undefined;
  }
  return { kind: 'address-range', first: first.address, last: last.address };
}

/** A number or a name, read as the text would be. */
function readScalar(type: Datatype, json: unknown): Value | undefined {
  if (typeof json !== 'string' && typeof json !== 'number') return undefined;
  const isName = (type.kind === 'interface' || type.kind === 'path') && typeof json === 'string';
  return parseValue(type, { kind: isName ? 'string' : 'word', text: String(json), start: 0, end: 0, gap: false });
}

/** The elements of a named set. */
export function readElements(json: unknown, type: Datatype | undefined): readonly SetElement[] {
  if (json === undefined) return [];
  const list: readonly unknown[] = Array.isArray(json) ? json : [json];
  return list.map((e) => {
    const value = type === undefined ? undefined : readJsonValue(e, type);
    return value ?? { kind: 'unknown', text: JSON.stringify(e) ?? '' };
  });
}
