import { afterAll, describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/net/address.ts';
import { CT, type CtState, type Packet } from '../../src/net/packet.ts';
import { decidingRule } from '../../src/nftables/decide.ts';
import type { HostPlan } from '../../src/nftables/host-plan.ts';
import { printLoadable } from '../../src/nftables/print.ts';
import { renderHost } from '../../src/nftables/render/host.ts';
import type { Hook, Ruleset } from '../../src/nftables/ruleset.ts';
import { mutantsOf } from '../nftables/mutants.ts';
import { PLANS } from '../nftables/plans.ts';
import { parsed } from '../nftables/values.ts';
import { canUseNamespaces } from '../support/namespace.ts';
import { requireOrSkip } from '../support/require.ts';
import type { Probe } from './agent.ts';
import { connectHosts, LabHost } from './lab.ts';

const WHY = 'needs root, nft and network namespaces';
const isAble = canUseNamespaces();

const open: LabHost[] = [];
afterAll(async () => {
  for (const host of open) await host.close();
});

function host(label: string): LabHost {
  const made = new LabHost(label);
  open.push(made);
  return made;
}

/** What one machine with rules does with the packets of a probe: which hooks they pass, through which interfaces. */
interface Station {
  readonly ruleset: Ruleset;
  /** The hooks of packets that go with the probe, and of those that come back. */
  readonly there: readonly Passage[];
  readonly back: readonly Passage[];
}

interface Passage {
  readonly hook: Hook;
  readonly iif?: string;
  readonly oif?: string;
  readonly device?: string;
}

const received = (iif: string): Passage[] => [{ hook: 'input', iif }];
const sent = (oif: string): Passage[] => [
  { hook: 'output', oif },
  { hook: 'postrouting', oif },
  { hook: 'egress', oif, device: oif },
];
const routed = (iif: string, oif: string): Passage[] => [
  { hook: 'forward', iif, oif },
  { hook: 'postrouting', iif, oif },
  { hook: 'egress', oif, device: oif },
];

function packetOf(probe: Probe, ct: CtState, isReply: boolean): Packet {
  const address = (text: string) => {
    const parsedAddress = parseAddress(text.replace(/%.*/, ''));
    if (parsedAddress === undefined) throw new Error(text);
    return parsedAddress;
  };
  const [src, dst] = isReply ? [probe.to, probe.from] : [probe.from, probe.to];
  const [sport, dport] = isReply ? [probe.dport, probe.sport] : [probe.sport, probe.dport];
  return {
    family: address(src).family,
    proto: probe.proto === 'tcp' ? 6 : 17,
    src: address(src),
    dst: address(dst),
    sport,
    dport,
    ct,
  };
}

/** True when every hook on the way accepts; a condition that the evaluator cannot decide fails the test. */
function passes(station: Station, way: 'there' | 'back', packet: Packet): boolean {
  return station[way].every(({ hook, device, ...interfaces }) => {
    // Sent by the agent, which is root, or by the kernel for one of its sockets.
    const uid = hook === 'output' ? { uid: 0 } : {};
    const { verdict } = decidingRule(
      station.ruleset,
      hook,
      { ...packet, ...interfaces, ...uid },
      device === undefined ? {} : { device },
    );
    expect(verdict).not.toBe('unknown');
    return verdict === 'accept';
  });
}

interface Expected {
  readonly delivered: boolean;
  readonly answered: boolean;
}

const CLOSED: Expected = { delivered: false, answered: false };

function expectedOf(stations: readonly Station[], probe: Probe): Expected {
  const all = (way: 'there' | 'back', ct: CtState) =>
    stations.every((s) => passes(s, way, packetOf(probe, ct, way === 'back')));
  const first = all('there', CT.originalNew);
  const answered = first && all('back', CT.replyEstablished) && all('there', CT.originalEstablished);
  // A TCP payload needs the handshake, a datagram only the way there.
  return { delivered: probe.proto === 'tcp' ? answered : first, answered };
}

interface Trial {
  readonly from: LabHost;
  readonly to: LabHost;
  readonly probe: Probe;
  readonly stations: readonly Station[];
}

let rounds = 0;

/** Sends every probe for real and compares; returns how many got through. */
async function compareAll(trials: readonly Trial[], what = ''): Promise<{ open: number; closed: number }> {
  const deviations: string[] = [];
  let opened = 0;
  const round = ++rounds;
  const tokenOf = (i: number) => `token-${round}-${i}`;
  const expected = trials.map(({ stations, probe }) => expectedOf(stations, probe));
  const queue = trials.map((trial, i) => ({
    trial: { ...trial, wanted: expected[i] ?? CLOSED },
    token: tokenOf(i),
  }));
  const answers = new Map<string, boolean>();
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { from, probe, wanted } = next.trial;
      // An answer that nobody expects comes at once or counts as delivered; one that is expected may take its time.
      answers.set(next.token, await from.probe(probe, next.token, wanted.answered ? 3000 : 300));
    }
  };
  await Promise.all(Array.from({ length: 48 }, worker));
  const seen = new Map<LabHost, ReadonlySet<string>>();
  for (const h of new Set(trials.map((t) => t.to))) seen.set(h, await h.seen());
  trials.forEach(({ probe, to }, i) => {
    const token = tokenOf(i);
    const actual: Expected = { delivered: seen.get(to)?.has(token) === true, answered: answers.get(token) === true };
    const wanted = expected[i] ?? CLOSED;
    if (actual.answered) opened++;
    if (actual.delivered !== wanted.delivered || actual.answered !== wanted.answered) {
      deviations.push(`${JSON.stringify(probe)} was ${JSON.stringify(actual)}, evaluated ${JSON.stringify(wanted)}`);
    }
  });
  expect(deviations, what).toEqual([]);
  return { open: opened, closed: trials.length - opened };
}

