import { describe, expect, test } from 'vitest';
import { CT, type CtState, type Packet } from '../../src/net/packet.ts';
import { PacketSet } from '../../src/net/packet-set.ts';
import { decidingRule } from '../../src/nftables/decide.ts';
import { evaluateHook } from '../../src/nftables/evaluate.ts';
import { addr } from './plans.ts';
import { inetTable, parsed } from './values.ts';

const BASE: Packet = {
  family: 4,
  proto: 6,
  src: addr('10.0.0.1'),
  dst: addr('10.0.0.2'),
  sport: 40000,
  dport: 11434,
  ct: CT.originalNew,
  iif: 'eth0',
};
const V6: Packet = { ...BASE, family: 6, src: addr('fd00::1'), dst: addr('fd00::2') };
const UDP: Packet = { ...BASE, proto: 17 };
const icmp = (proto: number, icmpType: number, icmpCode: number): Packet => {
  const { family, src, dst } = proto === 58 ? V6 : BASE;
  return { family, src, dst, proto, icmpType, icmpCode, ct: CT.originalNew, iif: 'eth0' };
};
const ct = (state: CtState): Packet => ({ ...BASE, ct: state });

/** What a rule that accepts makes of a packet: matched, not matched, or not known. */
function matches(condition: string, packet: Packet, more = ''): boolean | 'unknown' {
  const ruleset = parsed(inetTable([`${condition} accept`], more));
  const { may, must } = evaluateHook(ruleset, 'input');
  expect(must.isSubsetOf(may)).toBe(true);
  if (may.contains(packet) !== must.contains(packet)) return 'unknown';
  return may.contains(packet);
}

