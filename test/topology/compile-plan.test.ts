import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/net/address.ts';
import { formatPrefix } from '../../src/net/prefix.ts';
import type { HostPlan, PlannedFlow } from '../../src/nftables/host-plan.ts';
import { connectFlows } from '../../src/topology/compile/connections.ts';
import { planHosts } from '../../src/topology/compile/host-plan.ts';
import { compileTopology } from '../../src/topology/compile.ts';
import type { Topology } from '../../src/topology/model.ts';
import { accepted, codes, diagnosticsOf, edited, type Loose, load, loadExample } from './support.ts';

function topology(edit: (t: Loose) => void = () => {}): Topology {
  return accepted(load(edited(edit)));
}

function planOf(t: Topology, host: string): HostPlan {
  const plan = planHosts(t, connectFlows(t).planned).get(host);
  if (plan === undefined) throw new Error(`no plan for ${host}`);
  return plan;
}

/** One flow in one line. */
function line(f: PlannedFlow): string {
  const ports = (list: PlannedFlow['tcp']) =>
    list.map((r) => (r.first === r.last ? r.first : `${r.first}-${r.last}`)).join();
  return `${f.id} ${f.side} ${f.iface} ${f.local.map(formatAddress).join()} with ${f.remote.map(formatPrefix).join()} tcp ${ports(f.tcp)} udp ${ports(f.udp)}`;
}

describe('plans', () => {
  it('of a model host in a segment: the router’s address and nothing else', () => {
    const plan = planOf(topology(), 'ollama-1');
    expect(plan.flows.map(line)).toEqual([
      'orchestrator-model responder eth0 10.77.1.10,fd77:1::a with 10.77.1.1/32,fd77:1::1/128 tcp 11434 udp ',
    ]);
    expect(plan).toMatchObject({
      role: 'model',
      daemon: undefined,
      tailnet: false,
      loopback: 'shared',
      closeRawOnLink: true,
      forwards: [],
      modelAddresses: [],
    });
    expect(plan.link?.name).toBe('eth0');
  });

  it('of a model host behind a subnet router: the router’s address stands for the orchestrator', () => {
    const t = topology();
    expect(planOf(t, 'ollama-2').flows.map(line)).toEqual([
      'orchestrator-model responder eth0 10.78.1.10,fd78:1::a with 10.78.1.1/32,fd78:1::1/128 tcp 11434 udp ',
    ]);
    const [forward, ...more] = planOf(t, 'rtr-1').forwards;
    expect(more).toEqual([]);
    expect(planOf(t, 'rtr-1').flows).toEqual([]);
    expect({ ...forward, from: forward?.from.map(formatPrefix), to: forward?.to.map(formatPrefix) }).toEqual({
      id: 'orchestrator-model',
      inInterface: 'tailscale0',
      outInterface: 'eth1',
      from: ['100.64.0.20/32', 'fd7a:115c:a1e0::14/128'],
      to: ['10.78.1.10/32', 'fd78:1::a/128'],
      tcp: [{ first: 11434, last: 11434 }],
      udp: [],
    });
  });

  it('of an orchestrator that opens flows over its link and over the tailnet', () => {
    const plan = planOf(topology(), 'orch-1');
    expect(plan.flows.map(line)).toEqual([
      'operators-ssh responder tailscale0 100.64.0.20,fd7a:115c:a1e0::14 with 100.64.0.0/10,fd7a:115c:a1e0::/48 tcp 22 udp ',
      'orchestrator-model initiator eth1 10.77.1.1,fd77:1::1 with 10.77.1.10/32,fd77:1::a/128 tcp 11434 udp ',
      'orchestrator-model initiator tailscale0 100.64.0.20,fd7a:115c:a1e0::14 with 10.78.1.10/32,fd78:1::a/128 tcp 11434 udp ',
    ]);
    expect(plan.modelAddresses.map(formatPrefix)).toEqual([
      '10.77.1.10/32',
      '10.78.1.10/32',
      'fd77:1::a/128',
      'fd78:1::a/128',
    ]);
    expect(plan).toMatchObject({
      role: 'orchestrator',
      tailnet: true,
      closeRawOnLink: false,
      daemon: { underlay: ['eth0'], resolvers: [] },
    });
  });

  it('of a gateway: ranges and UDP, all clients in one flow', () => {
    const plan = planOf(
      topology((t) => {
        t.hosts['exec-2'] = {
          ...t.hosts['exec-1'],
          device: 'n2execCNTRL',
          addresses: ['100.64.0.31', 'fd7a:115c:a1e0::1f'],
        };
      }),
      'gw-1',
    );
    expect(plan.flows.map(line)).toEqual([
      'executor-gateway responder tailscale0 100.64.0.40,fd7a:115c:a1e0::28 with 100.64.0.30/32,100.64.0.31/32,fd7a:115c:a1e0::1e/128,fd7a:115c:a1e0::1f/128 tcp 443,8000-8010 udp 443',
    ]);
  });

  it('of a model in a namespace: its loopback is its own, its link is named', () => {
    const t = loadExample('netns-cell');
    expect(planOf(t, 'ollama-1')).toMatchObject({
      loopback: 'private',
      closeRawOnLink: true,
      link: { name: 'cell0' },
      tailnet: false,
    });
    expect(planOf(t, 'orch-1')).toMatchObject({
      loopback: 'shared',
      link: { name: 'cellh' },
      daemon: { underlay: ['eth0'] },
    });
    expect(planOf(t, 'orch-1').daemon?.resolvers.map(formatAddress)).toEqual(['198.51.100.10']);
  });

  it('of a model on the tailnet: no link, raw sockets stay open, its LAN address is watched elsewhere', () => {
    const t = loadExample('tailnet-node');
    expect(planOf(t, 'ollama-1')).toMatchObject({
      link: undefined,
      closeRawOnLink: false,
      tailnet: true,
      modelAddresses: [],
    });
    expect(planOf(t, 'orch-1').modelAddresses.map(formatPrefix)).toEqual([
      '100.64.0.10/32',
      '192.168.1.10/32',
      'fd7a:115c:a1e0::a/128',
    ]);
  });

  it('without a daemon: none of its own traffic', () => {
    expect(planOf(loadExample('homelab'), 'orch-1').daemon).toBeUndefined();
  });

  it('of a host without flows: everything is closed', () => {
    expect(
      planOf(
        topology((t) => (t.flows = [])),
        'gw-1',
      ),
    ).toMatchObject({ flows: [], forwards: [] });
  });

  it('do not let a model host in among the operators’ devices', () => {
    const t = topology((x) => {
      x.hosts['ollama-3'] = {
        role: 'model',
        placement: 'tailnet',
        device: 'n3modelCNTRL',
        addresses: ['100.64.0.10', 'fd7a:115c:a1e0::a'],
        access: { kind: 'render-only' },
      };
    });
    const ssh = planOf(t, 'orch-1').flows.find((f) => f.id === 'operators-ssh');
    const has = (text: string) => ssh?.remote.map(formatPrefix).includes(text);
    expect(ssh?.remote.length).toBeGreaterThan(50);
    expect([has('100.64.0.10/32'), has('100.64.0.11/32'), has('100.64.0.0/10')]).toEqual([false, true, false]);
  });
});

