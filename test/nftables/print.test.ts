import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printLoadable, printRuleset } from '../../src/nftables/print.ts';
import { printPriority } from '../../src/nftables/priority.ts';
import type { NamedSet, Ruleset, SetElement } from '../../src/nftables/ruleset.ts';
import { arbKnownMatch, arbRuleset, arbUnknownMatch } from './arbitraries.ts';
import { addr } from './plans.ts';
import { parsed, withoutPlaces } from './values.ts';

function tableWith(sets: readonly NamedSet[], flags: readonly string[] = []): Ruleset {
  const table = {
    family: 'inet',
    name: 'cordon',
    flags,
    comment: 'c',
    counters: [],
    sets,
    others: [],
    chains: [],
  } as const;
  return { tables: [table] };
}

function set(of: string, elements: readonly SetElement[], flags: readonly string[] = ['interval']): NamedSet {
  return { name: 's', type: { kind: 'type', of }, flags, comment: undefined, options: [], elements };
}

const v4 = (text: string): SetElement => ({ kind: 'address', address: addr(text) });
const n = (value: bigint): SetElement => ({ kind: 'number', value });

// As listed by nft 1.0.6; the line breaks are part of it.
describe('printRuleset prints element lists as nft wraps them', () => {
  test('two IPv4 addresses on a line', () => {
    const text = printRuleset(tableWith([set('ipv4_addr', [v4('10.0.0.1'), v4('10.0.0.2'), v4('10.0.0.9')])]));
    expect(text).toContain('\t\telements = { 10.0.0.1, 10.0.0.2,\n\t\t\t     10.0.0.9 }\n');
  });
  test('one IPv6 address or interface on a line', () => {
    const links: SetElement[] = ['lo', 'eth0'].map((text) => ({ kind: 'string', text }));
    expect(printRuleset(tableWith([set('ifname', links, [])]))).toContain('{ "lo",\n\t\t\t     "eth0" }\n');
    expect(printRuleset(tableWith([set('ipv6_addr', [v4('::1'), v4('fd00::1')])]))).toContain(
      '{ ::1,\n\t\t\t     fd00::1 }\n',
    );
  });
  test('five numbers on a line, marks in hexadecimal', () => {
    const six = [1n, 2n, 3n, 4n, 5n, 6n].map(n);
    expect(printRuleset(tableWith([set('inet_service', six)]))).toContain('{ 1, 2, 3, 4, 5,\n\t\t\t     6 }');
    expect(printRuleset(tableWith([set('mark', [n(1n)], [])]))).toContain('elements = { 0x00000001 }');
  });
  test('an empty set has no elements line at all', () => {
    expect(printRuleset(tableWith([set('ipv4_addr', [])]))).toBe(
      'table inet cordon {\n\tcomment "c"\n\tset s {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t}\n}\n',
    );
  });
  test('IPv4-compatible addresses in mixed notation, as inet_ntop prints them', () => {
    expect(printRuleset(tableWith([set('ipv6_addr', [v4('::1.2.3.4')])]))).toContain('{ ::1.2.3.4 }');
    expect(printRuleset(tableWith([set('ipv6_addr', [v4('::2')])]))).toContain('{ ::2 }');
  });
});

test('flags of a table stand before its comment and are followed by a blank line', () => {
  expect(printRuleset(tableWith([], ['dormant']))).toBe('table inet cordon {\n\tflags dormant\n\tcomment "c"\n\n}\n');
});

test.each([
  ['inet', 'input', 300, '300'],
  ['inet', 'input', 0, 'filter'],
  ['inet', 'input', 10, 'filter + 10'],
  ['inet', 'input', 11, '11'],
  ['inet', 'ingress', -5, 'filter - 5'],
  ['inet', 'prerouting', -100, 'dstnat'],
  ['inet', 'output', -100, '-100'],
  ['inet', 'postrouting', 100, 'srcnat'],
  ['inet', 'forward', -150, 'mangle'],
  ['netdev', 'egress', 0, 'filter'],
  ['netdev', 'egress', -150, '-150'],
  ['bridge', 'forward', -200, 'filter'],
  ['bridge', 'forward', 0, '0'],
] as const)('priority in %s at %s: %i is %s', (family, hook, priority, text) => {
  expect(printPriority(family, hook, priority)).toBe(text);
});

test('printLoadable replaces both tables of ours, also the one that the ruleset does not have', () => {
  expect(printLoadable({ tables: [] })).toBe(
    'table inet cordon\ndelete table inet cordon\ntable netdev cordon\ndelete table netdev cordon\n',
  );
});

test('what was printed is read back as the same ruleset, and printed again as the same text', () => {
  const match = fc.oneof(arbKnownMatch, arbUnknownMatch);
  fc.assert(
    fc.property(arbRuleset('output', match), (ruleset) => {
      const text = printRuleset(ruleset);
      const back = parsed(text);
      expect(printRuleset(back)).toBe(text);
      expect(withoutPlaces(back)).toEqual(withoutPlaces(ruleset));
    }),
    { numRuns: 300 },
  );
});