/** All pairs of one family, both protocols, each port; every probe from a source port of its own unless pinned. */
let nextPort = 20_000;
function probes(from: readonly string[], to: readonly string[], ports: readonly number[], sport?: number): Probe[] {
  const pairs = from.flatMap((a) => to.map((b) => [a, b] as const)).filter(([a, b]) => kind(a) === kind(b));
  return pairs.flatMap(([a, b]) =>
    ports.flatMap((dport) =>
      (['tcp', 'udp'] as const).map((proto) => ({ proto, from: a, sport: sport ?? nextPort++, to: b, dport })),
    ),
  );
}

/** Addresses of different kinds cannot talk. */
function kind(address: string): string {
  if (!address.includes(':')) return '4';
  return address.startsWith('fe80') ? 'link' : '6';
}

function withoutLength(addresses: readonly string[], link: string): string[] {
  return addresses.map((a) => a.replace(/\/.*/, '')).map((a) => (a.startsWith('fe80') ? `${a}%${link}` : a));
}

function planOf(name: string): HostPlan {
  const plan = PLANS[name];
  if (plan === undefined) throw new Error(name);
  // The daemon's rule needs its cgroup, and these machines run none.
  return { ...plan, daemon: undefined };
}

/** One machine with rules, one without, on one link. */
interface Scenario {
  readonly plan: string;
  readonly link: string;
  /** With their prefix lengths; the last peer listens to nothing, so that it can send from the service's port. */
  readonly own: readonly string[];
  readonly peers: readonly string[];
  /** The first one is the service's. */
  readonly ports: readonly number[];
  /** How many probes are answered, counted by hand. */
  readonly open: number;
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  // The router's two addresses reach the model's two by TCP.
  'a model in a segment': {
    plan: 'model-segment',
    link: 'eth0',
    own: ['10.77.1.10/24', 'fd77:1::a/64', 'fe80::10/64', '10.77.1.110/24'],
    peers: ['10.77.1.1/24', 'fd77:1::1/64', '10.77.1.66/24', 'fd77:1::66/64', 'fe80::66/64', '10.77.1.77/24'],
    ports: [11434, 11433, 22],
    open: 2,
  },
  // The same from the other side, which opens.
  'an orchestrator and its cell': {
    plan: 'orchestrator',
    link: 'cellh',
    own: ['192.168.255.1/24', 'fd00:255::1/64', 'fe80::1/64'],
    peers: ['192.168.255.2/24', 'fd00:255::2/64', '192.168.255.66/24', 'fe80::2/64', '192.168.255.77/24'],
    ports: [11434, 22],
    open: 2,
  },
  // The tailnet is allowed, the model's addresses in it are not: 3 addresses of peers times 3 ports, TCP.
  'a gateway whose clients are the whole tailnet': {
    plan: 'gateway',
    link: 'tailscale0',
    own: ['100.64.0.40/10', 'fd7a:115c:a1e0::28/48'],
    peers: ['100.64.0.30/10', 'fd7a:115c:a1e0::1e/48', '100.64.0.10/10', 'fd7a:115c:a1e0::a/48', '100.64.0.77/10'],
    ports: [443, 8443, 8444, 8445, 22],
    open: 9,
  },
  // Any time server, in both families, but no model host, and nobody with a tailnet address on a wire.
  'an executor on its LAN': {
    plan: 'executor',
    link: 'eth0',
    own: ['10.77.1.30/24', 'fd77:1::1e/64'],
    peers: ['10.77.1.66/24', 'fd77:1::66/64', '10.77.1.10/24', 'fd77:1::a/64', '10.77.1.77/24'],
    ports: [123, 124],
    open: 2,
  },
  'a tailnet address on a wire': {
    plan: 'executor',
    link: 'eth0',
    own: ['100.64.0.30/10'],
    peers: ['100.64.0.66/10', '100.64.0.77/10'],
    ports: [123],
    open: 0,
  },
};

