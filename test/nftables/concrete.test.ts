import { describe, expect, test } from 'vitest';
import { evaluatePacket, type PacketVerdict } from '../../src/nftables/concrete/hook.ts';
import { readLinks } from '../../src/nftables/concrete/links.ts';
import { readPacket } from '../../src/nftables/concrete/packet.ts';
import type { Ruleset } from '../../src/nftables/ruleset.ts';
import { fromBoth, fromJson } from './listing-pairs.ts';
import { inetTable, parsed } from './values.ts';

type Fields = Readonly<Record<string, unknown>>;

const LINKS = readLinks([
  { ifindex: 1, ifname: 'lo', addr_info: [{ family: 'inet', local: '127.0.0.1' }] },
  { ifindex: 2, ifname: 'eth0', addr_info: [{ family: 'inet', local: '10.77.1.10', broadcast: '10.77.1.255' }] },
]);

function ask(ruleset: Ruleset, fields: Fields, links = LINKS): PacketVerdict {
  const read = readPacket(fields);
  if (!('packet' in read)) throw new Error(read.problems.join());
  return evaluatePacket(ruleset, read.packet, links);
}

/** `drop ip filter FORWARD policy`, `accept ip filter DOCKER 19`. */
function said(verdict: PacketVerdict): string {
  const { family, table, chain, handle } = verdict;
  if (verdict.verdict === 'unknown') return 'unknown';
  return [verdict.verdict, ...(table === null ? [] : [family, table, chain, handle ?? 'policy'])].join(' ');
}

const SYN = { proto: 'tcp', sport: 40000, tcpFlags: 'syn', ctState: 'new', ctDirection: 'original' };
const TO_HOST = { ...SYN, hook: 'input', iif: 'eth0', src: '10.77.2.66', dst: '10.77.1.10' };
const TO_CONTAINER = { ...SYN, hook: 'forward', iif: 'eth0', oif: 'docker0', src: '10.0.0.9', dst: '172.17.0.2' };
const FROM_CONTAINER = { ...SYN, hook: 'forward', iif: 'docker0', oif: 'eth0', src: '172.17.0.2', dst: '8.8.8.8' };

