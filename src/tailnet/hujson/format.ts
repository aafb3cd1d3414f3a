import { findExpanded } from './format-expand.ts';
import { formatExtra, hasNewline } from './format-extra.ts';
import { scanHujson } from './scan.ts';
import {
  type HuComposite,
  type HuNode,
  type HuObject,
  type HuValue,
  hasComment,
  innerValues,
  lastValue,
  packHujson,
} from './syntax.ts';
import { trimEndGo } from './trim.ts';

/**
 * The canonical form of a HuJSON text, byte for byte what Go's `hujson.Format` returns (tailscale/hujson format.go).
 * The control plane stores policies in this form and derives the ETag from it. Idempotent. A text that does not parse
 * comes back unchanged, as upstream does; `parseHujson` says why.
 */
export function formatHujson(text: string): string {
  const scanned = scanHujson(text);
  if (!scanned.ok) return text;
  return formatTree(scanned.value);
}

/** Canonical text of a tree, which is consumed: its nodes are rewritten on the way. */
export function formatTree(value: HuValue): string {
  const standard = isStandard(value);
  value.before = formatExtra(value.before, 0, {}).replace(/^[ \t\r\n]+/, '');
  normalize(value);
  const expanded = new Set<HuNode>();
  findExpanded(value, expanded);
  layOut(value, 0, expanded, standard);
  alignValues(value);
  value.after = `${trimEndGo(formatExtra(value.after ?? '', 0, {}))}\n`;
  return packHujson(value);
}

/** Standard JSON: no comments, no trailing commas. Such a text stays standard. */
function isStandard(value: HuValue): boolean {
  if (hasComment(value.before) || hasComment(value.after)) return false;
  const node = value.node;
  if (node.kind === 'literal') return true;
  return lastValue(node)?.after === undefined && !hasComment(node.closing) && innerValues(node).every(isStandard);
}

/** Strings with escapes are re-encoded; white space inside empty brackets and before colons and commas goes. */
function normalize(value: HuValue): void {
  const node = value.node;
  if (node.kind === 'literal') {
    if (node.text.startsWith('"') && node.text.includes('\\'))
      node.text = encodeString(JSON.parse(node.text) as string);
    return;
  }
  const inner = innerValues(node);
  if (inner.length === 0) {
    if (!hasComment(node.closing)) node.closing = '';
    return;
  }
  for (const v of inner) {
    if (!hasComment(v.after)) v.after = undefined;
    normalize(v);
  }
}

/** RFC 8785 section 3.2.2.2, as upstream's String(): lone surrogates become U+FFFD, control characters `\u00xx`. */
function encodeString(content: string): string {
  return JSON.stringify(content.toWellFormed());
}

function layOut(value: HuValue, depth: number, expanded: ReadonlySet<HuNode>, standard: boolean): void {
  const node = value.node;
  if (node.kind === 'literal') return;
  const expand = expanded.has(node);
  if (node.kind === 'object') layOutObject(node, depth, expand, expanded, standard);
  else {
    node.elements.forEach((element, i) => {
      layOutStart(element, depth, i, expand);
      layOut(element, depth + (expand ? 1 : 0), expanded, standard);
      layOutEnd(element, depth);
    });
  }
  node.closing = formatExtra(node.closing, depth + 1, {
    ensureTrailingNewline: expand,
    removeLeadingEmptyLines: lastValue(node) === undefined,
    removeTrailingEmptyLines: true,
    unindentLastLine: true,
  });
  setTrailingComma(node, expand, standard);
}

function layOutObject(
  node: HuObject,
  depth: number,
  expand: boolean,
  expanded: ReadonlySet<HuNode>,
  standard: boolean,
): void {
  node.members.forEach(({ name, value }, i) => {
    layOutStart(name, depth, i, expand);
    layOutEnd(name, depth);
    value.before = formatExtra(value.before, depth + 2, {
      removeLeadingEmptyLines: true,
      removeTrailingEmptyLines: true,
      appendSpaceIfEmpty: true,
    });
    const broken = hasNewline(name.after) || hasNewline(value.before);
    layOut(value, depth + (expand ? 1 : 0) + (broken ? 1 : 0), expanded, standard);
    layOutEnd(value, depth);
  });
}

function layOutStart(value: HuValue, depth: number, index: number, expand: boolean): void {
  value.before = formatExtra(value.before, depth + 1, {
    ensureLeadingNewline: expand,
    removeLeadingEmptyLines: index === 0,
    appendSpaceIfEmpty: index !== 0,
  });
}

function layOutEnd(value: HuValue, depth: number): void {
  if (value.after === undefined) return;
  value.after = formatExtra(value.after, depth + 2, { removeLeadingEmptyLines: true, removeTrailingEmptyLines: true });
}

/** Inline: no trailing comma unless comments stand on both sides of it. Expanded: one, unless the text is standard JSON. */
function setTrailingComma(node: HuComposite, expand: boolean, standard: boolean): void {
  const last = lastValue(node);
  if (last === undefined) return;
  const surrounded = (last.after ?? '') !== '' && node.closing !== '';
  if (!expand && !surrounded) {
    if (last.after !== undefined) node.closing = last.after + node.closing;
    last.after = undefined;
  } else if (expand && !standard) {
    last.after ??= '';
  }
}

/** Pads consecutive one-line members of an object so that their values start in one column. */
function alignValues(value: HuValue): void {
  const node = value.node;
  if (node.kind === 'literal') return;
  if (node.kind === 'object') alignMembers(node);
  for (const inner of innerValues(node)) alignValues(inner);
}

function alignMembers(node: HuObject): void {
  let rows: { value: HuValue; width: number }[] = [];
  const flush = () => {
    const widest = Math.max(0, ...rows.map((r) => r.width));
    for (const row of rows) row.value.before += ' '.repeat(widest - row.width);
    rows = [];
  };
  for (const { name, value } of node.members) {
    const oneLine =
      hasNewline(name.before) &&
      !hasNewline(name.after) &&
      !hasNewline(value.before) &&
      !spansLines(value.node) &&
      !hasNewline(value.after);
    if (!oneLine) {
      flush();
      continue;
    }
    if (name.before.split('\n').length > 2) flush();
    const text = name.node.kind === 'literal' ? name.node.text : '';
    rows.push({ value, width: Buffer.byteLength(`${text}${name.after ?? ''}:${value.before}`, 'utf8') });
  }
  flush();
}

/** As upstream's hasNewline(false): what stands before a closing bracket is not looked at. */
function spansLines(node: HuNode): boolean {
  if (node.kind === 'literal') return false;
  return innerValues(node).some((v) => hasNewline(v.before) || hasNewline(v.after) || spansLines(v.node));
}