async function trialsOf(
  scenario: Scenario,
  mine: LabHost,
  other: LabHost,
  medium: 'wire' | 'tunnel',
): Promise<(ruleset: Ruleset) => Trial[]> {
  const { link, own, peers, ports } = scenario;
  connectHosts(mine, link, other, link, medium);
  mine.configure(link, own);
  other.configure(link, peers);
  const here = withoutLength(own, link);
  const there = withoutLength(peers, link);
  const silent = there.slice(-1);
  await mine.listen(here, ports);
  await other.listen(there.slice(0, -1), ports);
  return (ruleset) => {
    const inbound: Station[] = [{ ruleset, there: received(link), back: sent(link) }];
    const outbound: Station[] = [{ ruleset, there: sent(link), back: received(link) }];
    return [
      ...probes(there, here, ports).map((probe) => ({ from: other, to: mine, probe, stations: inbound })),
      ...probes(here, there.slice(0, -1), ports).map((probe) => ({ from: mine, to: other, probe, stations: outbound })),
      // As if it were the answer of a service.
      ...probes(silent, here.slice(0, 1), ports.slice(-1), ports[0]).map((probe) => ({
        from: other,
        to: mine,
        probe,
        stations: inbound,
      })),
    ];
  };
}

/** The ruleset with one base chain hooked, and only the chains that it reaches. */
function onlyHook(ruleset: Ruleset, hook: Hook): Ruleset {
  const unused =
    hook === 'input' ? /^(egress|loopback|forward|output|postrouting)$/ : /^(ingress|pmtu|input|forward|postrouting)$/;
  const [inet] = ruleset.tables;
  return { tables: inet === undefined ? [] : [{ ...inet, chains: inet.chains.filter((c) => !unused.test(c.name)) }] };
}

