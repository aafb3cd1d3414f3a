import { setDatatype } from './datatype.ts';
import type { ListedLine, ListedObject } from './listing.ts';
import { readEntry } from './parse-map.ts';
import { readValue } from './parse-match.ts';
import { readRule } from './parse-statement.ts';
import { parsePriority } from './priority.ts';
import type {
  BaseChain,
  Chain,
  Hook,
  NamedCounter,
  NamedMap,
  NamedSet,
  OtherObject,
  Rule,
  SetElement,
  TableFamily,
} from './ruleset.ts';
import { isToken, type Token, tokenize } from './token.ts';

/** Reports a line that cannot be what its place demands. */
export type Complain = (code: string, line: ListedLine | ListedObject, message: string) => void;

/** A chain's block: comment, hook line, rules. */
export function readChain(family: TableFamily, object: ListedObject, complain: Complain): Chain {
  let comment: string | undefined;
  let base: BaseChain | undefined;
  const rules: Rule[] = [];
  for (const line of object.lines) {
    const own = readComment(line.text);
    if (own !== undefined && rules.length === 0) comment = own;
    else if (line.text.startsWith('type ')) {
      base = readBase(family, line.text);
      if (base === undefined) complain('nft-bad-hook', line, 'this hook line cannot be read');
      if (rules.length > 0) complain('nft-bad-hook', line, 'a hook line stands in front of the rules');
    } else {
      const handle = line.handle === undefined ? {} : { handle: line.handle };
      rules.push({ ...readRule(line.text), ...handle, span: line.span });
    }
  }
  return { name: object.name, comment, base, rules, span: object.span };
}

const BASE =
  /^type (filter|nat|route) hook (prerouting|input|forward|output|postrouting|ingress|egress)(?: device "([^"]+)"| devices = \{ ([^}]+) \})? priority ([^;]+);(?: policy (accept|drop);)?( flags offload;?)?$/;

function readBase(family: TableFamily, text: string): BaseChain | undefined {
  const found = BASE.exec(text);
  if (found === null) return undefined;
  const [, type, hook, device, devices, priorityText, policy, offload] = found;
  const priority = parsePriority(family, hook as Hook, priorityText ?? '');
  if (priority === undefined) return undefined;
  const list = devices === undefined ? [] : devices.split(', ').map((d) => d.replaceAll('"', ''));
  return {
    type: type as BaseChain['type'],
    hook: hook as Hook,
    priority,
    policy: policy === 'drop' ? 'drop' : 'accept',
    devices: device === undefined ? list : [device],
    ...(offload === undefined ? {} : { offload: true }),
  };
}

/** A named counter's block; its values are skipped. */
export function readCounter(object: ListedObject, complain: Complain): NamedCounter {
  let comment: string | undefined;
  for (const line of object.lines) {
    const own = readComment(line.text);
    if (own !== undefined) comment = own;
    else if (!/^packets [0-9]+ bytes [0-9]+$/.test(line.text)) {
      complain('nft-unexpected-line', line, `not a line of a counter`);
    }
  }
  return { name: object.name, comment, span: object.span };
}

/** A named set's block. */
export function readSet(object: ListedObject, complain: Complain): NamedSet {
  let type: NamedSet['type'] | undefined;
  let comment: string | undefined;
  const flags: string[] = [];
  const options: string[] = [];
  let elementText: string | undefined;
  for (const line of object.lines) {
    const typed = /^(type|typeof) (.+)$/.exec(line.text);
    const flagged = /^flags (\S+)$/.exec(line.text);
    const own = readComment(line.text);
    if (typed !== null) type = { kind: typed[1] as 'type' | 'typeof', of: typed[2] ?? '' };
    else if (flagged !== null) flags.push(...(flagged[1] ?? '').split(','));
    else if (own !== undefined) comment = own;
    else if (line.text.startsWith('elements = {') && line.text.endsWith('}')) elementText = line.text;
    else if (/^(auto-merge|size |timeout |gc-interval |policy )/.test(line.text)) options.push(line.text);
    else complain('nft-unexpected-line', line, 'not a line of a set');
  }
  if (type === undefined) complain('nft-bad-set', object, `set ${object.name} has no type`);
  const known = type ?? { kind: 'type', of: '' };
  const elements = elementText === undefined ? [] : readElements(known, elementText);
  return { name: object.name, type: known, flags, comment, options, elements, span: object.span };
}

/** Any other object: its lines are kept as they are. */
export function readOther(object: ListedObject): OtherObject {
  return { kind: object.kind, name: object.name, lines: object.lines.map((l) => l.text), span: object.span };
}

function readElements(type: NamedSet['type'], text: string): SetElement[] {
  const datatype = setDatatype(type);
  return splitElements(text).map(({ tokens, text: element }) => {
    const read = datatype === undefined ? undefined : readValue(tokens, 0, datatype);
    return read?.next === tokens.length ? read.value : { kind: 'unknown', text: element };
  });
}

/** A named map out of its block, as far as verdicts go. */
export function readMap(object: OtherObject): NamedMap {
  const { lines } = object;
  const header = lines.map((l) => /^(type|typeof) (.+) : (.+)$/.exec(l)).find((found) => found !== null);
  const type: NamedMap['type'] = { kind: header?.[1] === 'typeof' ? 'typeof' : 'type', of: header?.[2] ?? '' };
  const flags = lines.flatMap((l) => /^flags (\S+)$/.exec(l)?.[1]?.split(',') ?? []);
  const elements = lines.find((l) => l.startsWith('elements = {')) ?? '';
  const datatype = setDatatype(type);
  const entries =
    header?.[3] === 'verdict' ? splitElements(elements).map((e) => readEntry(e.tokens, datatype)) : undefined;
  return { name: object.name, type, flags, entries };
}

/** Splits `elements = { a, b }` at its commas; white space inside an element becomes one blank. */
export function splitElements(text: string): { readonly tokens: readonly Token[]; readonly text: string }[] {
  const inner = text.slice(text.indexOf('{') + 1, text.lastIndexOf('}'));
  const groups: Token[][] = [[]];
  let depth = 0;
  for (const token of tokenize(inner) ?? []) {
    if (isToken(token, '{')) depth++;
    if (isToken(token, '}')) depth--;
    if (isToken(token, ',') && depth === 0) groups.push([]);
    else groups.at(-1)?.push(token);
  }
  return groups
    .filter((g) => g.length > 0)
    .map((tokens) => ({ tokens, text: tokens.map((t) => inner.slice(t.start, t.end)).join(' ') }));
}

function readComment(text: string): string | undefined {
  return /^comment "([^"]*)"$/.exec(text)?.[1];
}
