import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { foreignFindings } from '../../src/nftables/foreign.ts';
import { withoutKnownForeign } from '../../src/nftables/foreign-known.ts';
import { parseRuleset } from '../../src/nftables/parse.ts';
import { accepted } from '../topology/support.ts';

const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const daemon = read('../proof/fixtures/tailscaled-nft.txt');

/** `kind table chain` of what is left to look at. */
function left(text: string): string[] {
  const { ruleset } = withoutKnownForeign(accepted(parseRuleset('nft.txt', text)));
  return foreignFindings(ruleset).map((f) => `${f.kind} ${f.table} ${f.chain}`);
}

describe('what tailscaled adds to a ruleset', () => {
  it.each([
    ['by itself', daemon],
    ['with stateful filtering', read('../proof/fixtures/tailscaled-nft-stateful.txt')],
    ['as listed with the plain name of the interface', read('fixtures/tailscale-nft.txt')],
    [
      'beside docker',
      `${daemon}${read('fixtures/docker.txt').replaceAll(/^table ip (nat|filter)/gm, 'table inet docker-$1')}`,
    ],
  ])('is known %s', (what, text) => {
    const own = foreignFindings(accepted(parseRuleset('nft.txt', text))).filter((f) => !f.table.includes('docker'));
    expect(own.length).toBeGreaterThan(5);
    expect(left(text).filter((f) => !f.includes('docker'))).toEqual([]);
    if (what === 'beside docker') expect(left(text).length).toBeGreaterThan(0);
  });

  it('is told with its place and the reason', () => {
    const { known } = withoutKnownForeign(accepted(parseRuleset('nft.txt', daemon)));
    expect(known.map((k) => `${k.table} ${k.chain}`)).toEqual([
      'ip filter ts-forward',
      'ip nat ts-postrouting',
      'ip6 filter ts-forward',
      'ip6 nat ts-postrouting',
      'ip mangle PREROUTING',
      'ip mangle OUTPUT',
      'ip6 mangle PREROUTING',
      'ip6 mangle OUTPUT',
    ]);
    for (const k of known) expect([k.owner, k.why.length > 20]).toEqual(['tailscaled', true]);
  });

  it('changes nothing but those rules: what only filters stays', () => {
    const { ruleset } = withoutKnownForeign(accepted(parseRuleset('nft.txt', daemon)));
    const forward = ruleset.tables[0]?.chains.find((c) => c.name === 'ts-forward');
    expect(forward?.rules).toHaveLength(3);
    expect(ruleset.tables.flatMap((t) => t.chains.filter((c) => c.base?.type === 'nat'))).toEqual([]);
  });

  it('leaves a ruleset without it as it is', () => {
    const ruleset = accepted(parseRuleset('nft.txt', read('fixtures/docker.txt')));
    expect(withoutKnownForeign(ruleset)).toEqual({ ruleset, known: [] });
  });

  it.each([
    ['one word in the mark', '0xff04ffff | 0x00040000', '0xff0cffff | 0x000c0000', 'mangle ip filter ts-forward'],
    [
      'a mark for everything',
      'iifname "tailscale0*" counter meta mark set',
      'counter meta mark set',
      'mangle ip filter ts-forward',
    ],
    [
      'another interface',
      'iifname "tailscale0*" counter meta mark',
      'iifname "eth0" counter meta mark',
      'mangle ip filter ts-forward',
    ],
    [
      'a masquerade without its mark',
      'meta mark & 0x00ff0000 == 0x00040000 counter masquerade',
      'counter masquerade',
      'nat ip nat ts-postrouting',
    ],
    ['a masquerade to ports', 'counter masquerade', 'counter masquerade to :1024-65535', 'nat ip nat ts-postrouting'],
    [
      'a rule more in its NAT chain',
      'counter masquerade',
      'counter masquerade\n\t\toifname "eth0" masquerade',
      'nat ip nat ts-postrouting',
    ],
    [
      'a rule more in the hook',
      'counter jump ts-postrouting',
      'counter jump ts-postrouting\n\t\tcounter jump more',
      'nat ip nat POSTROUTING',
    ],
    ['another hook', 'hook postrouting priority srcnat', 'hook prerouting priority dstnat', 'nat ip nat POSTROUTING'],
    [
      'another priority',
      'type filter hook output priority mangle',
      'type filter hook output priority filter',
      'mangle ip mangle OUTPUT',
    ],
    [
      'a route chain',
      'type filter hook output priority mangle',
      'type route hook output priority mangle',
      'mangle ip mangle OUTPUT',
    ],
    ['the whole mark saved', 'ct mark set meta mark & 0x00ff0000', 'ct mark set meta mark', 'mangle ip mangle OUTPUT'],
    [
      'the mark restored to new packets',
      'ct state established,related ct mark',
      'ct mark',
      'mangle ip mangle PREROUTING',
    ],
    ['its chain in another table', 'table ip nat {', 'table ip nat2 {', 'nat ip nat2 ts-postrouting'],
    ['its table for both families', 'table ip nat {', 'table inet nat {', 'nat inet nat ts-postrouting'],
    [
      'a policy that drops',
      'hook prerouting priority mangle; policy accept;',
      'hook prerouting priority mangle; policy drop;',
      'mangle ip mangle PREROUTING',
    ],
  ])('is a finding again with %s', (_what, from, to, finding) => {
    expect(daemon).toContain(from);
    expect(left(daemon.replace(from, to))).toContain(finding);
  });

  it('is a finding where nft shows nothing of a rule: it may be anything', () => {
    expect(left(read('fixtures/tailscale-iptables-nft.txt'))).toEqual([
      'not-understood ip6 nat ts-postrouting',
      'nat ip6 nat POSTROUTING',
    ]);
  });
});
