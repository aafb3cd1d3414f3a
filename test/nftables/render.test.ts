import { describe, expect, test } from 'vitest';
import type { HostPlan } from '../../src/nftables/host-plan.ts';
import { lintRuleset } from '../../src/nftables/lint.ts';
import { printRuleset } from '../../src/nftables/print.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import { expectGolden } from './golden.ts';
import { planDeviations } from './plan-oracle.ts';
import { addr, block, PLANS } from './plans.ts';

describe.each(Object.entries(PLANS))('%s', (name, plan) => {
  const ruleset = renderHost(plan);
  test('is the reviewed text', () => expectGolden(`${name}.txt`, printRuleset(ruleset)));
  test('passes the lint', () => expect(lintRuleset(ruleset)).toEqual([]));
  test('permits exactly what the plan says', () => expect(planDeviations(plan, ruleset)).toEqual([]));
});

const ROUTER = PLANS['orchestrator-router'] as HostPlan;
const ORCHESTRATOR = PLANS['orchestrator'] as HostPlan;
const GATEWAY = PLANS['gateway'] as HostPlan;
const textOf = (plan: HostPlan) => printRuleset(renderHost(plan));

describe('renderHost', () => {
  test('gives the same text whatever the order of flows, peers, ports and interfaces', () => {
    const turned: HostPlan = {
      ...ORCHESTRATOR,
      flows: ORCHESTRATOR.flows
        .map((f) => ({ ...f, remote: f.remote.toReversed(), local: f.local.toReversed() }))
        .toReversed(),
      modelAddresses: ORCHESTRATOR.modelAddresses.toReversed(),
    };
    expect(textOf(turned)).toBe(textOf(ORCHESTRATOR));
    const daemon = { underlay: ['wlan0', 'eth0'], resolvers: ROUTER.daemon?.resolvers.toReversed() ?? [] };
    const forwards = ROUTER.forwards.map((f) => ({ ...f, tcp: f.tcp.toReversed() }));
    expect(textOf({ ...ROUTER, daemon, forwards })).toBe(textOf(ROUTER));
  });

  test('overlapping peers and touching port ranges become one canonical set', () => {
    const [flow] = GATEWAY.flows;
    if (flow === undefined) throw new Error('no flow');
    const peers = { ...flow, remote: ['100.64.0.8/29', '100.64.0.12', '100.64.1.1', '100.64.1.0'].map(block) };
    const ports = {
      ...peers,
      tcp: [
        { first: 444, last: 450 },
        { first: 443, last: 443 },
        { first: 446, last: 446 },
      ],
    };
    const text = textOf({ ...GATEWAY, flows: [ports] });
    expect(text).toContain('elements = { 100.64.0.8/29, 100.64.1.0/31 }');
    expect(text).toContain('tcp dport 443-450 ');
  });

  test('without a daemon there is no rule for one; without a tailnet no guard; without flows no links', () => {
    const without = textOf({ ...GATEWAY, daemon: undefined });
    expect(without).not.toMatch(/daemon|41641|cgroup|underlay|resolvers/);
    expect(textOf({ ...GATEWAY, tailnet: false })).not.toMatch(/guard|spoof/);
    expect(textOf(PLANS['other-empty'] as HostPlan)).not.toMatch(/neighbour|flow:|alarm/);
  });

  test('a peer without IPv6 has no IPv6 rule, nor has a host that declared no IPv6 address of its own', () => {
    const [flow] = GATEWAY.flows;
    if (flow === undefined) throw new Error('no flow');
    const v4Peer = textOf({ ...GATEWAY, flows: [{ ...flow, remote: [block('100.64.0.30')] }], modelAddresses: [] });
    const v4Own = textOf({ ...GATEWAY, flows: [{ ...flow, local: [addr('100.64.0.40')] }], modelAddresses: [] });
    for (const text of [v4Peer, v4Own]) expect(text.split('\n').filter((l) => /ip6 saddr.*flow:/.test(l))).toEqual([]);
  });

  test('two parts of one flow with different peers have sets of their own', () => {
    const [flow] = GATEWAY.flows;
    if (flow === undefined) throw new Error('no flow');
    const more = (iface: string, last: string) => ({ ...flow, iface, remote: [block('10.0.0.1'), block(last)] });
    const sets = renderHost({ ...GATEWAY, flows: [more('eth0', '10.0.0.9'), more('eth1', '10.0.0.7')] }).tables[0]
      ?.sets;
    expect(sets?.map((s) => s.name)).toContain('peers4_executor-gateway');
    expect(sets?.map((s) => s.name)).toContain('peers4_executor-gateway_2');
  });

  test.each<[string, Partial<HostPlan>]>([
    ['a host name that would end the comment', { host: 'x"; accept' }],
    ['an interface with a quote', { link: { name: 'e"', addresses: [] } }],
    ['an interface that nft would read as a wildcard', { daemon: { underlay: ['eth*'], resolvers: [] } }],
    ['an interface with too long a name', { daemon: { underlay: ['sixteencharacter'], resolvers: [] } }],
    ['a flow id with a brace', { flows: GATEWAY.flows.map((f) => ({ ...f, id: 'a}' })) }],
    ['a user that is none', { flows: GATEWAY.flows.map((f) => ({ ...f, uids: [4_294_967_295] })) }],
    ['a model whose user is no number', { modelUid: 0.5 }],
    ['a port that is none', { flows: GATEWAY.flows.map((f) => ({ ...f, udp: [{ first: 1, last: 65_536 }] })) }],
    ['a range that runs backwards', { flows: GATEWAY.flows.map((f) => ({ ...f, tcp: [{ first: 2, last: 1 }] })) }],
  ])('refuses %s', (_what, change) => {
    expect(() => renderHost({ ...GATEWAY, ...change })).toThrow(expect.objectContaining({ code: 'host-plan' }));
  });
});
