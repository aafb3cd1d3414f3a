import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/state/evidence.ts';
import { compileTopology } from '../../src/topology/compile.ts';
import type { Host, PortRange, Service, Topology } from '../../src/topology/model.ts';
import { judge } from './judge.ts';
import { accepted, edited, load, loadExample } from './support.ts';

const TOPOLOGIES: Readonly<Record<string, () => Topology>> = {
  homelab: () => loadExample('homelab'),
  'netns-cell': () => loadExample('netns-cell'),
  'tailnet-node': () => loadExample('tailnet-node'),
  'all placements, a subnet router, ranges, UDP': () => accepted(load(edited(() => {}))),
  'two hosts of a role': () =>
    accepted(
      load(
        edited((t) => {
          t.hosts['exec-2'] = {
            ...t.hosts['exec-1'],
            device: 'n2execCNTRL',
            addresses: ['100.64.0.31', 'fd7a:115c:a1e0::1f'],
          };
          t.hosts['gw-2'] = {
            ...t.hosts['gw-1'],
            device: 'n2gwCNTRL',
            addresses: ['100.64.0.41', 'fd7a:115c:a1e0::29'],
          };
        }),
      ),
    ),
};

function compiled(topology: Topology): Evidence {
  return accepted(compileTopology(topology));
}

function with1<K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): Map<K, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}

function services(t: Topology, change: (s: Service) => Partial<Service>): Topology {
  return { ...t, services: with1(t.services, (s) => ({ ...s, ...change(s) })) };
}

function hosts(t: Topology, change: (h: Host) => Partial<Host>): Topology {
  return { ...t, hosts: with1(t.hosts, (h) => ({ ...h, ...change(h) })) };
}

const widenUp = (ranges: readonly PortRange[]) => ranges.map((r) => ({ ...r, last: r.last + 1 }));
const widenDown = (ranges: readonly PortRange[]) => ranges.map((r) => ({ ...r, first: r.first - 1 }));
const family = (f: 4 | 6) => (h: Host) => ({
  addresses: h.addresses.filter((a) => a.family === f),
  tailnetAddresses: h.tailnetAddresses.filter((a) => a.family === f),
});

/** Compilers that are wrong in one way, made by compiling another topology than the one that is judged. */
const BROKEN: Readonly<Record<string, (t: Topology) => Topology | undefined>> = {
  'drops the first flow': (t) => ({ ...t, flows: t.flows.slice(1) }),
  'drops the last flow': (t) => ({ ...t, flows: t.flows.slice(0, -1) }),
  'drops every flow': (t) => ({ ...t, flows: [] }),
  'widens a port upwards': (t) => services(t, (s) => ({ tcp: widenUp(s.tcp) })),
  'widens a port downwards': (t) => services(t, (s) => ({ tcp: widenDown(s.tcp) })),
  'opens UDP beside TCP': (t) => services(t, (s) => ({ udp: s.tcp })),
  'confuses TCP and UDP': (t) => services(t, (s) => ({ tcp: s.udp, udp: s.tcp })),
  'opens all ports': (t) => services(t, () => ({ tcp: [{ first: 1, last: 65535 }] })),
  'forgets IPv6': (t) => hosts(t, family(4)),
  'forgets IPv4': (t) => hosts(t, family(6)),
  'forgets the base': (t) =>
    t.tailnet.base === undefined ? undefined : { ...t, tailnet: { ...t.tailnet, base: undefined } },
  'forgets whose address it is': (t) => hosts(t, () => ({ tailnetAddresses: [] })),
  'lets every role in': (t) =>
    t.roles.size < 3
      ? undefined
      : {
          ...t,
          flows: [...t.services.values()].flatMap((s) =>
            [...t.roles.keys()]
              .filter((r) => r !== s.on && r !== 'model')
              .map((from) => ({ id: `${from}-${s.name}`, from, to: s.name, span: s.span })),
          ),
        },
  'reverses the flows': (t) => {
    const services = new Map(
      t.flows
        .filter((f) => f.from !== 'operators' && f.from !== 'model')
        .map((f) => [f.id, { ...t.services.get(f.to), name: f.id, on: f.from } as Service]),
    );
    const flows = t.flows.flatMap((f) =>
      services.has(f.id) ? [{ ...f, from: t.services.get(f.to)?.on ?? '', to: f.id }] : [],
    );
    return { ...t, services, flows };
  },
  'mixes up the tags': (t) => {
    const tags = [...t.roles.values()].map((r) => r.tag);
    return {
      ...t,
      roles: new Map([...t.roles].map(([name, r], i) => [name, { ...r, tag: tags[(i + 1) % tags.length] ?? r.tag }])),
    };
  },
  'gives the tags to others': (t) => ({ ...t, tailnet: { ...t.tailnet, operators: ['mallory@example.com'] } }),
  'loses a host': (t) => ({
    ...t,
    hosts: new Map([...t.hosts].filter(([, h]) => h.role !== 'orchestrator')),
    segments: new Map(),
    flows: [],
  }),
  'takes the wrong link': (t) =>
    t.segments.size === 0
      ? undefined
      : hosts(t, (h) => ({ segmentInterface: h.segmentInterface === undefined ? undefined : 'eth9' })),
};

