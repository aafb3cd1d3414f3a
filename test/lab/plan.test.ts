import { describe, expect, it } from 'vitest';
import { type LabHost, type LabLayout, UNDERLAY } from '../../src/lab/layout.ts';
import { planLab, planNeighbour } from '../../src/lab/plan.ts';
import { formatAddress } from '../../src/net/address.ts';
import { formatPrefix } from '../../src/net/prefix.ts';
import { InputError } from '../../src/source/error.ts';
import { type HostSpec, homelab, prefix, SPAN, type TopologySpec, topology } from './topology.ts';

const settings = { prefix: 'lab', underlay: [prefix('10.99.0.0/24'), prefix('fd99::/64')] };

function hostOf(layout: LabLayout, name: string): LabHost {
  const host = layout.hosts.find((h) => h.name === name);
  if (host === undefined) throw new Error(`no ${name}`);
  return host;
}

/** `interface: address/length …` for each link. */
function links(host: LabHost): readonly string[] {
  return host.links.map(
    (l) => `${l.name}: ${l.addresses.map((a) => `${formatAddress(a.address)}/${a.length}`).join(' ')}`,
  );
}

function routes(host: LabHost): readonly string[] {
  return host.routes.map((r) => `${formatPrefix(r.prefix)} via ${formatAddress(r.via)}`);
}

/** Codes of everything wrong with one host `a` (and what else the topology has). */
function problems(spec: HostSpec, more: Partial<TopologySpec> = {}): readonly string[] {
  try {
    planLab(topology({ ...more, hosts: { ...more.hosts, a: spec } }), settings);
  } catch (error) {
    if (error instanceof InputError) return error.diagnostics.map((d) => d.code);
    throw error;
  }
  return [];
}