// Each line: condition, packet, answer. Near misses stand below what they miss.
describe('conditions', () => {
  test.each<[string, string, Packet, boolean | 'unknown']>([
    ['a port', 'tcp dport 11434', BASE, true],
    ['the next port', 'tcp dport 11434', { ...BASE, dport: 11435 }, false],
    ['the other end', 'tcp sport 11434', BASE, false],
    ['the other protocol', 'tcp dport 11434', UDP, false],
    ['the other family', 'tcp dport 11434', V6, true],
    ['a port range, its end', 'tcp dport 11400-11434', BASE, true],
    ['a port range, beyond', 'tcp dport 11400-11433', BASE, false],
    ['an anonymous set', 'tcp dport { 22, 11434 }', BASE, true],
    ['not a port', 'tcp dport != 22', BASE, true],
    ['not a port, of another protocol: no value, no match', 'tcp dport != 22', UDP, false],
    ['not in a set', 'tcp dport != { 22, 11434 }', BASE, false],
    ['greater', 'tcp dport > 11433', BASE, true],
    ['not greater', 'tcp dport > 11434', BASE, false],
    ['at most', 'tcp dport <= 11434', BASE, true],
    ['less than nothing', 'tcp dport < 0', { ...BASE, dport: 0 }, false],
    ['an address', 'ip saddr 10.0.0.1', BASE, true],
    ['its neighbour', 'ip saddr 10.0.0.2', BASE, false],
    ['a prefix, last address', 'ip saddr 10.0.0.0/31', BASE, true],
    ['a prefix, next address', 'ip saddr 10.0.0.2/31', BASE, false],
    ['a range', 'ip daddr 10.0.0.2-10.0.0.9', BASE, true],
    ['an address of the other family', 'ip saddr 10.0.0.1', V6, false],
    ['not an address, of the other family: no match', 'ip saddr != 10.0.0.9', V6, false],
    ['an IPv6 address', 'ip6 saddr fd00::1', V6, true],
    ['every IPv4 packet', 'meta nfproto ipv4', BASE, true],
    ['no IPv6 packet', 'meta nfproto ipv4', V6, false],
    ['all but IPv6', 'meta nfproto != ipv6', BASE, true],
    ['a protocol', 'meta l4proto tcp', BASE, true],
    ['another protocol', 'meta l4proto { icmp, udp }', BASE, false],
    ['a protocol of IPv4 only', 'ip protocol tcp', V6, false],
    ['ports of any protocol that has some', 'th dport 11434', UDP, true],
    ['ports of a protocol without: some bytes', 'th dport 11434', icmp(1, 8, 0), 'unknown'],
    ['an interface', 'iifname "eth0"', BASE, true],
    ['another interface', 'iifname "eth1"', BASE, false],
    ['an interface by its device', 'iif "lo"', { ...BASE, iif: 'lo' }, true],
    ['an interface number', 'iif 5', BASE, 'unknown'],
    ['any other interface', 'iifname != "eth1"', BASE, true],
    ['no output interface at input: the empty name', 'oifname != "eth1"', BASE, true],
    ['a beginning', 'iifname "eth*"', BASE, true],
    ['another beginning', 'iifname "et1*"', BASE, false],
    ['a beginning, of the interface nobody named', 'iifname "eth*"', { ...BASE, iif: '' }, 'unknown'],
    ['a mark', 'meta mark 0x00080000', { ...BASE, mark: 0x80000 }, true],
    ['a masked mark', 'meta mark & 0x00ff0000 == 0x00080000', { ...BASE, mark: 0x12080034 }, true],
    ['a masked mark, other bits', 'meta mark & 0x00ff0000 == 0x00080000', { ...BASE, mark: 0x180000 }, false],
    ['a masked mark, negated', 'meta mark & 0x00ff0000 != 0x00080000', BASE, true],
    ['bits that the mask takes away', 'meta mark & 0x00ff0000 == 0x00000001', { ...BASE, mark: 1 }, false],
    ['an owner', 'meta skuid 1000', { ...BASE, uid: 1000 }, true],
    ['another owner', 'meta skuid != 0', { ...BASE, uid: 1000 }, true],
    ['not root, without a socket: no value, no match', 'meta skuid != 0', BASE, false],
    ['a group', 'meta skgid 0', { ...BASE, uid: 0 }, 'unknown'],
    ['a group, without a socket', 'meta skgid != 0', BASE, false],
    ['new', 'ct state new', BASE, true],
    ['new, of an established packet', 'ct state new', ct(CT.originalEstablished), false],
    ['established, either direction', 'ct state established', ct(CT.replyEstablished), true],
    ['a list', 'ct state established,new', BASE, true],
    ['a set', 'ct state { established, new }', BASE, true],
    ['not new, untracked', 'ct state != new', ct(CT.untracked), true],
    ['untracked', 'ct state untracked', ct(CT.untracked), true],
    ['invalid', 'ct state invalid', ct(CT.untracked), false],
    ['original', 'ct direction original', BASE, true],
    ['original, related', 'ct direction original', ct(CT.relatedOriginal), true],
    ['reply', 'ct direction reply', ct(CT.replyEstablished), true],
    ['not reply, untracked: no value, no match', 'ct direction != reply', ct(CT.untracked), false],
    ['not reply, invalid: no value, no match', 'ct direction != reply', ct(CT.invalid), false],
    ['a connection mark', 'ct mark & 0x01000000 == 0x01000000', BASE, 'unknown'],
    ['a connection mark, untracked', 'ct mark != 0x00000001', ct(CT.untracked), false],
    ['an ICMPv6 type', 'icmpv6 type nd-neighbor-solicit', icmp(58, 135, 0), true],
    ['another ICMPv6 type', 'icmpv6 type nd-neighbor-solicit', icmp(58, 134, 0), false],
    [
      'all but some ICMPv6 types: TCP has none',
      'icmpv6 type != { nd-neighbor-solicit, nd-neighbor-advert }',
      V6,
      false,
    ],
    ['an ICMP code', 'icmp type destination-unreachable icmp code frag-needed', icmp(1, 3, 4), true],
    ['another ICMP code', 'icmp type destination-unreachable icmp code frag-needed', icmp(1, 3, 3), false],
    ['ICMP of the other family', 'icmp type destination-unreachable', icmp(58, 3, 0), false],
    ['a hop limit', 'ip6 hoplimit 255', V6, 'unknown'],
    ['a hop limit, of IPv4', 'ip6 hoplimit 255', BASE, false],
    ['a cgroup', 'socket cgroupv2 level 1 "cordon.slice"', BASE, 'unknown'],
    ['a rate', 'limit rate 5/minute', BASE, 'unknown'],
    ['what nobody understands', 'fib daddr type local', BASE, 'unknown'],
    ['nothing', 'counter', BASE, true],
  ])('%s: %s', (_what, condition, packet, answer) => {
    expect(matches(condition, packet)).toBe(answer);
  });
});

