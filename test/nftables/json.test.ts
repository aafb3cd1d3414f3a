import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJsonRuleset } from '../../src/nftables/json/document.ts';
import { restoreFromText } from '../../src/nftables/json/restore.ts';
import { parseRuleset } from '../../src/nftables/parse.ts';
import { printStatement } from '../../src/nftables/print-statement.ts';
import type { Ruleset, Statement } from '../../src/nftables/ruleset.ts';
import { fixture } from './golden.ts';
import { CAPTURES, fromBoth, fromJson } from './listing-pairs.ts';
import { diagnosticsOf, goodValue, parsed } from './values.ts';

function statements(ruleset: Ruleset): Statement[] {
  return ruleset.tables.flatMap((t) => t.chains.flatMap((c) => c.rules.flatMap((r) => r.statements)));
}

/** Each kind of statement whose effect is left open, with how often it is there. */
function open(ruleset: Ruleset): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const s of statements(ruleset)) {
    if (s.kind !== 'unknown' && s.kind !== 'condition') continue;
    const text = printStatement(s);
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}

describe('captured rulesets', () => {
  test.each(CAPTURES)('%s: its JSON has the tables, chains, rules and hooks of its text', (name) => {
    const shape = (r: Ruleset) =>
      r.tables.map((t) => [t.family, t.name, t.chains.map((c) => [c.name, c.rules.length, c.base])]);
    expect(shape(fromJson(name))).toEqual(shape(parsed(fixture(`${name}.txt`))));
  });

  test.each(['firewalld', 'tailscale-nft', 'edge-cases'])('%s: every statement reads the same in both', (name) => {
    const plain = (r: Ruleset) =>
      statements(r).map((s) => (s.kind === 'match' || s.kind === 'vmap' ? { ...s, text: '' } : s.kind));
    expect(plain(fromJson(name))).toEqual(plain(parsed(fixture(`${name}.txt`))));
  });

  test('what stays open in each, and nothing else', () => {
    expect(Object.fromEntries(CAPTURES.map((name) => [name, open(fromBoth(name))]))).toEqual({
      docker: {},
      firewalld: { 'fib saddr . mark . iif oif missing': 1 },
      ufw: { 'xt match recent': 4, 'rt type 0': 3, 'xt match icmp6': 26 },
      'tailscale-nft': {},
      'tailscale-iptables-nft': {},
      'edge-cases': {
        'ct original ip saddr 10.0.0.9': 1,
        'fib saddr . iif oif missing': 1,
        'ip6 nexthdr tcp': 1,
        'exthdr frag exists': 1,
      },
    });
  });

  test('the JSON alone leaves the arguments of iptables extensions open', () => {
    expect(open(fromJson('docker'))).toEqual({ 'xt match addrtype': 2, 'xt match conntrack': 1 });
  });

  test('handles come from the JSON, flags and comments from the text', () => {
    const asleep = fromBoth('edge-cases').tables.find((t) => t.name === 'asleep');
    expect([asleep?.flags, asleep?.flagsUnread]).toEqual([['dormant'], undefined]);
    expect(fromJson('edge-cases').tables.find((t) => t.name === 'asleep')?.flagsUnread).toBe(true);
    const drops = fromBoth('docker').tables[1]?.chains.find((c) => c.name === 'FORWARD')?.rules;
    expect(drops?.map((r) => r.handle)).toEqual([25, 24, 23, 14, 13, 12, 11]);
  });
});

describe('documents that are no whole ruleset', () => {
  const table = { table: { family: 'inet', name: 't', handle: 1 } };
  const chain = { chain: { family: 'inet', table: 't', name: 'c', handle: 1 } };
  test.each<[string, string, RegExp]>([
    ['no JSON', '{"nftables": [', /not JSON/],
    ['no list', '{"tables": []}', /no list/],
    [
      'a rule without its chain',
      JSON.stringify({ nftables: [table, { rule: { family: 'inet', table: 't', chain: 'c', expr: [] } }] }),
      /without its chain/,
    ],
    ['a chain without its table', JSON.stringify({ nftables: [chain] }), /not listed/],
    ['a chain twice', JSON.stringify({ nftables: [table, chain, chain] }), /listed twice/],
    [
      'a hook that nobody knows',
      JSON.stringify({ nftables: [table, { chain: { ...chain.chain, hook: 'sideways', type: 'filter', prio: 0 } }] }),
      /hooked/,
    ],
    ['something that is no object', JSON.stringify({ nftables: [7] }), /no object/],
  ])('%s', (_what, text, message) => {
    expect(
      diagnosticsOf(parseJsonRuleset('x.json', text))
        .map((d) => d.message)
        .join(),
    ).toMatch(message);
  });

  test('a text of another moment', () => {
    const later = fixture('firewalld.txt').replace('\t\tiifname "lo" accept\n', '');
    const both = restoreFromText('later.txt', fromJson('firewalld'), goodValue(parseRuleset('later.txt', later)));
    expect(diagnosticsOf(both)[0]?.message).toContain('filter_INPUT');
  });
});

test('a set that a rule adds to is not fixed, although the JSON does not say dynamic', () => {
  const json = JSON.stringify({
    nftables: [
      { table: { family: 'inet', name: 't' } },
      { set: { family: 'inet', table: 't', name: 'seen', type: 'ipv4_addr', flags: ['timeout'], elem: ['10.0.0.1'] } },
      { set: { family: 'inet', table: 't', name: 'list', type: 'ipv4_addr', elem: ['10.0.0.1'] } },
    ],
  });
  expect(goodValue(parseJsonRuleset('x', json)).tables[0]?.sets.map((s) => s.flags)).toEqual([['timeout'], []]);
});

describe('mutated listings are read or refused, never thrown over', () => {
  const mutation = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(12),
    insert: fc.constantFrom(
      '',
      '{',
      '}',
      '"',
      '[',
      ' ',
      '\t',
      '\n',
      '0',
      'ip',
      '@',
      ',',
      'null',
      '\\',
      '::',
      '/',
      '-',
      '1e9',
    ),
  });
  const mutated = (text: string, list: readonly { at: number; length: number; insert: string }[]) =>
    list.reduce((t, { at, length, insert }) => {
      const from = Math.floor(at * t.length);
      return t.slice(0, from) + insert + t.slice(from + length);
    }, text);

  test.each(['edge-cases', 'docker'])('%s', (name) => {
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (list) => {
        parseRuleset('x', mutated(fixture(`${name}.txt`), list));
        parseJsonRuleset('x', mutated(fixture(`${name}.json`), list));
      }),
      { numRuns: 150 },
    );
  });

  test('values of another shape anywhere in the JSON', () => {
    const document = JSON.parse(fixture('edge-cases.json')) as unknown;
    const odd = fc.constantFrom<unknown>(null, 7, -1, 1e30, 'x', '', [], {}, [[]], { set: 1 }, { elem: {} }, true);
    fc.assert(
      fc.property(fc.nat(100_000), odd, (which, value) => {
        const places: [object, string][] = [];
        const collect = (node: unknown) => {
          if (typeof node !== 'object' || node === null) return;
          for (const [key, child] of Object.entries(node)) {
            places.push([node, key]);
            collect(child);
          }
        };
        const copy = structuredClone(document);
        collect(copy);
        const [node, key] = places[which % places.length] ?? [{}, ''];
        (node as Record<string, unknown>)[key] = value;
        parseJsonRuleset('x', JSON.stringify(copy));
      }),
      { numRuns: 400 },
    );
  });
});
