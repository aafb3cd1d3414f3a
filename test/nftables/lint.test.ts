import { expect, test } from 'vitest';
import { lintRuleset } from '../../src/nftables/lint.ts';
import { fixture } from './golden.ts';
import { inetTable, parsed } from './values.ts';

function codes(rules: string[], more = '', policy = 'drop'): string[] {
  return lintRuleset(parsed(inetTable(rules, more, policy))).map((f) => f.code);
}

const chain = (...rules: string[]) => `\tchain sub {\n${rules.map((r) => `\t\t${r}\n`).join('')}\t}\n\n`;
const LONG = 'x'.repeat(129);

test.each<[string, string[], string, string[]]>([
  ['a drop at the end', ['drop'], '', []],
  ['a counted drop', ['log prefix "x" counter drop'], '', []],
  ['no rule at all', [], '', ['base-chain-open-end']],
  ['a drop with a condition', ['tcp dport 22 drop'], '', ['base-chain-open-end']],
  ['a drop with a limit', ['limit rate 5/minute drop'], '', ['base-chain-open-end']],
  ['an accept at the end', ['accept'], '', ['base-chain-open-end']],
  ['something behind the drop', ['drop', 'counter'], '', ['base-chain-open-end']],
  ['a goto target with a verdict', ['goto sub', 'drop'], chain('accept'), []],
  ['a goto target that ends openly', ['goto sub', 'drop'], chain('tcp dport 22 accept'), ['goto-target-open-end']],
  ['an empty goto target', ['goto sub', 'drop'], chain(), ['goto-target-open-end']],
  ['a jump target may end openly', ['jump sub', 'drop'], chain(), []],
  ['established and related', ['ct state established,related accept', 'drop'], '', ['established-accept']],
  ['established', ['ct state established accept', 'drop'], '', ['established-accept']],
  ['established in a set', ['ct state { established, new } accept', 'drop'], '', ['established-accept']],
  ['all but new', ['ct state != new accept', 'drop'], '', ['established-accept']],
  ['established in one direction', ['tcp dport 22 ct direction original ct state established accept', 'drop'], '', []],
  [
    'established, not the other direction',
    ['ct direction != reply ct state established accept', 'drop'],
    '',
    ['established-accept'],
  ],
  ['related errors', ['icmpv6 type packet-too-big ct state related accept', 'drop'], '', []],
  ['a dropped state', ['ct state established drop', 'drop'], '', []],
  ['a bare source port', ['tcp sport 11434 accept', 'drop'], '', ['bare-sport']],
  [
    'a source port with addresses',
    ['ip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp sport 11434 accept', 'drop'],
    '',
    ['bare-sport'],
  ],
  ['a source port of replies', ['tcp sport 11434 ct direction reply ct state established accept', 'drop'], '', []],
  ['a source port behind a marked jump', ['ct mark 0x00000001 jump sub', 'drop'], chain('udp sport 41641 accept'), []],
  [
    'a source port behind two jumps, one unmarked',
    ['ct mark 0x00000001 jump sub', 'jump sub', 'drop'],
    chain('udp sport 41641 accept'),
    ['bare-sport'],
  ],
  ['lo by its device', ['iif "lo" accept', 'drop'], '', []],
  ['another device', ['iif "eth0" drop', 'drop'], '', ['interface-index']],
  ['a device number', ['oif 7 drop', 'drop'], '', ['interface-index']],
  ['a long comment', [`drop comment "${LONG}"`], '', ['comment-too-long']],
  ['a comment that just fits', [`drop comment "${LONG.slice(1)}"`], '', []],
  ['a jump to nowhere', ['jump nowhere', 'drop'], '', ['dangling-reference']],
  ['a set that is not there', ['ip saddr @none drop', 'drop'], '', ['dangling-reference']],
  ['a counter that is not there', ['counter name "none" drop'], '', ['dangling-reference']],
])('%s', (_what, rules, more, expected) => {
  expect(codes(rules, more)).toEqual(expected);
});

test('policy accept', () => expect(codes(['drop'], '', 'accept')).toEqual(['base-chain-policy']));

test('an anonymous set without elements, which only a program can make', () => {
  const ruleset = parsed(inetTable(['tcp dport { 22, 23 } drop', 'drop']));
  const emptied = JSON.parse(JSON.stringify(ruleset, (k, v) => (k === 'elements' ? [] : v)));
  expect(lintRuleset(emptied).map((f) => f.code)).toEqual(['empty-set']);
});

test('in a netdev chain a source port needs both addresses, for there is no connection to ask', () => {
  const text = (rule: string) =>
    `table netdev cordon {\n\tchain egress {\n\t\ttype filter hook egress device "eth0" priority filter; policy drop;\n\t\t${rule}\n\t\tdrop\n\t}\n}\n`;
  const of = (rule: string) => lintRuleset(parsed(text(rule))).map((f) => f.code);
  expect(of('ip saddr 10.0.0.1 ip daddr 10.0.0.2 tcp sport 11434 accept')).toEqual([]);
  expect(of('ip saddr 10.0.0.1 tcp sport 11434 accept')).toEqual(['bare-sport']);
});

test('findings name the place', () => {
  const [finding] = lintRuleset(parsed(fixture('docker.txt')));
  expect(finding).toMatchObject({
    table: 'ip nat',
    chain: 'POSTROUTING',
    code: 'base-chain-policy',
    span: { line: 8 },
  });
});