describe('rulesets of other programs: exact or unknown', () => {
  test.each<[string, string, Fields, string]>([
    [
      'docker',
      'a published port, behind its translation',
      { ...TO_CONTAINER, dport: 11434 },
      'accept ip filter DOCKER 19',
    ],
    ['docker', 'another port of that container', { ...TO_CONTAINER, dport: 11435 }, 'drop ip filter FORWARD policy'],
    [
      'docker',
      'an answer to it',
      { ...TO_CONTAINER, dport: 40000, ctState: 'established', ctDirection: 'reply' },
      'accept ip filter FORWARD 14',
    ],
    ['docker', 'a container going out', { ...FROM_CONTAINER, dport: 443 }, 'accept ip filter FORWARD 12'],
    [
      'docker',
      'a container of an internal network going out',
      { ...FROM_CONTAINER, iif: 'br-0123456789ab', dport: 443 },
      'drop ip filter DOCKER-ISOLATION-STAGE-1 21',
    ],
    [
      'docker',
      'the port arriving is translated',
      { ...TO_HOST, hook: 'prerouting', dport: 11434 },
      'accept ip nat DOCKER 9',
    ],
    [
      'docker',
      'a port that is not published is not',
      { ...TO_HOST, hook: 'prerouting', dport: 22 },
      'accept ip nat PREROUTING policy',
    ],
    ['docker', 'IPv6 is not asked', { ...TO_CONTAINER, src: 'fd00::1', dst: 'fd00::2', dport: 11434 }, 'accept'],
    ['docker', 'nothing is asked at input', { ...TO_HOST, dport: 22 }, 'accept'],
    ['firewalld', 'an open port', { ...TO_HOST, dport: 11434 }, 'accept inet firewalld filter_IN_public_allow 175'],
    ['firewalld', 'a closed port', { ...TO_HOST, dport: 9999 }, 'drop inet firewalld filter_IN_public 72'],
    [
      'firewalld',
      'anything from the trusted interface',
      { ...TO_HOST, iif: 'tailscale0', dport: 9999 },
      'accept inet firewalld filter_IN_trusted 189',
    ],
    [
      'firewalld',
      'an established connection',
      { ...TO_HOST, dport: 9999, ctState: 'established', ctDirection: 'reply' },
      'accept inet firewalld filter_INPUT 26',
    ],
    ['firewalld', 'loopback', { ...TO_HOST, iif: 'lo', dport: 9999 }, 'accept inet firewalld filter_INPUT 28'],
    [
      'firewalld',
      'invalid',
      { ...TO_HOST, dport: 11434, ctState: 'invalid', ctDirection: undefined },
      'drop inet firewalld filter_INPUT 29',
    ],
    [
      'ufw',
      'the allowed source',
      { ...TO_HOST, src: '10.77.2.20', dport: 11434 },
      'accept ip filter ufw-user-input 247',
    ],
    ['ufw', 'another source', { ...TO_HOST, dport: 11434 }, 'drop ip filter INPUT policy'],
    [
      'ufw',
      'an address that is not the host’s, whatever the log limits say',
      { ...TO_HOST, dst: '10.9.9.9', dport: 11434 },
      'drop ip filter ufw-not-local 205',
    ],
    ['ufw', 'a limited port: the list of recent sources is not known', { ...TO_HOST, dport: 22 }, 'unknown'],
    [
      'ufw',
      'going out is denied',
      { ...TO_HOST, hook: 'output', iif: undefined, oif: 'eth0', dport: 443 },
      'drop ip filter OUTPUT policy',
    ],
    [
      'ufw',
      'an answer',
      { ...TO_HOST, dport: 40000, ctState: 'established', ctDirection: 'reply' },
      'accept ip filter ufw-before-input 186',
    ],
    [
      'tailscale-nft',
      'from the tunnel',
      { ...TO_HOST, iif: 'tailscale0', src: '100.64.0.20', dport: 22 },
      'accept ip filter ts-input 8',
    ],
    [
      'tailscale-nft',
      'a tailnet address from elsewhere',
      { ...TO_HOST, src: '100.64.0.20', dport: 22 },
      'drop ip filter ts-input 7',
    ],
    [
      'tailscale-nft',
      'forwarded from the tunnel: the mark that the rule before has set',
      { ...TO_CONTAINER, iif: 'tailscale0', oif: 'eth0', src: '100.64.0.20', dport: 22 },
      'accept ip filter ts-forward 11',
    ],
    [
      'tailscale-iptables-nft',
      'the same through iptables',
      { ...TO_CONTAINER, iif: 'tailscale0', oif: 'eth0', src: '100.64.0.20', dport: 22 },
      'accept ip filter ts-forward 11',
    ],
  ])('%s: %s', (name, _what, fields, expected) => {
    expect(said(ask(fromBoth(name), fields))).toBe(expected);
  });

  test('without the text, what the extensions of iptables say is unknown', () => {
    const answer = { ...TO_CONTAINER, dport: 40000, ctState: 'established', ctDirection: 'reply' };
    expect(said(ask(fromJson('docker'), answer))).toBe('unknown');
    expect(said(ask(fromJson('docker'), { ...TO_CONTAINER, dport: 11434 }))).toMatch(/^accept/);
  });

  test('without the links, what is local is unknown', () => {
    const read = readPacket({ ...TO_HOST, dport: 11434 });
    if (!('packet' in read)) throw new Error('no packet');
    expect(evaluatePacket(fromBoth('ufw'), read.packet).why).toMatch(/^or dropped/);
    expect(evaluatePacket(fromBoth('ufw'), read.packet).verdict).toBe('drop');
    const multicast = readPacket({ ...TO_HOST, iif: 'tailscale0', dport: 1 });
    if (!('packet' in multicast)) throw new Error('no packet');
    expect(evaluatePacket(fromBoth('ufw'), multicast.packet).verdict).toBe('unknown');
  });
});