describe.each(Object.entries(TOPOLOGIES))('%s', (_name, make) => {
  it('is compiled to exactly what is declared', () => {
    const topology = make();
    expect(judge(topology, compiled(topology))).toEqual([]);
  });

  // Not every topology has what a compiler could get wrong: a base, a segment, a third role.
  const applicable = Object.entries(BROKEN).filter(([, breakIt]) => breakIt(make()) !== undefined);
  it.each(applicable)('a compiler that %s is caught', (_what, breakIt) => {
    const topology = make();
    const result = compileTopology(breakIt(topology) ?? topology);
    // What a broken compiler cannot even write is caught as well.
    if (result.ok) expect(judge(topology, result.value)).not.toEqual([]);
  });

  it('nearly every broken compiler still writes something to be judged', () => {
    const silent = applicable.filter(([, breakIt]) => !compileTopology(breakIt(make()) ?? make()).ok);
    expect(silent.length).toBeLessThanOrEqual(3);
  });
});

describe('texts that are wrong', () => {
  const change = (edit: (text: string) => string): string[] => {
    const topology = loadExample('homelab');
    const evidence = compiled(topology);
    const policy = evidence.sources['tailnet/policy']?.body as { text: string };
    const text = edit(policy.text);
    expect(text).not.toBe(policy.text);
    return judge(topology, {
      sources: { ...evidence.sources, 'tailnet/policy': { status: 'ok', body: { ...policy, text } } },
    });
  };

  it('a policy without a grants key', () => expect(change((t) => t.replace('"grants"', '"hidden"'))).not.toEqual([]));
  it('a policy with an allow-all grant', () =>
    expect(
      change((t) => t.replace('"grants": [', '"grants": [{"src": ["*"], "dst": ["*"], "ip": ["*"]},')),
    ).not.toEqual([]));
  it('a grant for any protocol', () =>
    expect(change((t) => t.replace('"ip": ["tcp:443"]}', '"ip": ["443"]}'))).not.toEqual([]));
  it('a tag owned by more', () =>
    expect(
      change((t) => t.replace('"tag:model":        ["group:ops"]', '"tag:model": ["group:ops", "group:family"]')),
    ).not.toEqual([]));
  it('a ruleset that lets a family in', () => {
    const topology = loadExample('homelab');
    const evidence = compiled(topology);
    const listing = String(evidence.sources['host/ollama-1/nft.txt']?.body);
    const body = listing.replace(
      'jump ingress',
      `jump ingress\n\t\tip6 saddr fd7a:115c:a1e0::/48 accept\n\t\tip6 daddr fd77:1::/64 accept`,
    );
    expect(
      judge(topology, { sources: { ...evidence.sources, 'host/ollama-1/nft.txt': { status: 'ok', body } } }),
    ).not.toEqual([]);
  });
});
