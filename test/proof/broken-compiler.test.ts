import { describe, expect, it } from 'vitest';
import type { Address } from '../../src/net/address.ts';
import { verdictOf } from '../../src/proof/claim.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { compileTopology } from '../../src/topology/compile.ts';
import type { Host, PortRange, Service, Topology } from '../../src/topology/model.ts';
import {
  devicesOf,
  namesOf,
  plainWorld,
  policyOf,
  proved,
  type World,
  withDevices,
  withPolicyText,
  withSource,
} from '../support/evidence.ts';
import { homelab, netns, node, plain } from '../support/ruleset-edits.ts';
import { accepted } from '../topology/support.ts';

const worlds: Readonly<Record<string, World>> = { homelab, netns, node, plain };

/** What a compiler with a mistake writes; undefined where the mistake changes nothing of this topology. */
type Mistake = (world: World) => Evidence | undefined;

/** By compiling another topology than the one that is proved. */
function instead(change: (t: Topology) => Topology | undefined): Mistake {
  return ({ topology, evidence }) => {
    const other = change(topology);
    const compiled = other === undefined ? undefined : accepted(compileTopology(other));
    return compiled === undefined || JSON.stringify(compiled) === JSON.stringify(evidence) ? undefined : compiled;
  };
}

function inPolicy(from: RegExp, to: string): Mistake {
  return ({ evidence }) => {
    const text = policyOf(evidence).replace(from, to);
    return text === policyOf(evidence) ? undefined : withPolicyText(evidence, text);
  };
}

function inRulesets(from: RegExp, to: string): Mistake {
  return ({ evidence }) => {
    let changed = false;
    const sources = Object.entries(evidence.sources).map(([name, entry]) => {
      if (!name.endsWith('/nft.txt') || typeof entry.body !== 'string') return [name, entry] as const;
      const body = entry.body.replaceAll(from, to);
      changed ||= body !== entry.body;
      return [name, { ...entry, body }] as const;
    });
    return changed ? { sources: Object.fromEntries(sources) } : undefined;
  };
}

function inDevices(change: (d: Record<string, unknown>, i: number) => object | undefined): Mistake {
  return ({ evidence }) => {
    const devices = devicesOf(evidence).flatMap((d, i) => change(d, i) ?? []);
    return JSON.stringify(devices) === JSON.stringify(devicesOf(evidence)) ? undefined : withDevices(evidence, devices);
  };
}

function mapValues<K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): Map<K, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

const services = (change: (s: Service) => Partial<Service>) =>
  instead((t) => ({ ...t, services: mapValues(t.services, (s) => ({ ...s, ...change(s) })) }));

const hosts = (change: (h: Host) => Partial<Host>) =>
  instead((t) => ({ ...t, hosts: mapValues(t.hosts, (h) => ({ ...h, ...change(h) })) }));

const shift = (ranges: readonly PortRange[], by: number) =>
  ranges.map((r) => ({ first: r.first + by, last: r.last + by }));

const next = (a: Address): Address => ({ ...a, value: a.value + 1n });

const ofFamily = (family: 4 | 6) => (h: Host) => ({
  addresses: h.addresses.filter((a) => a.family === family),
  tailnetAddresses: h.tailnetAddresses.filter((a) => a.family === family),
});