describe('the evaluator says of real packets what the kernel does with them', () => {
  test.each(Object.entries(SCENARIOS))('%s', async (_name, scenario) => {
    requireOrSkip(isAble, WHY);
    const [mine, other] = [host('own'), host('peer')];
    const medium = scenario.link === 'tailscale0' ? 'tunnel' : 'wire';
    const trials = await trialsOf(scenario, mine, other, medium);
    mine.load(printLoadable(renderHost(planOf(scenario.plan))));
    expect((await compareAll(trials(parsed(mine.list())))).open).toBe(scenario.open);
  });

  test.each(['input', 'output'] as const)('with one mistake in the rules of %s, the other hooks open', async (hook) => {
    requireOrSkip(isAble, WHY);
    const scenario = SCENARIOS['a model in a segment'];
    if (scenario === undefined) throw new Error('no scenario');
    const [mine, other] = [host('own'), host('peer')];
    const trials = await trialsOf({ ...scenario, ports: [11434, 22] }, mine, other, 'tunnel');
    const alone = onlyHook(renderHost(planOf(scenario.plan)), hook);
    const mutants = [...mutantsOf(alone)].filter((m) =>
      /^(accept|open|not|flushed|rule|dropped|negated|widened)/.test(m.what),
    );
    const counts = new Set<number>();
    for (const mutant of mutants.filter((_, i) => i % 6 === 0)) {
      mine.load(printLoadable(mutant.ruleset));
      counts.add((await compareAll(trials(parsed(mine.list())), mutant.what)).open);
    }
    // Some let more through, some less.
    expect(counts.size).toBeGreaterThan(3);
  });

  test('a router between the tailnet and a segment, also where it hides the source', async () => {
    requireOrSkip(isAble, WHY);
    const [client, router, model] = [host('client'), host('router'), host('model')];
    connectHosts(client, 'tailscale0', router, 'tailscale0', 'tunnel');
    connectHosts(model, 'eth0', router, 'eth1', 'wire');
    client.configure('tailscale0', [
      '100.64.0.20/10',
      '100.64.0.66/10',
      'fd7a:115c:a1e0::14/48',
      'fd7a:115c:a1e0::66/48',
    ]);
    router.configure('tailscale0', ['100.64.0.99/10', 'fd7a:115c:a1e0::99/48']);
    router.configure('eth1', ['10.77.1.1/24', 'fd77:1::1/64']);
    model.configure('eth0', ['10.77.1.10/24', '10.77.1.11/24', 'fd77:1::a/64']);
    for (const [h, v4, v6] of [
      [client, '100.64.0.99', 'fd7a:115c:a1e0::99'],
      [model, '10.77.1.1', 'fd77:1::1'],
    ] as const) {
      h.namespace.exec(['ip', 'route', 'add', 'default', 'via', v4]);
      h.namespace.exec(['ip', '-6', 'route', 'add', 'default', 'via', v6]);
    }
    router.namespace.exec(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
    const clients = ['100.64.0.20', '100.64.0.66', 'fd7a:115c:a1e0::14', 'fd7a:115c:a1e0::66'];
    const models = ['10.77.1.10', '10.77.1.11', 'fd77:1::a'];
    const ports = [11434, 22];
    await client.listen(clients, ports);
    await model.listen(models, ports);
    router.load(printLoadable(renderHost(planOf('other-router'))));
    const trials = (ruleset: Ruleset): Trial[] => {
      const inwards: Station[] = [{ ruleset, there: routed('tailscale0', 'eth1'), back: routed('eth1', 'tailscale0') }];
      const outwards: Station[] = [
        { ruleset, there: routed('eth1', 'tailscale0'), back: routed('tailscale0', 'eth1') },
      ];
      return [
        ...probes(clients, models, ports).map((probe) => ({ from: client, to: model, probe, stations: inwards })),
        ...probes(models, clients, ports).map((probe) => ({ from: model, to: client, probe, stations: outwards })),
      ];
    };
    // The orchestrator's two addresses reach the model's declared two by TCP.
    expect((await compareAll(trials(parsed(router.list())))).open).toBe(2);
    router.load(
      `table inet hide {\n chain p {\n type nat hook postrouting priority srcnat; policy accept;\n iifname "tailscale0" oifname "eth1" masquerade\n }\n}\n`,
    );
    expect((await compareAll(trials(parsed(router.list())))).open).toBe(2);
  });

  test('a connection that was open before the rules is cut, the permitted one goes on', async () => {
    requireOrSkip(isAble, WHY);
    const [mine, other] = [host('own'), host('peer')];
    connectHosts(mine, 'eth0', other, 'eth0', 'wire');
    mine.configure('eth0', ['10.77.1.10/24']);
    other.configure('eth0', ['10.77.1.1/24', '10.77.1.66/24']);
    await mine.listen(['10.77.1.10'], [11434]);
    const plan = planOf('model-segment');
    const ruleset = renderHost({ ...plan, flows: plan.flows.map((f) => ({ ...f, tcp: [], udp: f.tcp })) });
    const flow = (from: string): Probe => ({ proto: 'udp', from, sport: 40_000, to: '10.77.1.10', dport: 11434 });
    // Everything open, and connections tracked.
    mine.load(
      'table inet cordon {\n chain c {\n type filter hook input priority 0; policy accept;\n ct state new accept\n }\n}\n',
    );
    for (const from of ['10.77.1.1', '10.77.1.66']) expect(await other.probe(flow(from), `before-${from}`)).toBe(true);
    mine.load(printLoadable(ruleset));
    for (const [from, survives] of [
      ['10.77.1.1', true],
      ['10.77.1.66', false],
    ] as const) {
      expect(await other.probe(flow(from), `after-${from}`)).toBe(survives);
      const packet = { ...packetOf(flow(from), CT.originalEstablished, false), iif: 'eth0' };
      expect(decidingRule(ruleset, 'input', packet).verdict).toBe(survives ? 'accept' : 'drop');
    }
  });
});
