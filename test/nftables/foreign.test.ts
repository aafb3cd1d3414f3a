import { describe, expect, test } from 'vitest';
import { type BypassKind, foreignFindings } from '../../src/nftables/foreign.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { fixture } from './golden.ts';
import { PLANS } from './plans.ts';
import { parsed } from './values.ts';

function foreign(
  rules: readonly string[],
  hook = 'type filter hook forward priority filter; policy accept;',
  family = 'ip',
): string {
  return `table ${family} other {\n\tchain c {\n\t\t${hook}\n${rules.map((r) => `\t\t${r}\n`).join('')}\t}\n}\n`;
}

function kinds(text: string): BypassKind[] {
  return foreignFindings(parsed(text)).map((f) => f.kind);
}

describe('statements', () => {
  test.each<[string, BypassKind[]]>([
    ['tcp dport 80 redirect to :11434', ['redirect']],
    ['ip daddr 10.9.9.9 dnat to 10.0.0.7:8000', ['nat']],
    ['oifname "eth0" counter packets 0 bytes 0 masquerade', ['nat']],
    ['snat to 10.9.9.9', ['nat']],
    ['notrack', ['notrack']],
    ['tcp dport 80 tproxy to :50080', ['tproxy']],
    ['dup to 10.0.0.7 device "eth1"', ['dup']],
    ['fwd to "eth1"', ['fwd']],
    ['fwd ip to 10.0.0.7 device "eth1"', ['fwd']],
    ['flow add @ft', ['flowtable']],
    ['ct helper set "ftp-standard"', ['ct-object']],
    ['queue flags bypass to 0', ['queue']],
    ['ip daddr set 10.77.2.66', ['mangle']],
    ['meta mark set 0x00000001', ['mangle']],
    ['meta mark set meta mark & 0xff04ffff | 0x00040000', ['mangle']],
    ['ct mark set meta mark', ['mangle']],
    ['ct mark set ct mark | 0x01000000', ['mangle']],
    ['ct zone set 1', ['mangle']],
    ['tcp dport set 80', ['mangle']],
    ['xt match recent counter packets 0 bytes 0', ['xt']],
    ['xt target TEE', ['xt']],
    ['counter packets 0 bytes 0 ', ['not-understood']],
    ['a-new-statement', ['not-understood']],
    ['synproxy mss 1460', ['not-understood']],
    // Ordinary filtering, and what only looks.
    ['accept', []],
    ['tcp dport 22 counter packets 0 bytes 0 drop', []],
    ['fib daddr type local counter packets 0 bytes 0 jump x', []],
    ['ct original ip saddr 10.0.0.9 accept', []],
    ['tcp dport vmap { 80 : accept, 81-90 : jump sub }', []],
    ['ip saddr . tcp dport @pairs accept', []],
    ['ct status dnat accept', []],
    ['rt type 0 counter packets 0 bytes 0 drop', []],
    ['add @seen { ip saddr timeout 1m }', []],
    ['@ll,48,48 1 accept', []],
    ['tcp option maxseg size set rt mtu', []],
    ['meta nftrace set 1', []],
    // Words of others: names, prefixes and sets.
    ['log prefix "redirect: dnat set" accept', []],
    ['ip saddr . ip daddr @notrack drop', []],
  ])('%s', (rule, expected) => {
    expect(kinds(foreign([rule]))).toEqual(expected);
  });
});

describe('places', () => {
  test.each<[string, string, BypassKind[]]>([
    ['a NAT chain', foreign([], 'type nat hook output priority -100; policy accept;'), ['nat']],
    ['a route chain', foreign([], 'type route hook output priority mangle; policy accept;'), ['mangle']],
    [
      'before connection tracking',
      foreign([], 'type filter hook prerouting priority raw; policy accept;'),
      ['before-conntrack'],
    ],
    [
      'at connection tracking',
      foreign([], 'type filter hook prerouting priority -200; policy accept;'),
      ['before-conntrack'],
    ],
    ['just behind it', foreign([], 'type filter hook prerouting priority -199; policy accept;'), []],
    [
      'an ingress chain',
      foreign([], 'type filter hook ingress device "eth0" priority filter; policy accept;', 'inet'),
      ['device-table'],
    ],
    ['a netdev table', 'table netdev other {\n}\n', ['device-table']],
    ['a bridge table', 'table bridge filter {\n}\n', ['device-table']],
    [
      'a flowtable',
      'table inet other {\n\tflowtable ft {\n\t\thook ingress priority filter\n\t\tdevices = { eth0 }\n\t}\n}\n',
      ['flowtable'],
    ],
    [
      'a ct helper',
      'table ip other {\n\tct helper ftp {\n\t\ttype "ftp" protocol tcp\n\t\tl3proto ip\n\t}\n}\n',
      ['ct-object'],
    ],
    ['a table of our name in another family', 'table ip cordon {\n\tchain c {\n\t\tnotrack\n\t}\n}\n', ['notrack']],
    ['a dormant table', 'table ip other {\n\tflags dormant\n\n\tchain c {\n\t\tnotrack\n\t}\n}\n', ['notrack']],
    ['an ordinary filter chain', foreign(['drop']), []],
  ])('%s', (_what, text, expected) => {
    expect(kinds(text)).toEqual(expected);
  });

  test('each finding names table, chain, text and line', () => {
    const [finding] = foreignFindings(parsed(foreign(['accept', 'tcp dport 80 redirect to :11434'])));
    expect(finding).toMatchObject({ kind: 'redirect', table: 'ip other', chain: 'c', text: 'redirect to :11434' });
    expect(finding?.span?.line).toBe(5);
  });
});

describe('other programs', () => {
  const counted = (name: string) => {
    const counts: Record<string, number> = {};
    for (const kind of kinds(fixture(name))) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  };
  test('docker: its NAT', () => expect(counted('docker.txt')).toEqual({ nat: 8 }));
  test('ufw: matches that only iptables can read', () => expect(counted('ufw.txt')).toEqual({ xt: 30 }));
  test('firewalld: its NAT chains', () => expect(counted('firewalld.txt')).toEqual({ nat: 3 }));
  test('tailscale: marks and masquerading, also the one that nft does not show', () => {
    expect(counted('tailscale-nft.txt')).toEqual({ mangle: 2, nat: 4 });
    expect(counted('tailscale-iptables-nft.txt')).toEqual({ mangle: 2, nat: 3, 'not-understood': 1 });
  });
});

test('our own tables are not foreign', () => {
  for (const plan of Object.values(PLANS)) expect(foreignFindings(renderHost(plan))).toEqual([]);
});