describe('named sets', () => {
  const withSet = (of: string, lines: string, condition: string, packet: Packet) =>
    matches(condition, packet, `\tset s {\n\t\ttype ${of}\n${lines}\t}\n\n`);
  test.each<[string, string, string, string, boolean | 'unknown']>([
    ['an element', 'ipv4_addr', '\t\telements = { 10.0.0.1 }\n', 'ip saddr @s', true],
    ['no element', 'ipv4_addr', '\t\telements = { 10.0.0.3 }\n', 'ip saddr @s', false],
    ['an empty set', 'ipv4_addr', '', 'ip saddr @s', false],
    ['not in an empty set', 'ipv4_addr', '', 'ip saddr != @s', true],
    ['interfaces', 'ifname', '\t\telements = { "eth0" }\n', 'iifname @s', true],
    ['a set that timers change', 'ipv4_addr', '\t\tflags timeout\n', 'ip saddr @s', 'unknown'],
    ['a set that packets change', 'ipv4_addr', '\t\tflags dynamic\n', 'ip saddr != @s', 'unknown'],
    [
      'an element that was not understood',
      'ipv4_addr',
      '\t\telements = { 10.0.0.9 comment "x" }\n',
      'ip saddr @s',
      'unknown',
    ],
    ['a set of another type', 'ipv6_addr', '\t\telements = { fd00::1 }\n', 'ip saddr @s', 'unknown'],
    ['no such set', 'ipv4_addr', '', 'ip saddr @other', 'unknown'],
  ])('%s', (_what, of, lines, condition, answer) => {
    expect(withSet(of, lines, condition, BASE)).toBe(answer);
  });
});

const SUB = (rules: string[], name = 'sub') => `\tchain ${name} {\n${rules.map((r) => `\t\t${r}\n`).join('')}\t}\n\n`;

describe('the way of a packet', () => {
  const verdict = (rules: string[], more = '', policy = 'drop') =>
    decidingRule(parsed(inetTable(rules, more, policy)), 'input', BASE);
  test.each<[string, string[], string, string, 'accept' | 'drop' | 'unknown']>([
    ['policy drop', [], '', 'drop', 'drop'],
    ['policy accept', [], '', 'accept', 'accept'],
    ['the first verdict counts', ['drop', 'accept'], '', 'accept', 'drop'],
    ['jump comes back', ['jump sub', 'accept'], SUB([]), 'drop', 'accept'],
    ['return comes back', ['jump sub', 'accept'], SUB(['return', 'drop']), 'drop', 'accept'],
    ['a verdict does not come back', ['jump sub', 'accept'], SUB(['drop']), 'accept', 'drop'],
    ['goto ends in the policy', ['goto sub', 'accept'], SUB([]), 'drop', 'drop'],
    ['return at the top is the policy', ['return', 'drop'], '', 'accept', 'accept'],
    [
      'goto inside of a jump comes back to the jump',
      ['jump sub', 'accept'],
      SUB(['goto end', 'drop']) + SUB([], 'end'),
      'drop',
      'accept',
    ],
    ['reject drops', ['reject with icmpx admin-prohibited'], '', 'accept', 'drop'],
    ['a limit in front of a drop', ['limit rate 5/minute drop'], '', 'accept', 'unknown'],
    ['an unknown statement may be any verdict', ['xt target X'], '', 'drop', 'unknown'],
    ['a jump to nowhere', ['jump nowhere'], '', 'drop', 'unknown'],
    ['chains that jump in a circle', ['jump sub'], SUB(['jump sub']), 'drop', 'unknown'],
  ])('%s', (_what, rules, more, policy, expected) => {
    expect(verdict(rules, more, policy).verdict).toBe(expected);
  });

  test('a text whose jumps multiply without end is answered, with unknown', () => {
    const chain = (n: number) =>
      SUB(
        Array.from({ length: 9 }, () => `jump c${n + 1}`),
        `c${n}`,
      );
    const more = Array.from({ length: 14 }, (_, n) => chain(n)).join('') + SUB([], 'c14');
    const { may, must, unknowns } = evaluateHook(parsed(inetTable(['jump c0'], more)), 'input');
    expect([may === PacketSet.all, must.isEmpty(), unknowns.length > 0]).toEqual([true, true, true]);
  });
});

