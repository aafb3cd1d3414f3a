import type { Diagnostic, Result } from '../../source/diagnostic.ts';
import { resultOf } from '../../source/diagnostic.ts';
import { type LineMap, lineMap, type Span } from '../../source/span.ts';
import { scanHujson } from './scan.ts';
import type { HuNode, HuValue } from './syntax.ts';

/** A HuJSON value with its place; comments are gone (the lossless tree is `scanHujson`'s). */
export type HujsonNode = HujsonObject | HujsonArray | HujsonScalar;

interface HujsonObject {
  readonly kind: 'object';
  readonly span: Span;
  /** In textual order; keys are data, so `__proto__` is a key like any other. */
  readonly members: readonly HujsonMember[];
}

export interface HujsonMember {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: HujsonNode;
}

interface HujsonArray {
  readonly kind: 'array';
  readonly span: Span;
  readonly items: readonly HujsonNode[];
}

type HujsonScalar =
  | { readonly kind: 'string'; readonly span: Span; readonly value: string }
  /** `text` is the number as written: large integers lose digits in `value`. */
  | { readonly kind: 'number'; readonly span: Span; readonly value: number; readonly text: string }
  | { readonly kind: 'boolean'; readonly span: Span; readonly value: boolean }
  | { readonly kind: 'null'; readonly span: Span };

/**
 * Reads a HuJSON text into values with places.
 * Not ok on the first syntax error (`hujson-syntax`), and for keys that occur twice in one object
 * (`hujson-duplicate-key`, all of them): readers disagree on which one counts, so neither may be believed.
 * @param file name for the spans
 */
export function parseHujson(file: string, text: string): Result<HujsonNode> {
  const map = lineMap(file, text);
  const scanned = scanHujson(text);
  if (!scanned.ok) {
    const span = map.span(scanned.fault.offset, scanned.fault.offset < text.length ? 1 : 0);
    return {
      ok: false,
      diagnostics: [{ code: 'hujson-syntax', severity: 'error', span, message: scanned.fault.message }],
    };
  }
  const diagnostics: Diagnostic[] = [];
  return resultOf(convert(scanned.value, map, diagnostics), diagnostics);
}

function convert(value: HuValue, map: LineMap, diagnostics: Diagnostic[]): HujsonNode {
  const node = value.node;
  if (node.kind === 'literal') return scalar(node.text, map.span(node.offset, node.text.length));
  const span = map.span(node.offset, node.end - node.offset);
  if (node.kind === 'array') {
    return { kind: 'array', span, items: node.elements.map((e) => convert(e, map, diagnostics)) };
  }
  const members = node.members.map((m) => ({
    ...memberName(m.name.node, map),
    value: convert(m.value, map, diagnostics),
  }));
  reportDuplicates(members, diagnostics);
  return { kind: 'object', span, members };
}

function memberName(node: HuNode, map: LineMap): { key: string; keySpan: Span } {
  const text = node.kind === 'literal' ? node.text : '""';
  return { key: decode(text), keySpan: map.span(node.offset, text.length) };
}

function reportDuplicates(members: readonly HujsonMember[], diagnostics: Diagnostic[]): void {
  const first = new Map<string, Span>();
  for (const { key, keySpan } of members) {
    const before = first.get(key);
    if (before === undefined) {
      first.set(key, keySpan);
      continue;
    }
    diagnostics.push({
      code: 'hujson-duplicate-key',
      severity: 'error',
      span: keySpan,
      message: `the key ${JSON.stringify(key)} occurs twice in one object`,
      hint: 'remove or rename one of them: readers of the file disagree on which one counts',
      related: [{ span: before, message: 'first defined here' }],
    });
  }
}

function scalar(text: string, span: Span): HujsonScalar {
  if (text.startsWith('"')) return { kind: 'string', span, value: decode(text) };
  if (text === 'null') return { kind: 'null', span };
  if (text === 'true' || text === 'false') return { kind: 'boolean', span, value: text === 'true' };
  return { kind: 'number', span, value: Number(text), text };
}

/** Content of a string literal; a lone surrogate becomes U+FFFD, as in Go. */
function decode(literal: string): string {
  return (JSON.parse(literal) as string).toWellFormed();
}
