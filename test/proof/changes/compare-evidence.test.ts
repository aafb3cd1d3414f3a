import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../../src/state/evidence.ts';
import { compared, reverted, wordsOf } from '../../support/compare.ts';
import {
  devicesOf,
  rulesOf,
  type World,
  withDevice,
  withDevices,
  withGrant,
  withRules,
  withSource,
  withStranger,
} from '../../support/evidence.ts';
import { homelab, inEgress, inInput, inOutput, node, plain } from '../../support/ruleset-edits.ts';

interface Case {
  readonly name: string;
  readonly world: World;
  readonly edit: (e: Evidence) => Evidence;
  readonly summary: string;
  readonly changes?: readonly string[];
  readonly missing?: RegExp;
}

const rule = (host: string, at: { from: string | RegExp; to: string }) => (e: Evidence) =>
  withRules(e, host, at.from, at.to);

/** The set elements of a ruleset on several lines, as nft wraps them. */
const REWRAPPED = [
  /set neighbour_links \{\n\t\ttype ifname\n\t\telements = \{ "eth0" \}/,
  'set neighbour_links {\n\t\ttype ifname\n\t\telements = {\n\t\t\t"eth0" }',
] as const;

const cases: readonly Case[] = [
  { name: 'the same', world: homelab, edit: (e) => e, summary: 'none', changes: [] },
  {
    name: 'element lists wrapped otherwise',
    world: homelab,
    edit: (e) => withRules(e, 'ollama-1', ...REWRAPPED),
    summary: 'none',
    changes: [],
  },
  {
    name: 'a drop that drops what the default drops',
    world: homelab,
    edit: rule('gw-1', inInput(homelab, 'gw-1', 'tcp dport 22 drop')),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'a flushed ruleset',
    world: homelab,
    edit: (e) => withRules(e, 'ollama-1', /^[\s\S]*$/, ''),
    summary: 'widening',
    changes: [
      'gain reach anybody on eth0 -> ollama-1 all 0-65535',
      'gain reach anybody on tailscale0, any other interface -> ollama-1 all 0-65535',
      'gain reach ollama-1 -> anybody on eth0, tailscale0, any other interface all 0-65535',
      'gain reach anybody on eth0, tailscale0, any other interface -> whoever is behind ollama-1 all 0-65535',
      'gain residue ollama-1 -> anybody on eth0 all 0-65535',
      'gain reach ollama-1 -> services of ollama-1 itself all 0-65535',
    ],
  },
  {
    name: 'one accept more',
    world: homelab,
    edit: rule('gw-1', inInput(homelab, 'gw-1', 'iifname "eth0" tcp dport 22 accept')),
    summary: 'widening',
    changes: ['gain reach anybody on eth0 -> gw-1 tcp 22'],
  },
  {
    name: 'one accept more on a host with the daemon, whose own rules cannot be decided',
    world: node,
    edit: rule('orch-1', inInput(node, 'orch-1', 'iifname "eth0" tcp dport 22 accept')),
    summary: 'widening',
    changes: ['gain reach anybody on eth0 -> orch-1 tcp 22'],
  },
  {
    name: 'one accept less, with its answers',
    world: homelab,
    edit: (e) =>
      withRules(
        withRules(e, 'gw-1', /\t\tiifname "tailscale0" ip saddr [^\n]*\n/, ''),
        'gw-1',
        /\t\toifname "tailscale0" ip saddr [^\n]*\n/,
        '',
      ),
    summary: 'narrowing',
    changes: [
      'lose reach anybody on tailscale0 -> gw-1 tcp 443',
      'lose residue gw-1 -> anybody on tailscale0 tcp 0-65535',
    ],
  },
  {
    name: 'the IPv6 twin is gone',
    world: homelab,
    edit: (e) => withRules(e, 'gw-1', /\t\tiifname "tailscale0" ip6 saddr [^\n]*\n/, ''),
    summary: 'narrowing',
    changes: ['lose reach anybody on tailscale0 -> gw-1 tcp 443'],
  },
  {
    name: 'another port',
    world: homelab,
    edit: (e) =>
      withRules(
        e,
        'gw-1',
        /(iifname "tailscale0" ip saddr [^\n]* tcp dport) 443/,
        'iifname "tailscale0" ip saddr 100.64.0.30 ip daddr 100.64.0.40 tcp dport 444',
      ),
    summary: 'mixed',
    changes: ['gain reach anybody on tailscale0 -> gw-1 tcp 444', 'lose reach anybody on tailscale0 -> gw-1 tcp 443'],
  },
  {
    name: 'everything established goes on',
    world: homelab,
    edit: rule('gw-1', inInput(homelab, 'gw-1', 'ct state established accept')),
    summary: 'widening',
    changes: [
      'gain residue anybody on eth0, any other interface -> gw-1 all 0-65535',
      'gain residue anybody on tailscale0 -> gw-1 all 0-65535',
    ],
  },
  {
    name: 'out through both gates',
    world: homelab,
    edit: rule('exec-1', inEgress(homelab, 'exec-1', 'tcp dport 80 accept')),
    summary: 'widening',
    changes: ['gain reach exec-1 -> anybody on eth0, tailscale0, any other interface tcp 80'],
  },
  {
    name: 'out through the first gate alone',
    world: homelab,
    edit: rule('exec-1', inOutput(homelab, 'exec-1', 'tcp dport 80 accept')),
    summary: 'widening',
    changes: ['gain residue exec-1 -> anybody on eth0, tailscale0, any other interface tcp 80'],
  },
  {
    name: 'the packet sockets are open',
    world: homelab,
    edit: (e) => withRules(e, 'ollama-1', /table netdev cordon \{[\s\S]*$/, ''),
    summary: 'widening',
    changes: ['gain residue ollama-1 -> anybody on eth0 all 0-65535'],
  },
  {
    name: 'the hop limit of neighbour discovery is not asked for',
    world: homelab,
    edit: (e) =>
      withRules(e, 'ollama-1', / ip6 hoplimit 255 accept\n\t\ticmpv6 type \{ mld/, ' accept\n\t\ticmpv6 type { mld'),
    summary: 'widening',
  },
  {
    name: "the daemon's cgroup is not asked for",
    world: node,
    edit: (e) => withRules(e, 'orch-1', ' socket cgroupv2 level 1 "cordon.slice"', ''),
    summary: 'widening',
    changes: ['gain reach orch-1 -> anybody on eth0 tcp 80 443, udp 0-65535'],
  },
  {
    name: 'a statement that nobody understands',
    world: homelab,
    edit: rule('gw-1', inInput(homelab, 'gw-1', 'numgen inc mod 2 vmap { 0 : accept }')),
    summary: 'unknown',
    missing: /not understood/,
  },
  {
    name: 'a foreign table that rewrites',
    world: homelab,
    edit: rule('gw-1', {
      from: /^/,
      to: 'table ip nat {\n\tchain P {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n\t\ttcp dport 8080 redirect to :22\n\t}\n}\n',
    }),
    summary: 'unknown',
    changes: [],
    missing: /can lead packets past our rules, on one side only/,
  },
  {
    name: 'a foreign table that only filters',
    world: homelab,
    edit: rule('gw-1', {
      from: /^/,
      to: 'table ip f {\n\tchain P {\n\t\ttype filter hook input priority 0; policy accept;\n\t\ttcp dport 8080 accept\n\t}\n}\n',
    }),
    summary: 'none',
    changes: [],
  },
  {
    name: 'a ruleset that could not be read',
    world: homelab,
    edit: (e) => withSource(e, 'host/gw-1/nft.txt', { status: 'failed', why: 'no route to host' }),
    summary: 'unknown',
    changes: [],
    missing: /no route to host/,
  },
  {
    name: 'a device list that could not be read',
    world: homelab,
    edit: (e) => withSource(e, 'tailnet/devices', { status: 'denied' }),
    summary: 'unknown',
    changes: [],
    missing: /denied/,
  },
  {
    name: 'a device more, of somebody’s own',
    world: homelab,
    edit: (e) => withStranger(e, {}),
    summary: 'none',
    changes: [],
  },
  {
    name: 'a device less',
    world: homelab,
    edit: (e) => withDevices(e, devicesOf(e).slice(1)),
    summary: 'none',
    changes: [],
  },
  {
    name: 'a tag more',
    world: homelab,
    edit: (e) => withDevice(e, 'nGw1DemoCNTRL', { tags: ['tag:gateway', 'tag:executor'] }),
    summary: 'widening',
  },
  {
    name: 'another tag',
    world: homelab,
    edit: (e) => withDevice(e, 'nGw1DemoCNTRL', { tags: ['tag:ci'] }),
    summary: 'mixed',
  },
  {
    name: 'a router that is no longer approved',
    world: plain,
    edit: (e) => withDevice(e, 'n1rtrCNTRL', { enabledRoutes: [] }),
    summary: 'narrowing',
    changes: ['lose reach tag:orchestrator -> 10.78.1.10,fd78:1::a via tag:router tcp 11434, icmp, icmpv6'],
  },
  {
    name: 'settings alone, which no relation is made of',
    world: homelab,
    edit: (e) => withSource(e, 'tailnet/settings', { status: 'denied' }),
    summary: 'none',
    changes: [],
  },
];

describe('two pieces of evidence', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', (_name, { world, edit, summary, changes, missing }) => {
    const after = edit(world.evidence);
    const there = compared(world, world.evidence, after);
    expect(there.summary, JSON.stringify([wordsOf(there.changes), there.missing])).toBe(summary);
    if (changes !== undefined) expect(wordsOf(there.changes)).toEqual(changes);
    if (missing !== undefined) expect(JSON.stringify(there.missing)).toMatch(missing);
    const back = compared(world, after, world.evidence);
    expect(wordsOf(back.changes).sort()).toEqual(reverted(there.changes));
    const opposite: Record<string, string> = { widening: 'narrowing', narrowing: 'widening' };
    expect(back.summary).toBe(opposite[summary] ?? summary);
  });

  it('blame the rule that decides now and the one that decided before', () => {
    const after = withRules(homelab.evidence, 'gw-1', ...([INPUT_FROM, INPUT_TO] as const));
    const [change] = compared(homelab, homelab.evidence, after).changes;
    const line = (e: Evidence, text: string) =>
      rulesOf(e, 'gw-1').slice(0, rulesOf(e, 'gw-1').indexOf(text)).split('\n').length;
    expect(change?.blame).toEqual([
      {
        side: 'a',
        file: 'host/gw-1/nft.txt',
        line: line(homelab.evidence, 'ip daddr 100.64.0.0/10 counter'),
        column: 3,
        text: 'guard: ip daddr 100.64.0.0/10 counter name "spoof_denied" drop',
      },
      {
        side: 'b',
        file: 'host/gw-1/nft.txt',
        line: line(after, 'tcp dport 22'),
        column: 3,
        text: 'input: tcp dport 22 accept',
      },
    ]);
  });

  it('a host of another topology is said where it differs', () => {
    const body = rulesOf(homelab.evidence, 'gw-1');
    const more = withSource(homelab.evidence, 'host/gw-2/nft.txt', { status: 'ok', body });
    expect(compared(homelab, homelab.evidence, more)).toMatchObject({
      summary: 'unknown',
      missing: [{ source: 'host/gw-2/nft.txt', why: 'the rulesets differ, and the host is not in the topology' }],
    });
    expect(compared(homelab, more, more).summary).toBe('none');
  });

  it('a missing host is said', () => {
    const { ['host/gw-1/nft.txt']: _, ...sources } = homelab.evidence.sources;
    const found = compared(homelab, homelab.evidence, { sources });
    expect(found.summary).toBe('unknown');
    expect(found.missing).toEqual([{ source: 'host/gw-1/nft.txt', why: 'not in the evidence' }]);
  });

  it('changes elsewhere are told although something is not known', () => {
    const after = withGrant(withSource(homelab.evidence, 'host/gw-1/nft.txt', { status: 'late' }), {
      src: ['tag:ci'],
      dst: ['tag:media'],
      ip: ['tcp:22'],
    });
    const found = compared(homelab, homelab.evidence, after);
    expect(found.summary).toBe('unknown');
    expect(wordsOf(found.changes)).toEqual(['gain reach tag:ci -> tag:media tcp 22']);
  });
});

const INPUT_FROM = 'hook input priority 300; policy drop;\n';
const INPUT_TO = 'hook input priority 300; policy drop;\n\t\ttcp dport 22 accept\n';