describe('families', () => {
  it('an end with one family has its flows in that family only', () => {
    const t = topology((x) => x.hosts['exec-1'].addresses.pop());
    expect(planOf(t, 'exec-1').flows.map(line)).toEqual([
      'executor-gateway initiator tailscale0 100.64.0.30 with 100.64.0.40/32 tcp 443,8000-8010 udp 443',
    ]);
    expect(planOf(t, 'gw-1').flows.map(line)).toEqual([
      'executor-gateway responder tailscale0 100.64.0.40 with 100.64.0.30/32 tcp 443,8000-8010 udp 443',
    ]);
    expect(codes(compileTopology(t))).toEqual(['topology-one-family']);
  });

  it('ends without a common family cannot talk', () => {
    const over = (edit: (t: Loose) => void) =>
      codes(compileTopology(topology(edit))).filter((c) => c !== 'topology-one-family');
    const both = (t: Loose) => {
      t.hosts['exec-1'].addresses = ['100.64.0.30'];
      t.hosts['gw-1'].addresses = ['fd7a:115c:a1e0::28'];
    };
    expect(over(both)).toEqual(['topology-flow-no-path']);
    expect(over((t) => t.hosts['ollama-1'].addresses.shift())).toEqual([]);
    expect(
      over((t) => {
        t.hosts['ollama-1'].addresses.shift();
        t.hosts['orch-1'].addresses.splice(1, 1);
      }),
    ).toEqual(['topology-flow-no-path']);
    expect(
      over((t) => {
        t.hosts['ollama-2'].addresses.shift();
        t.hosts['rtr-1'].addresses.splice(1, 1);
      }),
    ).toEqual(['topology-flow-no-path']);
    expect(
      over((t) => {
        t.hosts['ollama-2'].addresses.shift();
        t.hosts['orch-1'].addresses.splice(3, 1);
      }),
    ).toEqual(['topology-flow-no-path']);
  });
});

