import { describe, expect, test } from 'vitest';
import { parseRuleset } from '../../src/nftables/parse.ts';
import { printRuleset } from '../../src/nftables/print.ts';
import { printStatement } from '../../src/nftables/print-statement.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import type { Chain, Ruleset, Statement } from '../../src/nftables/ruleset.ts';
import { fixture } from './golden.ts';
import { PLANS } from './plans.ts';
import { diagnosticsOf, goodValue, inetTable, parsed } from './values.ts';

function bases(ruleset: Ruleset): string[] {
  return ruleset.tables.flatMap((t) =>
    t.chains.flatMap(({ name, base }) =>
      base === undefined
        ? []
        : [`${t.family} ${t.name} ${name}: ${base.type} ${base.hook} ${base.priority} ${base.policy}`],
    ),
  );
}

function statementsOf(rule: string): readonly Statement[] {
  return parsed(inetTable([rule])).tables[0]?.chains[0]?.rules[0]?.statements ?? [];
}

/** Everything but plain matches and verdicts: `kind text`. */
function others(rule: string): string[] {
  return statementsOf(rule).flatMap((s) => {
    if (s.kind === 'rewrite') return [`${s.effect.kind} ${s.text}`];
    return s.kind === 'unknown' || s.kind === 'condition' || s.kind === 'vmap' ? [`${s.kind} ${s.text}`] : [];
  });
}

describe('rulesets of other programs: hooks, priorities and policies', () => {
  test('docker', () => {
    expect(bases(parsed(fixture('docker.txt')))).toEqual([
      'ip nat POSTROUTING: nat postrouting 100 accept',
      'ip nat PREROUTING: nat prerouting -100 accept',
      'ip nat OUTPUT: nat output -100 accept',
      'ip filter FORWARD: filter forward 0 drop',
    ]);
  });
  test('ufw', () => {
    expect(bases(parsed(fixture('ufw.txt')))).toEqual([
      'ip filter INPUT: filter input 0 drop',
      'ip filter OUTPUT: filter output 0 drop',
      'ip filter FORWARD: filter forward 0 drop',
      'ip6 filter INPUT: filter input 0 drop',
      'ip6 filter OUTPUT: filter output 0 drop',
      'ip6 filter FORWARD: filter forward 0 drop',
    ]);
  });
  test('firewalld', () => {
    expect(bases(parsed(fixture('firewalld.txt')))).toContain(
      'inet firewalld mangle_PREROUTING: filter prerouting -140 accept',
    );
    expect(bases(parsed(fixture('firewalld.txt')))).toContain('inet firewalld nat_OUTPUT: nat output -90 accept');
  });
  test('a dormant table keeps its flag', () => {
    expect(parsed(fixture('edge-cases.txt')).tables.map((t) => [t.name, t.flags])).toEqual([
      ['edge', []],
      ['asleep', ['dormant']],
    ]);
  });
  test.each([
    'docker.txt',
    'ufw.txt',
    'firewalld.txt',
    'tailscale-nft.txt',
    'tailscale-iptables-nft.txt',
    'edge-cases.txt',
  ])('no word of a rule of %s is lost', (name) => {
    const text = fixture(name).replaceAll(/ packets [0-9]+ bytes [0-9]+/g, '');
    const chains = parsed(fixture(name)).tables.flatMap((t) => t.chains);
    const rules = text
      .split('\n')
      .filter((l) => /^\t\t\S/.test(l) && !/^\t\t(type|typeof|flags|elements|auto-merge)/.test(l));
    const printed = printRuleset(parsed(fixture(name)))
      .split('\n')
      .map((l) => l.trim());
    expect(chains.reduce((sum, c) => sum + c.rules.length, 0)).toBe(rules.length);
    for (const rule of rules) expect(printed).toContain(rule.trim());
  });
});