describe('values that a packet lacks, or that may be any', () => {
  const one = (rule: string, more = '') => parsed(inetTable([rule], more, 'accept'));
  test.each<[string, Fields, string]>([
    ['tcp dport 22 drop', { ...TO_HOST, dport: 22 }, 'drop'],
    ['tcp dport != 22 drop', { ...TO_HOST, proto: 'udp', dport: 23 }, 'accept'],
    ['tcp dport != 22 drop', { ...TO_HOST, dport: undefined }, 'accept'],
    ['tcp dport 22 drop', { ...TO_HOST, dport: '?' }, 'unknown'],
    ['tcp dport 0-65535 drop', { ...TO_HOST, sport: '?', dport: 5 }, 'drop'],
    ['meta skuid != 0 drop', TO_HOST, 'accept'],
    ['meta skuid != 0 drop', { ...TO_HOST, skuid: 5 }, 'drop'],
    ['ct mark != 5 drop', { ...TO_HOST, ctState: 'untracked', ctDirection: undefined }, 'accept'],
    ['ct mark != 5 drop', { ...TO_HOST, ctMark: 0 }, 'drop'],
    ['ct state != new drop', { ...TO_HOST, ctState: 'untracked' }, 'drop'],
    ['ct state != new drop', { ...TO_HOST, ctState: undefined }, 'drop'],
    ['ct state invalid drop', { ...TO_HOST, ctState: undefined }, 'unknown'],
    ['ct state ! new,established drop', { ...TO_HOST, ctState: 'related' }, 'drop'],
    ['oifname != "eth0" drop', TO_HOST, 'drop'],
    ['iifname "eth*" drop', TO_HOST, 'drop'],
    ['iifname "eth*" drop', { ...TO_HOST, iif: 'et' }, 'accept'],
    ['tcp flags syn drop', { ...TO_HOST, dport: 1, tcpFlags: ['syn', 'ack'] }, 'drop'],
    ['tcp flags == syn drop', { ...TO_HOST, dport: 1, tcpFlags: 'syn,ack' }, 'accept'],
    ['tcp flags ! syn drop', { ...TO_HOST, dport: 1, tcpFlags: 'ack' }, 'drop'],
    ['tcp flags syn / syn,ack drop', { ...TO_HOST, dport: 1, tcpFlags: 'syn|urg' }, 'drop'],
    ['tcp flags syn drop', { ...TO_HOST, dport: 1, tcpFlags: undefined }, 'unknown'],
    ['icmp type echo-request drop', { ...TO_HOST, proto: 'icmp', icmpType: 'echo-request' }, 'drop'],
    ['meta mark set 0x00000005 meta mark 0x00000005 drop', TO_HOST, 'drop'],
    [
      'meta mark set meta mark & 0xffff0000 | 0x00000001 meta mark 0x00100001 drop',
      { ...TO_HOST, mark: 0x100007 },
      'drop',
    ],
    ['ct mark set meta mark ct mark 0x00000007 drop', { ...TO_HOST, mark: 7 }, 'drop'],
    [
      'ct mark set meta mark ct mark 0x00000007 drop',
      { ...TO_HOST, mark: 7, ctState: 'invalid', ctDirection: undefined },
      'accept',
    ],
    ['meta mark set ct mark drop', { ...TO_HOST, ctState: 'untracked', ctDirection: undefined }, 'accept'],
    ['socket cgroupv2 level 1 "a.slice" drop', { ...TO_HOST, cgroup: '/a.slice/b' }, 'drop'],
    ['socket cgroupv2 level 2 "a.slice/b" drop', { ...TO_HOST, cgroup: 'a.slice' }, 'accept'],
    ['socket cgroupv2 level 1 4711 drop', { ...TO_HOST, cgroup: 'a.slice' }, 'unknown'],
    ['reject with icmpv6 admin-prohibited', TO_HOST, 'accept'],
    ['reject with icmp admin-prohibited', TO_HOST, 'drop'],
    ['meta l4proto tcp reject with tcp reset', TO_HOST, 'unknown'],
    ['ip saddr 10.77.2.66 meta l4proto tcp reject with tcp reset', TO_HOST, 'drop'],
    ['limit rate 5/minute drop', TO_HOST, 'unknown'],
    ['queue to 0', TO_HOST, 'unknown'],
    ['xt match recent drop', TO_HOST, 'unknown'],
    ['tcp dport vmap { 22 : drop, 23-25 : accept }', { ...TO_HOST, dport: 22 }, 'drop'],
    ['tcp dport vmap { 22 : drop, 23-25 : queue }', { ...TO_HOST, dport: 24 }, 'unknown'],
    ['tcp dport vmap { 22 : drop } counter', { ...TO_HOST, dport: 24 }, 'accept'],
    ['ip saddr . tcp dport { 10.77.2.66 . 22 } drop', { ...TO_HOST, dport: 22 }, 'drop'],
    ['ip saddr . tcp dport != { 10.77.2.66 . 22 } drop', { ...TO_HOST, dport: 23 }, 'drop'],
    ['ip saddr . tcp dport != { 10.77.2.66 . 22 } drop', { ...TO_HOST, proto: 'udp', dport: 23 }, 'accept'],
    ['fib daddr type local drop', TO_HOST, 'drop'],
    ['fib daddr type local drop', { ...TO_HOST, dst: '10.77.1.11' }, 'accept'],
  ])('%s %o', (rule, fields, expected) => {
    expect(ask(one(rule), { dport: 9, ...fields }).verdict).toBe(expected);
  });

  test('a set that rules or timers change', () => {
    const changing = '\tset s {\n\t\ttype ipv4_addr\n\t\tflags timeout\n\t\telements = { 10.0.0.1 }\n\t}\n\n';
    const fixed = '\tset s {\n\t\ttype ipv4_addr\n\t\telements = { 10.77.2.66 }\n\t}\n\n';
    expect(ask(one('ip saddr @s drop', changing), TO_HOST).verdict).toBe('unknown');
    expect(ask(one('ip saddr @s drop', fixed), TO_HOST).verdict).toBe('drop');
    const added = parsed(inetTable(['ip saddr @s drop', 'add @s { ip saddr }'], fixed, 'accept'));
    expect(ask(added, TO_HOST).verdict).toBe('unknown');
  });

  test.each<[Fields, RegExp]>([
    [{ ...TO_HOST, hook: 'side' }, /hook/],
    [{ ...TO_HOST, src: 'fd00::1' }, /two families/],
    [{ ...TO_HOST, sport: 65536 }, /sport/],
    [{ ...TO_HOST, mtu: 5 }, /no key "mtu"/],
    [{ ...TO_HOST, ctState: 'old' }, /ctState/],
    [{ ...TO_HOST, iif: 'a/b' }, /iif/],
    [{ ...TO_HOST, proto: undefined }, /proto/],
  ])('%o is refused', (fields, message) => {
    const read = readPacket(fields);
    expect('problems' in read ? read.problems.join() : '').toMatch(message);
  });
});

