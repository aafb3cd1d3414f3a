import { type Datatype, datatypeOf } from './datatype.ts';
import { type Read, readSelectors, readValue, wordAt } from './parse-match.ts';
import type { MapEntry, SetElement, VerdictMap, VerdictStatement } from './ruleset.ts';
import { isToken, type Token } from './token.ts';

/** `selector vmap { key : verdict, … }` and `selector vmap @name`; undefined when it is not wholly inside the dialect. */
export function readVerdictMap(text: string, tokens: readonly Token[], at: number): Read<VerdictMap> | undefined {
  const selector = readSelectors(tokens, at);
  if (selector === undefined || wordAt(tokens, selector.next) !== 'vmap') return undefined;
  const type = datatypeOf(selector.value);
  const from = selector.next + 1;
  const name = wordAt(tokens, from);
  const map = name?.startsWith('@') === true ? name.slice(1) : undefined;
  const read = map === undefined ? readEntries(tokens, from, type) : { value: map, next: from + 1 };
  if (type === undefined || read === undefined) return undefined;
  const start = tokens[at]?.start ?? 0;
  const value: VerdictMap = {
    kind: 'vmap',
    selector: selector.value,
    map: read.value,
    text: text.slice(start, tokens[read.next - 1]?.end ?? start),
  };
  return { value, next: read.next };
}

function readEntries(tokens: readonly Token[], at: number, type: Datatype | undefined): Read<MapEntry[]> | undefined {
  if (type === undefined || !isToken(tokens[at], '{')) return undefined;
  const entries: MapEntry[] = [];
  for (let i = at + 1; ; ) {
    const end = tokens.findIndex((t, n) => n >= i && (isToken(t, ',') || isToken(t, '}')));
    if (end < 0) return undefined;
    entries.push(readEntry(tokens.slice(i, end), type));
    if (isToken(tokens[end], '}')) return { value: entries, next: end + 1 };
    i = end + 1;
  }
}

/** One entry; a key or a verdict that cannot be read is unknown, so that nothing of a map is lost. */
export function readEntry(tokens: readonly Token[], type: Datatype | undefined): MapEntry {
  const text = tokens.map((t) => (t.kind === 'string' ? `"${t.text}"` : t.text)).join(' ');
  const colon = tokens.findIndex((t) => isToken(t, ':'));
  const left = tokens.slice(0, colon < 0 ? undefined : colon);
  const read = type === undefined ? undefined : readValue(left, 0, type);
  const key: SetElement = read !== undefined && read.next === left.length ? read.value : { kind: 'unknown', text };
  return { key, verdict: readVerdict(tokens.slice(colon + 1)) ?? { kind: 'unknown', text } };
}

function readVerdict(tokens: readonly Token[]): VerdictStatement | undefined {
  const [first, target] = tokens;
  switch (first?.text) {
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return tokens.length === 1 ? { kind: first.text } : undefined;
    case 'jump':
    case 'goto':
      return tokens.length === 2 && target?.kind === 'word' ? { kind: first.text, target: target.text } : undefined;
    default:
      return undefined;
  }
}