describe('statements outside the dialect', () => {
  test.each([
    ['xt match recent counter packets 0 bytes 0 jump x', ['condition xt match recent']],
    // Behind the name of an extension of iptables another statement begins.
    ['xt match icmp6 ip6 hoplimit 255 accept', ['condition xt match icmp6']],
    ['xt target LOG', ['aside xt target LOG']],
    ['xt target "MASQUERADE"', ['nat xt target MASQUERADE']],
    ['xt target NFQUEUE', ['unknown xt target NFQUEUE']],
    ['fib saddr . iif oif missing drop', ['condition fib saddr . iif oif missing']],
    // What looks like a match behind an unread word belongs to it.
    ['ct original ip saddr 10.0.0.9 accept', ['condition ct original ip saddr 10.0.0.9']],
    ['tcp dport vmap { 80 : accept, 81-90 : jump sub }', ['vmap tcp dport vmap { 80 : accept, 81-90 : jump sub }']],
    ['numgen inc mod 2 vmap { 0 : accept }', ['unknown numgen inc mod 2 vmap { 0 : accept }']],
    ['ip daddr 10.9.9.9 tcp dport 80 dnat ip to 10.0.0.7:8000', ['nat dnat ip to 10.0.0.7:8000']],
    ['masquerade random,persistent', ['nat masquerade random,persistent']],
    ['ip daddr 10.77.2.20 ip daddr set 10.77.2.66', ['payload ip daddr set 10.77.2.66']],
    ['ip saddr set 10.0.0.1 ip daddr set 10.0.0.2', ['unknown ip saddr set 10.0.0.1 ip daddr set 10.0.0.2']],
    ['meta mark set meta mark & 0xff04ffff | 0x00040000', ['mark meta mark set meta mark & 0xff04ffff | 0x00040000']],
    ['meta mark set 0x1 queue', ['mark meta mark set 0x1', 'unknown queue']],
    ['notrack', ['notrack notrack']],
    ['queue flags bypass to 0', ['unknown queue flags bypass to 0']],
    ['meta nftrace set 1', ['aside meta nftrace set 1']],
    ['ct zone set 1', ['unknown ct zone set 1']],
    ['add @seen { ip saddr limit rate 5/minute } drop', ['condition add @seen { ip saddr limit rate 5/minute }']],
    ['limit rate 10 mbytes/second accept', ['condition limit rate 10 mbytes/second']],
    // nft leaves a blank where it cannot print a statement.
    ['meta mark & 0x00ff0000 == 0x00040000 counter packets 0 bytes 0 ', ['unknown ']],
    ['counter packets 0 bytes 0  accept', ['unknown ']],
    ['ct original  ip saddr 10.0.0.9 accept', ['unknown ct original  ip saddr 10.0.0.9']],
    ['accept  comment "x"', ['unknown ']],
    // Values that are no values of the selector.
    ['tcp dport 65536 accept', ['condition tcp dport 65536']],
    ['ip saddr fd00::1 accept', ['condition ip saddr fd00::1']],
    ['ip saddr 10.0.0.1/24 accept', ['condition ip saddr 10.0.0.1/24']],
    ['tcp dport 90-80 accept', ['condition tcp dport 90-80']],
  ])('%s', (rule, expected) => {
    expect(others(rule)).toEqual(expected);
  });

  test.each([
    'fib daddr type local accept',
    'fib daddr . iif type { local, broadcast } accept',
    'ip saddr . meta l4proto . th dport @cc accept',
    'iifname . oifname { "a" . "b", "lo" . "eth0" } accept',
    'ct state != established | new accept',
    'ct state ! invalid accept',
    'ct state established,new accept',
    'ct status snat,dnat accept',
    'tcp flags syn / fin,syn,rst,ack accept',
    'tcp flags != syn / syn,ack accept',
    'tcp flags == syn accept',
    'tcp flags == 0x12 accept',
    'tcp flags ! syn accept',
    'tcp flags syn,ack accept',
    'meta protocol ip accept',
    'meta mark & 0x00000003 < 0x00000002 accept',
  ])('not outside: %s', (rule) => {
    expect(statementsOf(rule).map((s) => s.kind)).toEqual(['match', 'accept']);
    if (!rule.includes('|')) expect(statementsOf(rule).map(printStatement).join(' ')).toBe(rule);
  });

  test('verdicts, counters and the comment behind them are still read', () => {
    const rule = parsed(
      inetTable(['ct original ip saddr 10.0.0.9 counter packets 3 bytes 9 jump DOCKER comment "c, \\ {"']),
    );
    const [first] = rule.tables[0]?.chains[0]?.rules ?? [];
    expect(first?.statements.map((s) => s.kind)).toEqual(['condition', 'counter', 'jump']);
    expect(first?.comment).toBe('c, \\ {');
  });

  test('no statement of our own dialect is unknown', () => {
    for (const plan of Object.values(PLANS)) {
      const text = printRuleset(renderHost(plan));
      const all = parsed(text).tables.flatMap((t) => t.chains.flatMap((c) => c.rules.flatMap((r) => r.statements)));
      expect(all.filter((s) => s.kind === 'unknown')).toEqual([]);
    }
  });
});