describe('planLab', () => {
  const layout = planLab(homelab('run'), settings);

  it('puts declared addresses on the segment and gives every underlay interface an address of the underlay', () => {
    expect(layout.hosts.map((h) => [h.name, h.namespace])).toEqual([
      ['ollama-1', 'run-model'],
      ['orch-1', 'run-orch'],
      ['exec-1', 'run-exec'],
      ['gw-1', 'run-gw'],
    ]);
    expect(links(hostOf(layout, 'ollama-1'))).toEqual(['eth0: 10.77.1.10/24 fd77:1::a/64']);
    expect(links(hostOf(layout, 'orch-1'))).toEqual([
      'eth1: 10.77.1.1/24 fd77:1::1/64',
      'eth0: 10.99.0.10/24 fd99::a/64',
    ]);
    expect(links(hostOf(layout, 'exec-1'))).toEqual(['eth0: 10.99.0.11/24 fd99::b/64']);
    expect(layout.hub).toBe('lab-hub');
    expect(layout.networks.map((n) => [n.name, n.bridge, n.router])).toEqual([
      [UNDERLAY, 'underlay', undefined],
      ['segment:cell', 'segment0', 'orch-1'],
    ]);
  });

  it('forwards on segment routers only, and makes tailscale0 on tailnet hosts only', () => {
    expect(layout.hosts.map((h) => h.forwards)).toEqual([false, true, false, false]);
    expect(layout.hosts.map((h) => h.tailnet?.addresses.map(formatAddress))).toEqual([
      undefined,
      ['100.64.0.20', 'fd7a:115c:a1e0::14'],
      ['100.64.0.30', 'fd7a:115c:a1e0::1e'],
      ['100.64.0.40', 'fd7a:115c:a1e0::28'],
    ]);
  });

  it('gives every host the routes of an attacker: to the segment by its router, to tailnet addresses by LAN addresses', () => {
    expect(routes(hostOf(layout, 'exec-1'))).toEqual([
      '10.77.1.0/24 via 10.99.0.10',
      'fd77:1::/64 via fd99::a',
      '100.64.0.20/32 via 10.99.0.10',
      'fd7a:115c:a1e0::14/128 via fd99::a',
      '100.64.0.40/32 via 10.99.0.12',
      'fd7a:115c:a1e0::28/128 via fd99::c',
    ]);
    expect(routes(hostOf(layout, 'ollama-1'))).toEqual([
      '0.0.0.0/0 via 10.77.1.1',
      '::/0 via fd77:1::1',
      '100.64.0.20/32 via 10.77.1.1',
      'fd7a:115c:a1e0::14/128 via fd77:1::1',
    ]);
    expect(routes(hostOf(layout, 'orch-1')).filter((r) => r.startsWith('10.') || r.startsWith('0.'))).toEqual([]);
  });

  it('computes link-local addresses as the kernel does', () => {
    const link = hostOf(layout, 'orch-1').links[0];
    expect(link?.mac).toBe('02:c0:d0:00:00:01');
    expect(link && formatAddress(link.linkLocal)).toBe('fe80::c0:d0ff:fe00:1');
    const macs = layout.hosts.flatMap((h) => h.links.map((l) => l.mac));
    expect(new Set(macs).size).toBe(macs.length);
  });

  it('leaves out hosts that are rendered only, and routes into segments whose router is one', () => {
    const t = topology({
      segments: { cell: { prefixes: ['10.77.1.0/24'], router: 'away' } },
      hosts: {
        away: { role: 'orchestrator', segment: 'cell', device: 'n1CNTRL', addresses: ['10.77.1.1'] },
        m: { role: 'model', segment: 'cell', addresses: ['10.77.1.10'], namespace: 'm' },
        e: { role: 'executor', device: 'n2CNTRL', namespace: 'e' },
      },
    });
    const plan = planLab(t, settings);
    expect(plan.hosts.map((h) => [h.name, routes(h)])).toEqual([
      ['m', []],
      ['e', []],
    ]);
  });

  it('uses a declared underlay address, never gives it to another, and routes to addresses outside every network', () => {
    const t = topology({
      hosts: {
        a: { role: 'executor', device: 'n1CNTRL', namespace: 'a' },
        b: { role: 'gateway', device: 'n2CNTRL', addresses: ['192.168.5.9', '10.99.0.10'], namespace: 'b' },
        c: { role: 'other', addresses: ['192.168.5.10'], namespace: 'c' },
        elsewhere: { role: 'node', addresses: ['10.99.0.11'] },
      },
    });
    const plan = planLab(t, settings);
    expect(links(hostOf(plan, 'a'))).toEqual(['eth0: 10.99.0.12/24 fd99::a/64']);
    expect(links(hostOf(plan, 'b'))).toEqual(['eth0: 10.99.0.10/24 fd99::b/64 192.168.5.9/32']);
    expect(links(hostOf(plan, 'c'))).toEqual(['eth0: 10.99.0.13/24 fd99::c/64 192.168.5.10/32']);
    expect(routes(hostOf(plan, 'a'))).toEqual(['192.168.5.9/32 via 10.99.0.10', '192.168.5.10/32 via 10.99.0.13']);
  });

  it('serves a segment without IPv6, and a host in it without IPv4', () => {
    const t = topology({
      segments: { v4: { prefixes: ['10.77.1.0/24'], router: 'r' }, v6: { prefixes: ['fd77:2::/64'], router: 'r2' } },
      hosts: {
        r: { role: 'orchestrator', segment: 'v4', device: 'n1CNTRL', addresses: ['10.77.1.1'], namespace: 'r' },
        r2: { role: 'orchestrator', segment: 'v6', device: 'n2CNTRL', addresses: ['fd77:2::1'], namespace: 'r2' },
        m4: { role: 'model', segment: 'v4', addresses: ['10.77.1.10'], namespace: 'm4' },
        m6: { role: 'model', segment: 'v6', addresses: ['fd77:2::a'], namespace: 'm6' },
      },
    });
    const plan = planLab(t, settings);
    expect(routes(hostOf(plan, 'm4'))).toEqual(['0.0.0.0/0 via 10.77.1.1']);
    expect(routes(hostOf(plan, 'm6'))).toEqual(['::/0 via fd77:2::1']);
    expect(routes(hostOf(plan, 'r'))).toEqual(['fd77:2::/64 via fd99::b']);
  });

  it('reports everything it cannot lay out at once', () => {
    const cell = { segments: { cell: { prefixes: ['10.77.1.0/24'], router: 'a' } } };
    expect(problems({ role: 'model', segment: 'cell', namespace: 'a' }, cell)).toEqual([]);
    expect(
      problems({ role: 'model', segment: 'cell', device: 'n', namespace: 'a', segmentInterface: 'eth0' }, cell),
    ).toEqual(['lab-interface-clash']);
    expect(problems({ role: 'executor', device: 'n', namespace: 'a', underlayInterfaces: ['tailscale0'] })).toEqual([
      'lab-interface-clash',
    ]);
    expect(
      problems({ role: 'executor', device: 'n', namespace: 'a', underlayInterfaces: ['a-name-too-long1'] }),
    ).toEqual(['lab-bad-interface']);
    expect(
      problems({ role: 'executor', device: 'n', namespace: 'a', underlayInterfaces: ['fifteen-letters'] }),
    ).toEqual([]);
    expect(
      problems(
        { role: 'executor', device: 'n', namespace: 'x; y', underlayInterfaces: ['e\n0'] },
        { segments: { cell: { prefixes: ['10.0.0.0/8', 'fd99:0:0:1::/64'], router: 'a' } } },
      ),
    ).toEqual(['lab-underlay-overlap', 'lab-bad-namespace', 'lab-bad-interface']);
  });

  it('refuses one namespace for two hosts, the hub among them', () => {
    const other = { hosts: { b: { role: 'node', device: 'n2', namespace: 'same' } } } as const;
    expect(problems({ role: 'node', device: 'n', namespace: 'same' }, other)).toEqual(['lab-namespace-clash']);
    expect(problems({ role: 'node', device: 'n', namespace: 'Same' }, other)).toEqual([]);
    expect(problems({ role: 'node', device: 'n', namespace: 'lab-hub' })).toEqual(['lab-namespace-clash']);
    try {
      planLab(topology({ hosts: { a: { role: 'node', device: 'n', namespace: 'lab-hub' } } }), settings);
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect((error as InputError).diagnostics[0]).toMatchObject({ span: SPAN, severity: 'error' });
    }
  });

  it('says so when the underlay is full', () => {
    const small = { prefix: 'lab', underlay: [prefix('10.99.0.0/28')] };
    const hosts = (count: number) =>
      topology({
        hosts: Object.fromEntries(
          Array.from({ length: count }, (_, i) => [
            `h${i}`,
            { role: 'node', device: `n${i}`, namespace: `h${i}` } as const,
          ]),
        ),
      });
    expect(
      planLab(hosts(5), small)
        .hosts.at(-1)
        ?.links[0]?.addresses.map((a) => formatAddress(a.address)),
    ).toEqual(['10.99.0.14']);
    expect(() => planLab(hosts(6), small)).toThrow(expect.objectContaining({ code: 'lab-no-address' }));
  });
});