describe('hooks', () => {
  const two = (first: string, second: string) =>
    `table inet cordon {\n\tchain a {\n\t\ttype filter hook input priority 300; policy drop;\n\t\t${first}\n\t}\n\n\tchain b {\n\t\ttype filter hook input priority 200; policy accept;\n\t\t${second}\n\t}\n}\n`;
  test('every base chain has to accept', () => {
    expect(evaluateHook(parsed(two('accept', 'tcp dport 22 drop')), 'input').must.contains(BASE)).toBe(true);
    expect(evaluateHook(parsed(two('accept', 'tcp dport 11434 drop')), 'input').may.contains(BASE)).toBe(false);
    expect(evaluateHook(parsed(two('tcp dport 22 accept', 'accept')), 'input').may.contains(BASE)).toBe(false);
  });
  test('without a base chain everything passes', () => {
    const { may, must } = evaluateHook(parsed(inetTable([])), 'output');
    expect([may, must]).toEqual([PacketSet.all, PacketSet.all]);
    expect(decidingRule(parsed(inetTable([])), 'output', BASE)).toEqual({
      verdict: 'accept',
      by: { kind: 'no-chain', hook: 'output' },
    });
  });
  test('a dormant table is no table', () => {
    const text = inetTable([]).replace('{\n', '{\n\tflags dormant\n\n');
    expect(evaluateHook(parsed(text), 'input').may).toBe(PacketSet.all);
    expect(evaluateHook(parsed(text.replace('dormant', 'owner')), 'input').may).toBe(PacketSet.none);
  });
  test('foreign tables count only when asked for', () => {
    const text = inetTable(['accept']) + inetTable(['drop']).replace('inet cordon', 'inet other');
    expect(evaluateHook(parsed(text), 'input').must).toBe(PacketSet.all);
    expect(evaluateHook(parsed(text), 'input', { tables: () => true }).may).toBe(PacketSet.none);
  });
  test('a table of one family lets the other pass', () => {
    const text = inetTable([]).replace('inet cordon', 'ip other');
    const { may } = evaluateHook(parsed(text), 'input', { tables: () => true });
    expect([may.contains(BASE), may.contains(V6)]).toEqual([false, true]);
    expect(decidingRule(parsed(text), 'input', V6, { tables: () => true }).by.kind).toBe('no-chain');
  });
  test('a NAT chain is asked for the first packet only, so it may let anything pass', () => {
    const text = inetTable(['drop']).replace('type filter', 'type nat');
    expect(evaluateHook(parsed(text), 'input').may).toBe(PacketSet.all);
  });
  test('chains of a device are found by its name only', () => {
    const text =
      'table netdev cordon {\n\tchain egress {\n\t\ttype filter hook egress device "eth0" priority filter; policy drop;\n\t\tether type arp accept\n\t\tip saddr 10.0.0.1 tcp dport 11434 accept\n\t\tct state new accept\n\t}\n}\n';
    const at = (device?: string) => evaluateHook(parsed(text), 'egress', device === undefined ? {} : { device });
    expect(at('eth0').must.contains(BASE)).toBe(true);
    expect(at('eth0').must.contains({ ...BASE, dport: 1 })).toBe(false);
    // A device's hook may or may not know the connection.
    expect(at('eth0').may.contains({ ...BASE, dport: 1 })).toBe(true);
    expect(at('eth1').may).toBe(PacketSet.all);
    expect(at().may).toBe(PacketSet.all);
  });
});

describe('blame', () => {
  const text = inetTable(
    ['jump sub', 'counter drop comment "end"'],
    SUB(['ip6 hoplimit 255 accept', 'tcp dport 11434 accept comment "flow:a"']),
  );
  test('the rule that accepts: place, comment, text', () => {
    const { verdict, by } = decidingRule(parsed(text), 'input', BASE);
    expect([verdict, by]).toMatchObject([
      'accept',
      { kind: 'rule', table: 'inet cordon', chain: 'sub', comment: 'flow:a', span: { line: 4, column: 3 } },
    ]);
    expect(by.kind === 'rule' && by.text).toBe('tcp dport 11434 accept comment "flow:a"');
  });
  test('the rule that drops', () => {
    expect(decidingRule(parsed(text), 'input', UDP).by).toMatchObject({ kind: 'rule', chain: 'base', comment: 'end' });
  });
  test('the rule that might accept', () => {
    const decision = decidingRule(parsed(text), 'input', { ...V6, dport: 1 });
    expect(decision).toMatchObject({ verdict: 'unknown', by: { kind: 'rule', text: 'ip6 hoplimit 255 accept' } });
  });
  test('the policy', () => {
    expect(decidingRule(parsed(inetTable(['tcp dport 22 accept'])), 'input', BASE).by).toMatchObject({
      kind: 'policy',
      chain: 'base',
      policy: 'drop',
      span: { line: 2 },
    });
  });
  test('every place that could not be decided, once', () => {
    const { unknowns } = evaluateHook(parsed(text.replace('jump sub\n', 'jump sub\n\t\tjump sub\n')), 'input');
    expect(unknowns).toHaveLength(1);
    expect(unknowns[0]).toMatchObject({ chain: 'sub', text: 'ip6 hoplimit 255 accept', span: { line: 3 } });
  });
});
