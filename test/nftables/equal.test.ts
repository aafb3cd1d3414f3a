import { describe, expect, test } from 'vitest';
import { compareListings, type ListingDifference } from '../../src/nftables/equal.ts';
import { ownTables } from '../../src/nftables/own-tables.ts';
import { printRuleset } from '../../src/nftables/print.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { fixture } from './golden.ts';
import { PLANS } from './plans.ts';
import { diagnosticsOf, goodValue } from './values.ts';

const plan = PLANS['model-netns'];
if (plan === undefined) throw new Error('no plan');
const DECLARED = printRuleset(renderHost(plan));
const ROUTER = printRuleset(renderHost(PLANS['orchestrator'] ?? plan));

function compare(found: string, expected = DECLARED): readonly ListingDifference[] {
  return goodValue(compareListings({ file: 'declared', text: expected }, { file: 'nft.txt', text: found }));
}

/** One edit of the listing; fails when it does nothing. */
function edited(from: string, to: string, text = DECLARED): string {
  expect(text).toContain(from);
  return text.replace(from, to);
}

describe('is equal', () => {
  test('to itself', () => expect(compare(DECLARED)).toEqual([]));
  test('beside the tables of others', () => expect(compare(`${fixture('docker.txt')}${DECLARED}`)).toEqual([]));
  test('with counter values, named and anonymous', () => {
    const counted = DECLARED.replaceAll(
      /\tcounter (\w+) \{\n/g,
      '\tcounter $1 {\n\t\tpackets 5 bytes 600\n',
    ).replaceAll(' counter accept', ' counter packets 17 bytes 9000 accept');
    expect(counted).not.toBe(DECLARED);
    expect(compare(counted)).toEqual([]);
  });
  test('with handles', () => {
    let handle = 0;
    const withHandles = DECLARED.split('\n')
      .map((l) =>
        /^\t\t(?!type|flags|comment|elements|packets|\t)\S/.test(l) || / \{$/.test(l) ? `${l} # handle ${++handle}` : l,
      )
      .join('\n');
    expect(handle).toBeGreaterThan(20);
    expect(compare(withHandles)).toEqual([]);
  });
  test('with element lists wrapped otherwise', () => {
    expect(compare(edited('{ "eth0",\n\t\t\t     "cellh" }', '{ "cellh", "eth0" }', ROUTER), ROUTER)).toEqual([]);
  });
});

const FIRST = '\t\tjump pmtu\n';

describe('notices', () => {
  test.each<[string, string, string, Partial<ListingDifference>]>([
    [
      'an inserted rule',
      FIRST,
      `\t\taccept\n${FIRST}`,
      { object: 'chain input', expected: undefined, found: 'accept' },
    ],
    ['a removed rule', FIRST, '', { object: 'chain input', expected: 'jump pmtu', found: undefined }],
    ['a changed rule', 'tcp dport 11434', 'tcp dport 11435', { object: 'chain ingress' }],
    [
      'a changed policy',
      'hook output priority 300; policy drop;',
      'hook output priority 300; policy accept;',
      { object: 'chain output' },
    ],
    ['a changed priority', 'hook output priority 300;', 'hook output priority 299;', { object: 'chain output' }],
    ['a changed table comment', 'role=model', 'role=other', { object: undefined }],
    [
      'a dormant table',
      '{\n\tcomment',
      '{\n\tflags dormant\n\tcomment',
      { object: undefined, expected: undefined, found: 'flags dormant' },
    ],
    [
      'an added chain',
      '\tchain ingress {',
      '\tchain extra {\n\t}\n\n\tchain ingress {',
      { object: 'chain extra', found: 'chain extra' },
    ],
    [
      'an added counter',
      '\tcounter in_denied {',
      '\tcounter x {\n\t}\n\n\tcounter in_denied {',
      { object: 'counter x' },
    ],
    [
      'an added element',
      '"cell0" }',
      '"cell0",\n\t\t\t     "eth9" }',
      { object: 'set neighbour_links', expected: undefined, found: '"eth9"' },
    ],
    ['a replaced element', '{ "cell0" }', '{ "eth9" }', { object: 'set neighbour_links', expected: '"cell0"' }],
    [
      'elements gone',
      '\t\telements = { "cell0" }\n',
      '',
      { object: 'set neighbour_links', expected: '"cell0"', found: undefined },
    ],
    ['a changed type of a set', 'type ifname', 'type ipv4_addr', { object: 'set neighbour_links' }],
    [
      'another device of the netdev chain',
      'device "cell0"',
      'device "cell1"',
      { table: 'netdev cordon', object: 'chain egress' },
    ],
    ['a rule comment', 'comment "flow:orchestrator-model"', 'comment "flow:other"', { object: 'chain ingress' }],
    // A statement that nft cannot show leaves a blank.
    ['an invisible statement', FIRST, '\t\tjump pmtu \n', { object: 'chain input', found: 'jump pmtu ' }],
    // A quoted text is no counter.
    [
      'counts inside a comment',
      '"flow:orchestrator-model"',
      '"counter packets 1 bytes 2"',
      { object: 'chain ingress' },
    ],
  ])('%s', (_what, from, to, difference) => {
    const differences = compare(edited(from, to));
    expect(differences[0]).toMatchObject(difference);
    expect(differences.length).toBeLessThanOrEqual(2);
  });

  test('a flushed chain, rule by rule', () => {
    const flushed = DECLARED.replace(/(\tchain ingress \{\n)[^}]*/, '$1\t');
    expect(compare(flushed).map((d) => [d.object, d.found])).toEqual([
      ['chain ingress', undefined],
      ['chain ingress', undefined],
    ]);
  });

  test('the order of rules', () => {
    const [a, b] = ['\t\tiif "lo" accept\n', '\t\tiifname @neighbour_links jump neighbours\n'];
    expect(compare(edited(`${a}${b}`, `${b}${a}`)).length).toBeGreaterThan(0);
  });

  test('the order of chains, when nothing else differs', () => {
    const [first, second] = [...DECLARED.matchAll(/\tchain (?:in|e)gress \{[^}]*\}\n\n/g)].map((m) => m[0]);
    expect(compare(edited(`${first}${second}`, `${second}${first}`))).toHaveLength(1);
  });

  test('a missing table, at the start of the listing', () => {
    const [inet] = DECLARED.split('table netdev');
    expect(compare(inet ?? '')).toEqual([
      {
        table: 'netdev cordon',
        object: undefined,
        expected: 'table netdev cordon',
        found: undefined,
        span: expect.objectContaining({ line: 1 }),
      },
    ]);
    expect(compare('').map((d) => d.expected)).toEqual(['table inet cordon', 'table netdev cordon']);
  });

  test('a table of ours that was not declared', () => {
    const [inet] = DECLARED.split('table netdev');
    expect(compare(DECLARED, inet ?? '').map((d) => d.found)).toEqual(['table netdev cordon']);
  });

  test('where: the line of an added rule, the block that lacks one', () => {
    const [added] = compare(edited(FIRST, `${FIRST}\t\taccept\n`));
    expect(added?.span.line).toBe(DECLARED.split('\n').indexOf('\t\tjump pmtu') + 2);
    const [lost] = compare(edited(FIRST, ''));
    expect(lost?.span.line).toBe(DECLARED.split('\n').indexOf('\tchain input {') + 1);
  });
});

test('half a listing is no listing, on either side', () => {
  const half = DECLARED.slice(0, DECLARED.length / 2);
  const whole = { file: 'a', text: DECLARED };
  expect(diagnosticsOf(compareListings(whole, { file: 'b', text: half }))[0]?.span.file).toBe('b');
  expect(diagnosticsOf(compareListings({ file: 'b', text: half }, whole))[0]?.span.file).toBe('b');
});

describe('ownTables', () => {
  test('cuts ours out of a full listing, byte for byte', () => {
    const [inet, netdev] = DECLARED.split(/(?=table netdev)/);
    const listing = `${fixture('docker.txt')}${inet}${fixture('ufw.txt').replaceAll(/filter \{/g, 'ufw {')}${netdev}`;
    expect(goodValue(ownTables('nft.txt', listing))).toBe(DECLARED);
  });
  test('is empty when there are none, also beside a table of our name in another family', () => {
    expect(goodValue(ownTables('nft.txt', 'table ip cordon {\n}\n'))).toBe('');
  });
  test('refuses a broken listing even where ours are whole', () => {
    expect(ownTables('nft.txt', `${DECLARED}table ip nat {\n\tchain x {\n`).ok).toBe(false);
  });
});