describe('planNeighbour', () => {
  const layout = planLab(homelab('run'), settings);

  it('takes the highest free addresses of a segment and every way out of it', () => {
    const neighbour = planNeighbour(layout, settings, 'cell');
    expect(neighbour).toMatchObject({
      kind: 'neighbour',
      namespace: 'lab-neighbour-1',
      tailnet: undefined,
      forwards: false,
    });
    expect(links(neighbour)).toEqual(['eth0: 10.77.1.254/24 fd77:1::ffff:ffff:ffff:fffe/64']);
    expect(routes(neighbour)).toEqual([
      '0.0.0.0/0 via 10.77.1.1',
      '::/0 via fd77:1::1',
      '100.64.0.20/32 via 10.77.1.1',
      'fd7a:115c:a1e0::14/128 via fd77:1::1',
    ]);
    const second = planNeighbour({ ...layout, hosts: [...layout.hosts, neighbour] }, settings, 'cell');
    expect(second.namespace).toBe('lab-neighbour-2');
    expect(links(second)).toEqual(['eth0: 10.77.1.253/24 fd77:1::ffff:ffff:ffff:fffd/64']);
    const ports = [...layout.hosts, neighbour, second].flatMap((h) => h.links.map((l) => l.hubPort));
    expect(new Set(ports).size).toBe(ports.length);
  });

  it('stands on the underlay without a segment, and nowhere in an unknown one', () => {
    const stranger = planNeighbour(layout, settings, undefined);
    expect(links(stranger)).toEqual(['eth0: 10.99.0.254/24 fd99::ffff:ffff:ffff:fffe/64']);
    expect(routes(stranger)).toContain('10.77.1.0/24 via 10.99.0.10');
    expect(routes(stranger)).toContain('100.64.0.40/32 via 10.99.0.12');
    expect(() => planNeighbour(layout, settings, 'celt')).toThrow(expect.objectContaining({ code: 'lab-no-segment' }));
    expect(() => planNeighbour(layout, settings, 'underlay')).toThrow(
      expect.objectContaining({ code: 'lab-no-segment' }),
    );
  });
});