describe('what is declared in part', () => {
  it('a peer anywhere swallows the peers that are declared', () => {
    const t = topology((x) => {
      x.hosts['exec-2'] = { role: 'executor', device: 'n2execCNTRL', access: { kind: 'render-only' } };
    });
    expect(planOf(t, 'gw-1').flows.map((f) => f.remote.map(formatPrefix))).toEqual([
      ['100.64.0.0/10', 'fd7a:115c:a1e0::/48'],
    ]);
  });

  it('ends of different families never become ends without addresses', () => {
    const t = topology((x) => {
      x.hosts['exec-1'].addresses = ['100.64.0.30'];
      x.hosts['gw-1'].addresses = ['fd7a:115c:a1e0::28'];
    });
    const [flow, service] = [t.flows[1], t.services.get('gateway')];
    const [initiator, responder] = [t.hosts.get('exec-1'), t.hosts.get('gw-1')];
    if (!flow || !service || !initiator || !responder) throw new Error('not in the fixture');
    const plans = planHosts(t, [{ flow, service, connections: [{ kind: 'tailnet', initiator, responder }] }]);
    expect([plans.get('exec-1')?.flows, plans.get('gw-1')?.flows]).toEqual([[], []]);
  });
});

describe('diagnostics', () => {
  it('an undeclared tailnet address is a warning, and the peers admit the tailnet', () => {
    const t = topology((x) => delete x.hosts['exec-1'].addresses);
    const [warning, ...more] = diagnosticsOf(compileTopology(t));
    expect(more).toEqual([]);
    expect(warning).toMatchObject({
      code: 'topology-tailnet-address-undeclared',
      severity: 'warning',
      span: t.hosts.get('exec-1')?.span,
    });
    expect(planOf(t, 'gw-1').flows.map(line)[0]).toContain('with 100.64.0.0/10,fd7a:115c:a1e0::/48');
    expect(planOf(t, 'exec-1').flows[0]?.local).toEqual([]);
  });

  it('an undeclared address of the end that answers is a warning too', () => {
    const t = topology((x) => delete x.hosts['gw-1'].addresses);
    const found = diagnosticsOf(compileTopology(t));
    expect(found.map((d) => [d.code, d.span.line])).toEqual([
      ['topology-tailnet-address-undeclared', t.hosts.get('gw-1')?.span.line],
    ]);
  });

  it('an undeclared address that no flow needs is none', () => {
    expect(codes(compileTopology(topology((x) => x.hosts['rtr-1'].addresses.splice(2))))).toEqual([]);
  });

  it('a model that opens flows over the tailnet from off it is an error with both places', () => {
    const t = topology((x) => x.flows.push({ id: 'model-gateway', from: 'model', to: 'gateway' }));
    const result = compileTopology(t);
    const found = diagnosticsOf(result);
    expect(result.ok).toBe(false);
    expect(found.map((d) => d.code)).toEqual(['topology-flow-no-path', 'topology-flow-no-path']);
    expect(found[0]?.message).toContain('ollama-1 to gw-1');
    expect(found[0]?.span).toEqual(t.flows.at(-1)?.span);
  });

  it('a flow from a role to itself needs two hosts', () => {
    const edit = (t: Loose) => (t.flows = [{ id: 'gateway-gateway', from: 'gateway', to: 'gateway' }]);
    expect(codes(compileTopology(topology(edit)))).toEqual(['topology-flow-idle']);
    const two = topology((t) => {
      edit(t);
      t.hosts['gw-2'] = { ...t.hosts['gw-1'], device: 'n2gwCNTRL', addresses: ['100.64.0.41', 'fd7a:115c:a1e0::29'] };
    });
    expect(codes(compileTopology(two))).toEqual([]);
    expect(
      planOf(two, 'gw-1')
        .flows.map((f) => f.side)
        .sort(),
    ).toEqual(['initiator', 'responder']);
  });
});
