import fc from 'fast-check';
import { type Node, parseTree } from 'jsonc-parser';
import { describe, expect, it } from 'vitest';
import { type HujsonNode, parseHujson } from '../../../src/tailnet/hujson/parse.ts';

/** Plain value of a node, objects as entry lists so that no key is special. */
function plain(node: HujsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return { entries: node.members.map((m) => [m.key, plain(m.value)]) };
    case 'array':
      return node.items.map(plain);
    case 'null':
      return null;
    default:
      return node.value;
  }
}

/** The same from the tree of jsonc-parser, whose plain values would lose `__proto__`. */
function plainOf(node: Node | undefined): unknown {
  if (node?.type === 'object') return { entries: (node.children ?? []).map((m) => m.children?.map(plainOf)) };
  if (node?.type === 'array') return (node.children ?? []).map(plainOf);
  return node?.value;
}

describe('parseHujson', () => {
  it('places every value', () => {
    const text = '// head\n{\n  "acls": [ /* é */ {"src": ["*"]}, ],\n}\n';
    const result = parseHujson('p.hujson', text);
    if (!result.ok || result.value.kind !== 'object') throw new Error('not an object');
    const acls = result.value.members[0];
    expect(acls?.keySpan).toEqual({ file: 'p.hujson', line: 3, column: 3, offset: 12, length: 6 });
    const list = acls?.value;
    const rule = list?.kind === 'array' ? list.items[0] : undefined;
    expect(rule?.span).toMatchObject({ line: 3, column: 21 });
    expect(text.slice(rule?.span.offset ?? 0).slice(0, rule?.span.length)).toBe('{"src": ["*"]}');
  });

  it('reports every duplicate key with the place of the first', () => {
    const result = parseHujson('p', '{"a": 1, "b": {"c": 1, "\\u0063": 2},\n"a": 3, "A": 4}');
    if (result.ok) throw new Error('accepted');
    expect(result.diagnostics.map((d) => [d.code, d.span.line, d.span.column, d.related?.[0]?.span.column])).toEqual([
      ['hujson-duplicate-key', 1, 24, 16],
      ['hujson-duplicate-key', 2, 1, 2],
    ]);
  });

  it('treats __proto__ and constructor as ordinary keys', () => {
    const result = parseHujson('p', '{"__proto__": {"x": 1}, "constructor": 2}');
    expect(result.ok && plain(result.value)).toEqual({
      entries: [
        ['__proto__', { entries: [['x', 1]] }],
        ['constructor', 2],
      ],
    });
  });

  it('gives line and column of a syntax error', () => {
    const result = parseHujson('p', '{\n  "a": 1\n  "b": 2\n}');
    expect(result).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'hujson-syntax', span: { line: 3, column: 3 } }],
    });
    expect(parseHujson('p', '{"a": ')).toMatchObject({ ok: false, diagnostics: [{ span: { line: 1, column: 7 } }] });
  });

  it('reads what an unrelated reader of JSON with comments reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(3), (value, indent) => {
        const text = `/* c */${JSON.stringify(value, null, indent)}// end\n`;
        const result = parseHujson('p', text);
        expect(result.ok && plain(result.value)).toEqual(plainOf(parseTree(text)));
      }),
      { numRuns: 300 },
    );
  });
});