describe('several base chains', () => {
  const chain = (name: string, priority: string, rules: string, policy = 'accept', type = 'filter', hook = 'input') =>
    `\tchain ${name} {\n\t\ttype ${type} hook ${hook} priority ${priority}; policy ${policy};\n\t\t${rules}\n\t}\n`;
  test('a mark set in one is seen by the next', () => {
    const text = `table inet t {\n${chain('b', '5', 'meta mark 0x00000001 drop')}${chain('a', '-5', 'meta mark set 0x00000001')}}\n`;
    expect(said(ask(parsed(text), TO_HOST))).toMatch(/^drop inet t b/);
  });
  test('an unknown drop before a sure one: dropped for sure', () => {
    const text = `table inet t {\n${chain('a', '-5', 'limit rate 5/minute drop')}${chain('b', '5', 'drop')}}\n`;
    const verdict = ask(parsed(text), TO_HOST);
    expect([verdict.verdict, verdict.chain, verdict.why]).toEqual([
      'drop',
      'b',
      'or dropped in inet t a: limit rate 5/minute drop',
    ]);
  });
  test('before connections are looked up every packet reads as invalid', () => {
    const early = (rule: string) => `table inet t {\n${chain('a', '-300', rule, 'accept', 'filter', 'prerouting')}}\n`;
    const packet = { ...TO_HOST, hook: 'prerouting' };
    expect(ask(parsed(early('ct state invalid drop')), packet).verdict).toBe('drop');
    expect(ask(parsed(early('ct state new drop')), packet).verdict).toBe('accept');
  });
  test('a translated address is not known to the chains behind', () => {
    const nat = chain('n', 'dstnat', 'tcp dport 80 dnat ip to 10.0.0.1', 'accept', 'nat', 'prerouting');
    const text = `table inet t {\n${nat}${chain('f', '0', 'ip daddr 10.77.1.10 drop', 'accept', 'filter', 'prerouting')}}\n`;
    const at = (dport: number) => ask(parsed(text), { ...TO_HOST, hook: 'prerouting', dport }).verdict;
    expect([at(80), at(81)]).toEqual(['unknown', 'drop']);
  });
  test('a dormant table is not asked, one whose flags were not read perhaps', () => {
    const text = `table inet t {\n\tflags dormant\n\n${chain('a', '0', 'drop')}}\n`;
    expect(ask(parsed(text), TO_HOST).verdict).toBe('accept');
    const unread = parsed(text).tables.map((t) => ({ ...t, flags: [], flagsUnread: true }));
    expect(ask({ tables: unread }, TO_HOST).verdict).toBe('unknown');
  });
  test('chains of devices are asked for their devices, a bridge’s only perhaps', () => {
    const device =
      'table netdev t {\n\tchain a {\n\t\ttype filter hook ingress device "eth0" priority 0; policy drop;\n\t}\n}\n';
    const at = (iif: string) => ask(parsed(device), { ...TO_HOST, hook: 'ingress', iif }).verdict;
    expect([at('eth0'), at('eth1')]).toEqual(['drop', 'accept']);
    const bridge = `table bridge t {\n${chain('a', '0', 'drop')}}\n`;
    const read = readPacket(TO_HOST);
    if (!('packet' in read)) throw new Error('no packet');
    expect([evaluatePacket(parsed(bridge), read.packet).verdict, ask(parsed(bridge), TO_HOST).verdict]).toEqual([
      'unknown',
      'accept',
    ]);
  });
});
