import type { HuArray, HuLiteral, HuObject, HuValue } from './syntax.ts';

/** JSON that can be turned into a tree; object keys keep their order. */
export type JsonInput =
  | string
  | number
  | boolean
  | null
  | readonly JsonInput[]
  | { readonly [key: string]: JsonInput | undefined };

/** Offset of nodes that no text contains. */
const NOWHERE = -1;

/** A tree for a JSON value, all on one line; the formatter breaks what is too long. Undefined members are left out. */
export function buildTree(value: JsonInput): HuValue {
  return { before: '', node: buildNode(value), after: undefined };
}

function buildNode(value: JsonInput): HuLiteral | HuObject | HuArray {
  if (value === null || typeof value !== 'object') return literal(JSON.stringify(value));
  if (isList(value)) {
    return { kind: 'array', elements: value.map(buildTree), closing: '', offset: NOWHERE, end: NOWHERE };
  }
  const members = Object.entries(value).flatMap(([key, v]) =>
    v === undefined ? [] : [{ name: buildTree(key), value: buildTree(v) }],
  );
  return { kind: 'object', members, closing: '', offset: NOWHERE, end: NOWHERE };
}

function isList(value: object): value is readonly JsonInput[] {
  return Array.isArray(value);
}

function literal(text: string): HuLiteral {
  return { kind: 'literal', text, offset: NOWHERE };
}

/**
 * Appends members to an object, each on a line of its own, behind everything that stands in it, comments included.
 * @param comment lines above the first new member
 */
export function appendMembers(
  object: HuObject,
  members: readonly (readonly [string, HuValue])[],
  comment?: string,
): void {
  for (const [i, [key, value]] of members.entries()) {
    const name = buildTree(key);
    name.before = opening(object, i === 0 ? comment : undefined);
    object.members.push({ name, value });
  }
}

/** Appends an element to an array in the same manner. */
export function appendElement(array: HuArray, element: HuValue, comment?: string): void {
  element.before = opening(array, comment);
  array.elements.push(element);
}

/** Takes what stood before the closing bracket to before the new entry, and puts the entry on a new line. */
function opening(node: HuObject | HuArray, comment: string | undefined): string {
  const kept = node.closing;
  node.closing = '\n';
  const lines = comment === undefined ? '' : commentLines(comment);
  return `${kept}${/\n[ \t]*$/.test(kept) ? '' : '\n'}${lines}`;
}

function commentLines(comment: string): string {
  const lines = comment.split(/[\n\r\u2028\u2029]+/).filter((line) => line.trim() !== '');
  return lines.map((line) => `// ${line.trim()}\n`).join('');
}