describe('sets', () => {
  const inSet = (lines: string) => parsed(`table inet cordon {\n\tset s {\n${lines}\t}\n}\n`).tables[0]?.sets[0];
  test('continuation lines, flags, options, comment', () => {
    const set = inSet(
      '\t\ttype ipv4_addr\n\t\tflags interval\n\t\tauto-merge\n\t\tcomment "c"\n\t\telements = { 10.0.0.1, 10.0.1.0/24,\n\t\t\t     10.0.2.1-10.0.2.6 }\n',
    );
    expect(set?.elements.map((e) => e.kind)).toEqual(['address', 'prefix', 'address-range']);
    expect([set?.flags, set?.options, set?.comment]).toEqual([['interval'], ['auto-merge'], 'c']);
  });
  test('elements with a timeout, a comment or an unread type are unknown', () => {
    const timed = inSet('\t\ttype ipv4_addr\n\t\tflags timeout\n\t\telements = { 10.0.0.1 timeout 1h expires 59m }\n');
    expect(timed?.elements).toEqual([{ kind: 'unknown', text: '10.0.0.1 timeout 1h expires 59m' }]);
    const pairs = inSet('\t\ttype ipv4_addr . inet_service\n\t\telements = { 10.0.0.1 . 80 }\n');
    expect(pairs?.elements.map((e) => e.kind)).toEqual(['concat']);
    const unread = inSet('\t\ttypeof numgen inc mod 2\n\t\telements = { 1 }\n');
    expect(unread?.elements).toEqual([{ kind: 'unknown', text: '1' }]);
  });
});

describe('spans', () => {
  test('a rule knows its line, column and text', () => {
    const text = inetTable(['iif "lo" accept', 'counter packets 1 bytes 2 drop comment "last"']);
    const [, rule] = goodValue(parseRuleset('host/a/nft.txt', text)).tables[0]?.chains[0]?.rules ?? [];
    expect(rule?.span).toMatchObject({ file: 'host/a/nft.txt', line: 5, column: 3 });
    const { offset, length } = rule?.span ?? { offset: 0, length: 0 };
    expect(text.slice(offset, offset + length)).toBe('counter packets 1 bytes 2 drop comment "last"');
  });
  test('handles are read from a listing with handles', () => {
    const text =
      'table inet cordon { # handle 1\n\tchain c { # handle 2\n\t\taccept comment "x # handle 5" # handle 7\n\t}\n}\n';
    const [chain] = parsed(text).tables[0]?.chains ?? [];
    expect(chain?.rules[0]).toMatchObject({ handle: 7, comment: 'x # handle 5' });
    expect(chain?.rules[0]?.statements).toEqual([{ kind: 'accept' }]);
  });
});

