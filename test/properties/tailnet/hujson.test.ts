import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHujson } from '../../../src/tailnet/hujson/format.ts';
import { type HujsonNode, parseHujson } from '../../../src/tailnet/hujson/parse.ts';
import { mergePolicy } from '../../../src/tailnet/policy/merge.ts';
import { parsePolicy } from '../../../src/tailnet/policy/parse.ts';

/** White space and comments, and texts of arrays and objects with them in every place. */
const extra = fc
  .array(fc.constantFrom(' ', '\n', '\n\n\n', '\t', '\r\n', '// c\n', '/* b */', '/*\n * a\n * b\n */'), {
    maxLength: 2,
  })
  .map((parts) => parts.join(''));
const scalar = fc.oneof(
  fc.string().map((s) => JSON.stringify(s)),
  fc.integer().map(String),
  fc.constantFrom('true', 'null', '1.5e3'),
);
const { value } = fc.letrec<{ value: string }>((tie) => {
  const element = fc.tuple(extra, tie('value'), extra).map((parts) => parts.join(''));
  const joined = (items: string[], last: string) => items.join(',') + (items.length > 0 ? last : '');
  const trailing = fc.tuple(fc.constantFrom('', ','), extra).map((parts) => parts.join(''));
  return {
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      scalar,
      fc.tuple(fc.array(element, { maxLength: 4 }), trailing).map(([items, last]) => `[${joined(items, last)}]`),
      fc.tuple(fc.array(fc.tuple(extra, extra, element), { maxLength: 4 }), trailing).map(
        ([items, last]) =>
          `{${joined(
            items.map(([a, b, v], i) => `${a}"k${i}"${b}:${v}`),
            last,
          )}}`,
      ),
    ),
  };
});
const text = fc.tuple(extra, value, extra).map((parts) => parts.join(''));

function plain(node: HujsonNode): unknown {
  if (node.kind === 'object') return node.members.map((m) => [m.key, plain(m.value)]);
  if (node.kind === 'array') return node.items.map(plain);
  return node.kind === 'null' ? null : node.value;
}

function meaning(source: string): unknown {
  const result = parseHujson('x', source);
  if (!result.ok) throw new Error(`${result.diagnostics[0]?.message} in ${source}`);
  return plain(result.value);
}

function comments(source: string): string[] {
  return [...source.matchAll(/\/\/ c|\/\* b \*\/|\/\*\s+\* a\s+\* b\s+\*\//g)].map((m) => m[0].replaceAll(/\s+/g, ' '));
}

describe('canonical HuJSON', () => {
  it('is idempotent, and keeps values, order and comments', () => {
    fc.assert(
      fc.property(text, (source) => {
        const formatted = formatHujson(source);
        expect(formatHujson(formatted)).toBe(formatted);
        expect(meaning(formatted)).toEqual(meaning(source));
        expect(comments(formatted)).toEqual(comments(source));
        expect(formatted).toBe(`${formatted.trim()}\n`);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '/', '*', '\n', 'a', '1', ' ') }),
        (source) => {
          const ok = parseHujson('x', source).ok;
          if (!ok) expect(formatHujson(source)).toBe(source);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('merging', () => {
  const names = fc.uniqueArray(fc.constantFrom('tag:a', 'tag:b', 'tag:c', 'tag:d'), { maxLength: 4 });

  it('adds exactly our entries and keeps every entry and comment of the base', () => {
    fc.assert(
      fc.property(names, names, extra, fc.boolean(), (theirs, ours, noise, hasGrants) => {
        const disjoint = ours.filter((t) => !theirs.includes(t));
        const owners = theirs.map((t) => `${noise}"${t}":${noise}["group:x"]${noise}`).join(',');
        const grants = hasGrants ? `"grants": [${noise}{"src": ["*"], "dst": ["tag:a"], "ip": ["1"]}${noise}],` : '';
        const base = `${noise}{${noise}${grants}"acls": [],${noise}"TagOwners": {${owners}${noise}}${noise}}${noise}`;
        const grant = { src: ['tag:b'], dst: ['tag:c'], ip: ['tcp:2'] };
        const tagOwners = Object.fromEntries(disjoint.map((t) => [t, ['group:ours']]));
        const result = mergePolicy({ file: 'base', text: base }, { grants: [grant], tagOwners });
        if (!result.ok) throw new Error('not merged');
        const policy = parsePolicy('merged', result.value);
        if (!policy.ok) throw new Error('does not parse');
        expect([...policy.value.tagOwners.keys()]).toEqual([...theirs, ...disjoint]);
        expect(policy.value.rules.map((r) => r.src[0]?.text)).toEqual(hasGrants ? ['*', 'tag:b'] : ['tag:b']);
        expect(comments(result.value)).toEqual(comments(base));
        expect(formatHujson(result.value)).toBe(result.value);
      }),
      { numRuns: 300 },
    );
  });

  it('refuses a key of both sides, whatever else there is', () => {
    fc.assert(
      fc.property(names, fc.constantFrom('tag:a', 'tag:b'), (theirs, ours) => {
        const base = JSON.stringify({ acls: [], tagOwners: Object.fromEntries(theirs.map((t) => [t, []])) });
        const result = mergePolicy({ file: 'base', text: base }, { grants: [], tagOwners: { [ours]: [] } });
        expect(result.ok).toBe(!theirs.includes(ours));
      }),
    );
  });
});