/** The mistake, and whether something has to be violated or only must not hold. */
const MISTAKES: Readonly<Record<string, readonly [Mistake, 'violated' | 'not holding']>> = {
  'drops the first flow': [instead((t) => ({ ...t, flows: t.flows.slice(1) })), 'violated'],
  'drops every flow': [instead((t) => ({ ...t, flows: [] })), 'violated'],
  'drops the first grant': [inPolicy(/"grants": \[\s*(\/\/[^\n]*\s*)*\{[^}]*\},?/, '"grants": ['), 'violated'],
  'writes every port one too high': [services((s) => ({ tcp: shift(s.tcp, 1), udp: shift(s.udp, 1) })), 'violated'],
  'widens every port by one': [services((s) => ({ tcp: s.tcp.map((r) => ({ ...r, last: r.last + 1 })) })), 'violated'],
  'opens UDP beside TCP': [services((s) => ({ udp: s.tcp })), 'violated'],
  'opens every port': [services(() => ({ tcp: [{ first: 1, last: 65535 }] })), 'violated'],
  'widens the grants alone': [inPolicy(/"tcp:(\d+)"/g, '"tcp:1-$1"'), 'violated'],
  'writes grants without a protocol': [inPolicy(/"tcp:(\d+)"/g, '"$1"'), 'violated'],
  'lets every member in': [inPolicy(/("grants": \[[\s\S]*"src":\s*\[)"tag:\w+"/, '$1"autogroup:member"'), 'violated'],
  'lets everybody in': [inPolicy(/("grants": \[[\s\S]*"src":\s*\[)"[^"]+"/, '$1"*"'), 'violated'],
  'leaves the grants key out': [inPolicy(/"grants":/, '"grant":'), 'violated'],
  'forgets IPv6': [hosts(ofFamily(4)), 'violated'],
  'forgets IPv4': [hosts(ofFamily(6)), 'violated'],
  'forgets the IPv6 twin of every rule': [inRulesets(/^\t\t[^\n]* ip6 saddr [^\n]*flow:[^\n]*\n/gm, ''), 'violated'],
  'forgets whose addresses they are': [hosts(() => ({ tailnetAddresses: [] })), 'violated'],
  'takes every address for the next one': [
    hosts((h) => ({ addresses: h.addresses.map(next), tailnetAddresses: h.tailnetAddresses.map(next) })),
    'violated',
  ],
  'forgets the base policy': [
    instead((t) => (t.tailnet.base === undefined ? undefined : { ...t, tailnet: { ...t.tailnet, base: undefined } })),
    'violated',
  ],
  'forgets one rule of the base': [inPolicy(/\{\s*"src": \["tag:ci"\],[^}]*\},/, ''), 'violated'],
  'drops every final drop, and the policies': [
    ({ evidence }) => {
      const open = inRulesets(/^\t\tcounter name "\w+_denied" drop\n\t\}/gm, '\t}')({ evidence } as World);
      return open && inRulesets(/policy drop/g, 'policy accept')({ evidence: open } as World);
    },
    'violated',
  ],
  'drops every final drop': [inRulesets(/^\t\tcounter name "\w+_denied" drop\n\t\}/gm, '\t}'), 'not holding'],
  'accepts whatever is established': [inRulesets(/ct direction (original|reply) /g, ''), 'violated'],
  'forgets the interfaces': [inRulesets(/[io]ifname "eth1" ip/g, 'ip'), 'violated'],
  'forgets the second gate': [inRulesets(/^\tchain postrouting \{[^}]*\}\n/gm, ''), 'not holding'],
  'forgets the packet sockets': [inRulesets(/^table netdev cordon \{[\s\S]*?^\}\n/gm, ''), 'violated'],
  'writes no ruleset at all': [inRulesets(/^[\s\S]+$/g, ''), 'violated'],
  'gives a device another role': [
    inDevices((d) => ({ ...d, tags: ['tag:model', ...(d['tags'] as string[])] })),
    'violated',
  ],
  'gives a device no tag': [inDevices((d) => ({ ...d, tags: [] })), 'violated'],
  'approves the whole segment': [
    inDevices((d) => {
      const wide = (list: unknown) => (list as string[]).map((r) => r.replace(/\.\d+\/32$/, '.0/24'));
      return { ...d, enabledRoutes: wide(d['enabledRoutes']), advertisedRoutes: wide(d['advertisedRoutes']) };
    }),
    'violated',
  ],
  'approves no route': [inDevices((d) => ({ ...d, enabledRoutes: [] })), 'violated'],
  'forgets a device': [inDevices((d, i) => (i === 0 ? undefined : d)), 'not holding'],
  'lets everybody own tags': [
    inPolicy(/("tagOwners":\s*\{[\s\S]*?"tag:orchestrator":\s*\[)/, '$1"autogroup:member", '),
    'violated',
  ],
  'leaves device approval off': [
    ({ evidence }) =>
      withSource(evidence, 'tailnet/settings', {
        status: 'ok',
        body: { aclsExternallyManagedOn: true, devicesApprovalOn: false, usersApprovalOn: true },
      }),
    'violated',
  ],
};

describe('a compiler that', () => {
  it.each(Object.entries(MISTAKES))('%s is contradicted', (_what, [mistake, outcome]) => {
    const wrong = Object.entries(worlds).flatMap(([name, world]) => {
      const evidence = mistake(world);
      return evidence === undefined ? [] : [{ name, world, evidence }];
    });
    expect(wrong.length, 'the mistake shows in some topology').toBeGreaterThan(0);
    for (const { name, world, evidence } of wrong) {
      // On declared evidence there is nothing to compare with: the topology alone contradicts.
      const claims = proved({ ...world, evidence }, evidence);
      const verdict = verdictOf(claims);
      if (outcome === 'violated') expect(verdict, `${name}: ${namesOf(claims, 'unknown')}`).toBe('violated');
      else expect(verdict, name).not.toBe('holds');
    }
  });

  it('writes nothing for no flows is believed: nothing is open then', () => {
    const world = plainWorld((t) => {
      t.flows = [];
    });
    expect(policyOf(world.evidence)).toMatch(/"grants":\s*\[\]/);
    expect(verdictOf(proved(world))).toBe('holds');
  });

  it.each([
    ['one family', (h: Host) => ofFamily(4)(h)],
    ['no tailnet addresses', () => ({ tailnetAddresses: [] })],
  ] as const)('knows only %s of its hosts is believed', (_what, change) => {
    for (const { topology } of Object.values(worlds)) {
      const less = { ...topology, hosts: mapValues(topology.hosts, (h) => ({ ...h, ...change(h) })) };
      const evidence = accepted(compileTopology(less));
      expect(verdictOf(proved({ topology: less, evidence }))).toBe('holds');
    }
  });

  it('makes no mistake is believed', () => {
    for (const world of Object.values(worlds)) expect(verdictOf(proved(world))).toBe('holds');
  });
});