describe('a text that is not a whole listing is never a shorter ruleset', () => {
  const whole = printRuleset(renderHost(PLANS['model-segment'] as never)) + fixture('docker.txt');
  const chainsOf = (ruleset: Ruleset): Chain[] => ruleset.tables.flatMap((t) => [...t.chains]);
  const total = chainsOf(parsed(whole)).length;

  test('cut off anywhere but between tables', () => {
    let cut = 0;
    for (let at = 1; at < whole.length; at += at % 7 === 0 ? 1 : 5) {
      const result = parseRuleset('nft.txt', whole.slice(0, at));
      const isBetweenTables =
        /^\}?$/m.test(whole.slice(0, at).split('\n').at(-1) ?? '') && /\n\}\n?$/.test(whole.slice(0, at));
      if (result.ok) expect(isBetweenTables, `cut at ${at}`).toBe(true);
      else cut++;
    }
    expect(cut).toBeGreaterThan(1000);
  });

  test('any one brace missing or added', () => {
    const braces = [...whole.matchAll(/[{}]/g)].map((m) => m.index);
    for (const at of braces) {
      const without = parseRuleset('nft.txt', whole.slice(0, at) + whole.slice(at + 1));
      expect(without.ok, `without the brace at ${at}`).toBe(false);
      const twice = parseRuleset('nft.txt', whole.slice(0, at) + whole[at] + whole.slice(at));
      expect(twice.ok, `with two braces at ${at}`).toBe(false);
    }
  });

  test('any one line missing: either refused or only that line is gone', () => {
    const lines = whole.split('\n');
    lines.forEach((line, i) => {
      const result = parseRuleset('nft.txt', lines.filter((_, n) => n !== i).join('\n'));
      const isBlock = /[{}]$/.test(line) && !line.includes('elements');
      if (isBlock) expect(result.ok, `without line ${i + 1}: ${line}`).toBe(false);
      else if (result.ok) expect(chainsOf(result.value).length).toBe(total);
    });
  });

  test.each([
    ['an answer that is no listing', '<html>502 Bad Gateway</html>\n', 'nft-unexpected-line'],
    ['JSON', '{"nftables":[]}\n', 'nft-unexpected-line'],
    ['a shell error', 'sh: 1: nft: not found\n', 'nft-unexpected-line'],
    ['a rule outside of a chain', 'table inet cordon {\n\taccept\n}\n', 'nft-unexpected-line'],
    ['an open quote', inetTable(['accept comment "x']), 'nft-unbalanced'],
    ['a hook line that cannot be read', inetTable([]).replace('priority 300', 'priority soon'), 'nft-bad-hook'],
    ['the same table twice', inetTable([]) + inetTable([]), 'nft-duplicate'],
    ['the same chain twice', inetTable([], '\tchain base {\n\t}\n'), 'nft-duplicate'],
    ['a set without type', 'table inet cordon {\n\tset s {\n\t}\n}\n', 'nft-bad-set'],
  ])('%s', (_what, text, code) => {
    expect(diagnosticsOf(parseRuleset('nft.txt', text)).map((d) => d.code)).toContain(code);
  });

  test('all errors at once, each with its place', () => {
    const text = 'garbage\ntable inet cordon {\n\tnonsense\n\tchain c {\n';
    expect(diagnosticsOf(parseRuleset('nft.txt', text)).map((d) => [d.code, d.span.line])).toEqual([
      ['nft-unexpected-line', 1],
      ['nft-unexpected-line', 3],
      ['nft-truncated', 5],
      ['nft-truncated', 5],
    ]);
  });

  test('the empty listing is a ruleset without tables', () => {
    expect(parsed('')).toEqual({ tables: [] });
  });

  test('warnings of newer versions are no lines of the ruleset', () => {
    const text = `# Warning: table ip nat is managed by iptables-nft, do not touch!\n${fixture('docker.txt')}`;
    expect(bases(parsed(text))).toEqual(bases(parsed(fixture('docker.txt'))));
  });
});

describe('listings of others', () => {
  test('a chain that a network card runs keeps the rest of the listing readable', () => {
    const text =
      'table netdev t {\n\tchain c {\n\t\ttype filter hook ingress device "eth0" priority filter; policy drop; flags offload;\n\t}\n}\n';
    const base = parsed(text).tables[0]?.chains[0]?.base;
    expect([base?.devices, base?.policy, base?.offload]).toEqual([['eth0'], 'drop', true]);
    expect(printRuleset(parsed(text))).toBe(text);
  });

  test('four times the rules take no more than some four times as long', () => {
    const listing = (n: number) =>
      inetTable(Array.from({ length: n }, (_, i) => `ip saddr 10.0.${i >> 8}.${i & 255} counter accept`));
    const took = (n: number) => {
      const start = performance.now();
      parsed(listing(n));
      return performance.now() - start;
    };
    took(2000);
    // The square would be sixteen times as long.
    expect(took(16_000)).toBeLessThan(12 * Math.max(took(4000), 5));
  });
});
