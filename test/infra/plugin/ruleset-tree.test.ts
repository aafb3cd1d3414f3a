import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RulesetTree } from '../../../infra/plugin/ruleset-tree.ts';
import { compareTrees, rulesetTree } from '../../../infra/plugin/ruleset-tree.ts';

const listing = `table inet cordon {
	comment "cordon role=model"
	set orch4 {
		type ipv4_addr
		flags interval
		elements = { 100.64.0.20, 100.64.0.21,
			     100.64.0.22 }
	}

	chain input {
		type filter hook input priority 300; policy drop;
		iif "lo" accept
		tcp dport { 22, 80 } accept comment "a, b { c"
		drop
	}
}
`;

function treeOf(text: string): RulesetTree {
  const result = rulesetTree('ruleset', text);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.value;
}

function difference(a: string, b: string): readonly string[] {
  return compareTrees('rules', treeOf(a), treeOf(b)).map((d) => `${d.kind} ${d.path}`);
}

const input = 'rules["inet cordon"]["chain input"]';

describe('rulesetTree', () => {
  it('keeps every line and takes set elements apart', () => {
    expect(treeOf(listing)).toEqual({
      'inet cordon': {
        table: ['comment "cordon role=model"'],
        'set orch4': [
          'type ipv4_addr',
          'flags interval',
          'element 100.64.0.20',
          'element 100.64.0.21',
          'element 100.64.0.22',
        ],
        'chain input': [
          'type filter hook input priority 300; policy drop;',
          'iif "lo" accept',
          'tcp dport { 22, 80 } accept comment "a, b { c"',
          'drop',
        ],
      },
    });
  });

  it.each([
    ['a foreign table', `${listing}table ip nat {\n}\n`, 'ruleset-foreign-table'],
    ['a table that only looks like ours', listing.replace('inet', 'ip6'), 'ruleset-foreign-table'],
    ['a table twice', listing + listing, 'ruleset-table-twice'],
    ['half a listing', listing.slice(0, 200), 'nft-truncated'],
    ['statements outside of tables', `flush ruleset\n${listing}`, 'nft-unexpected-line'],
  ])('refuses %s', (_what, text, code) => {
    const result = rulesetTree('ruleset', text);
    expect(result.ok ? [] : result.diagnostics.map((d) => d.code)).toContain(code);
  });
});

describe('compareTrees', () => {
  it('finds nothing where only the layout differs', () => {
    const other = listing
      .replace('100.64.0.20, 100.64.0.21,\n\t\t\t     100.64.0.22', '100.64.0.22,100.64.0.20, 100.64.0.21')
      .replaceAll('\t', '    ');
    expect(difference(listing, other)).toEqual([]);
  });

  it.each([
    ['an inserted rule', ['iif "lo" accept\n', 'iif "lo" accept\n\t\taccept\n'], [`add ${input}[2]`]],
    ['a removed rule', ['\t\tiif "lo" accept\n', ''], [`delete ${input}[1]`]],
    ['a changed rule', ['{ 22, 80 }', '{ 22, 81 }'], [`update ${input}[2]`]],
    ['a changed policy', ['policy drop', 'policy accept'], [`update ${input}[0]`]],
    ['a comment inside quotes', ['a, b {', 'a,b {'], [`update ${input}[2]`]],
    [
      'an added element',
      ['{ 100.64.0.20,', '{ 100.64.0.19, 100.64.0.20,'],
      ['add rules["inet cordon"]["set orch4"][2]'],
    ],
    [
      'a table flag',
      ['\tcomment "cordon', '\tflags dormant\n\tcomment "cordon'],
      ['add rules["inet cordon"]["table"][0]'],
    ],
    ['a statement that nft cannot print', ['iif "lo"', 'iif "lo" '], [`update ${input}[1]`]],
    ['such a statement at the end', ['"lo" accept', '"lo" accept '], [`update ${input}[1]`]],
  ])('shows %s at its place', (_what, [from = '', to = ''], expected) => {
    expect(listing).toContain(from);
    expect(difference(listing, listing.replace(from, to))).toEqual(expected);
  });

  it('sees rules that change places', () => {
    const swapped = listing.replace(/(\t\tiif.*\n)(\t\ttcp.*\n)/, '$2$1');
    expect(difference(listing, swapped).length).toBeGreaterThan(0);
  });

  it('shows objects and tables that come and go as one change each', () => {
    const extra = listing.replace('\tset orch4', '\tchain extra {\n\t}\n\n\tset orch4');
    expect(difference(listing, extra)).toEqual(['add rules["inet cordon"]["chain extra"]']);
    expect(difference(listing, '')).toEqual(['delete rules["inet cordon"]']);
    expect(difference('', listing)).toEqual(['add rules["inet cordon"]']);
  });

  it('is empty exactly for equal trees, and every path points into one of them', () => {
    const line = fc.constantFrom('a', 'b', 'c', 'd');
    const tree = fc
      .array(line, { maxLength: 6 })
      .map((lines): RulesetTree => ({ 'inet cordon': { 'chain input': lines } }));
    fc.assert(
      fc.property(tree, tree, (a, b) => {
        const found = compareTrees('rules', a, b);
        expect(found.length === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
        for (const { path, kind } of found) {
          const index = Number(/\[(\d+)\]$/.exec(path)?.[1]);
          const old = a['inet cordon']?.['chain input']?.[index];
          const now = b['inet cordon']?.['chain input']?.[index];
          if (kind !== 'add') expect(kind === 'delete' ? old : (old ?? now)).toBeDefined();
          if (kind !== 'delete') expect(now ?? old).toBeDefined();
        }
      }),
    );
  });
});
