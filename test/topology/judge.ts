import { z } from 'zod';
import { type Address, formatAddress, parseAddress } from '../../src/net/address.ts';
import { CT, type Packet } from '../../src/net/packet.ts';
import { containsAddress } from '../../src/net/prefix.ts';
import { evaluateHook } from '../../src/nftables/evaluate.ts';
import { parseRuleset } from '../../src/nftables/parse.ts';
import type { Ruleset } from '../../src/nftables/ruleset.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { type CompiledTailnet, compileTailnet } from '../../src/tailnet/compile.ts';
import { parseDevices } from '../../src/tailnet/device.ts';
import { rulePackets } from '../../src/tailnet/filter.ts';
import { parsePolicy } from '../../src/tailnet/policy/parse.ts';
import type { Policy } from '../../src/tailnet/policy/policy.ts';
import type { Host, Topology } from '../../src/topology/model.ts';
import { accepted } from './support.ts';

/**
 * Says what is wrong with compiled evidence, from the topology and the meaning of the texts alone: every pair of hosts,
 * family, protocol and port next to a declared one is tried as a packet at every layer. Shares nothing with the compiler.
 */
export function judge(topology: Topology, evidence: Evidence): string[] {
  const world = interpret(topology, evidence);
  const problems = [...judgePolicy(topology, world.policy, world.text), ...judgeDevices(topology, evidence)];
  for (const from of topology.hosts.values()) {
    for (const to of topology.hosts.values()) {
      if (from !== to) problems.push(...judgePair(topology, world, from, to));
    }
  }
  for (const to of topology.hosts.values()) problems.push(...judgeOperators(topology, world, to));
  return problems;
}

interface World {
  readonly text: string;
  readonly policy: Policy;
  readonly tailnet: CompiledTailnet;
  readonly rulesets: ReadonlyMap<string, Ruleset>;
}

function interpret(topology: Topology, evidence: Evidence): World {
  const { text } = z.object({ text: z.string() }).parse(evidence.sources['tailnet/policy']?.body);
  const policy = accepted(parsePolicy('policy', text));
  const { devices, problems } = parseDevices(evidence.sources['tailnet/devices']?.body);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const rulesets = new Map(
    [...topology.hosts.keys()].flatMap((name) => {
      const listing = evidence.sources[`host/${name}/nft.txt`]?.body;
      return typeof listing === 'string' ? [[name, accepted(parseRuleset(name, listing))] as const] : [];
    }),
  );
  return { text, policy, tailnet: compileTailnet(policy, { devices, users: [] }), rulesets };
}

/** A way from one host to another, one family: what each layer sees. */
interface Way {
  readonly src: Address;
  readonly dst: Address;
  readonly out: string;
  readonly in: string;
  /** Source as the destination sees it, behind a router with source NAT. */
  readonly seen: Address;
  readonly router: Host | undefined;
}

function waysOf(topology: Topology, from: Host, to: Host): Way[] {
  const ways: Way[] = [];
  for (const family of [4, 6] as const) {
    const on = (h: Host) => h.tailnetAddresses.find((a) => a.family === family);
    const inside = (h: Host | undefined) =>
      h?.addresses.find(
        (a) =>
          a.family === family && topology.segments.get(to.segment ?? '')?.prefixes.some((p) => containsAddress(p, a)),
      );
    const tunnel = 'tailscale0';
    const router = topology.hosts.get(topology.segments.get(to.segment ?? '')?.router ?? '');
    const [src, dst] = [on(from), on(to)];
    const [near, far, via] = [inside(from), inside(to), inside(router)];
    if (to.device !== undefined) {
      if (src && dst) ways.push({ src, dst, out: tunnel, in: tunnel, seen: src, router: undefined });
    } else if (from.segment === to.segment) {
      const [out, arrives] = [from.segmentInterface ?? '', to.segmentInterface ?? ''];
      if (near && far) ways.push({ src: near, dst: far, out, in: arrives, seen: near, router: undefined });
    } else if (src && far && via) {
      ways.push({ src, dst: far, out: tunnel, in: to.segmentInterface ?? '', seen: via, router });
    }
  }
  return ways;
}

function judgePair(topology: Topology, world: World, from: Host, to: Host): string[] {
  const problems: string[] = [];
  const ways = waysOf(topology, from, to);
  for (const proto of ['tcp', 'udp'] as const) {
    for (const port of portsNear(topology)) {
      const open = isDeclared(topology, from.role, to.role, proto, port);
      if (open && ways.length === 0) problems.push(`${from.name} to ${to.name}: no way`);
      for (const way of ways) {
        const packet = packetOf(way.src, way.dst, proto, port);
        const layers: Record<string, boolean> = {
          output: accepts(world, from.name, 'output', { ...packet, oif: way.out }),
          input: accepts(world, to.name, 'input', { ...packet, src: way.seen, iif: way.in }),
        };
        if (way.router !== undefined) {
          const crossing = { ...packet, iif: 'tailscale0', oif: way.router.segmentInterface ?? '' };
          layers['forward'] = accepts(world, way.router.name, 'forward', crossing);
          layers['postrouting'] = accepts(world, way.router.name, 'postrouting', { ...crossing, src: way.seen });
        }
        if (way.out === 'tailscale0') layers['policy'] = admits(world, way.router ?? to, packet);
        const judged = Object.entries(layers).filter(
          ([layer]) => open || !isBlind(topology, layer, way, from, to, proto, port),
        );
        for (const [layer, is] of judged) {
          if (is !== open)
            problems.push(
              `${from.name} to ${to.name} ${proto} ${port} IPv${way.src.family}: ${layer} ${is ? 'lets it through' : 'drops it'}`,
            );
        }
      }
    }
  }
  return problems;
}

/**
 * Where a layer cannot tell who it is: behind a router every source looks like the router, and among the operators'
 * devices, whose addresses no file has, every device but a model host looks like one. The other layers tell.
 */
function isBlind(
  topology: Topology,
  layer: string,
  way: Way,
  from: Host,
  to: Host,
  proto: 'tcp' | 'udp',
  port: number,
): boolean {
  if (layer !== 'input' && layer !== 'postrouting') return false;
  if (way.router !== undefined) return true;
  const isRouter = [...topology.segments.values()].some((s) => s.router === from.name && s.name === to.segment);
  const others = [...topology.hosts.values()].filter((h) => h.segment !== to.segment).map((h) => h.role);
  const routes = isRouter && [...others, 'operators'].some((role) => isDeclared(topology, role, to.role, proto, port));
  const isOperator = isDeclared(topology, 'operators', to.role, proto, port) && from.role !== 'model';
  return routes || isOperator;
}

/** An untagged device of the tailnet that no file mentions: only what operators may do. */
function judgeOperators(topology: Topology, world: World, to: Host): string[] {
  const problems: string[] = [];
  const strangers = ['100.99.0.1', 'fd7a:115c:a1e0::9999'].flatMap((text) => parseAddress(text) ?? []);
  for (const proto of ['tcp', 'udp'] as const) {
    for (const port of portsNear(topology)) {
      const open = isDeclared(topology, 'operators', to.role, proto, port);
      for (const dst of to.tailnetAddresses) {
        const src = strangers.find((a) => a.family === dst.family);
        if (src === undefined) continue;
        const is = accepts(world, to.name, 'input', { ...packetOf(src, dst, proto, port), iif: 'tailscale0' });
        if (is !== open)
          problems.push(
            `operators to ${to.name} ${proto} ${port} IPv${dst.family}: input ${is ? 'lets it through' : 'drops it'}`,
          );
      }
    }
  }
  return problems;
}

function judgePolicy(topology: Topology, policy: Policy, text: string): string[] {
  const problems: string[] = [];
  if (policy.sections.grants === 'absent') problems.push('no grants key: everything is allowed');
  for (const role of topology.roles.values()) {
    const owners = policy.tagOwners.get(role.tag)?.items.map((o) => o.text) ?? [];
    if (owners.join() !== topology.tailnet.operators.join())
      problems.push(`${role.tag} is owned by ${owners.join() || 'nobody'}`);
  }
  for (const flow of topology.flows.filter((f) => f.from === 'operators')) {
    const is = policy.rules.some(
      (r) =>
        topology.tailnet.operators.every((o) => r.src.some((s) => s.text === o)) &&
        r.dst.some((d) => d.text === tagOn(topology, flow.to)),
    );
    if (!is) problems.push(`no grant for operators' flow ${flow.id}`);
  }
  const { base } = topology.tailnet;
  if (base === undefined) return problems;
  const kept = accepted(parsePolicy(base.file, base.text));
  const texts = new Set(policy.rules.map((r) => JSON.stringify([r.src.map((s) => s.text), r.dst.map((d) => d.text)])));
  for (const rule of kept.rules) {
    if (!texts.has(JSON.stringify([rule.src.map((s) => s.text), rule.dst.map((d) => d.text)])))
      problems.push('a rule of the base is gone');
  }
  for (const line of base.text.split('\n').filter((l) => l.includes('//'))) {
    if (!text.includes(line.trim())) problems.push(`a comment of the base is gone: ${line.trim()}`);
  }
  for (const tag of kept.tagOwners.keys()) if (!policy.tagOwners.has(tag)) problems.push(`${tag} of the base is gone`);
  for (const group of kept.groups.keys()) if (!policy.groups.has(group)) problems.push(`${group} of the base is gone`);
  return problems;
}

function judgeDevices(topology: Topology, evidence: Evidence): string[] {
  const { devices } = parseDevices(evidence.sources['tailnet/devices']?.body);
  return [...topology.hosts.values()].flatMap((host) => {
    const device = devices.find((d) => d.id === host.device);
    if (host.device === undefined) return [];
    if (device === undefined) return [`device of ${host.name} is gone`];
    const tag = topology.roles.get(host.role)?.tag;
    const addresses = host.tailnetAddresses.map(formatAddress).join();
    return [
      ...(device.tags.join() === tag ? [] : [`${host.name} has tags ${device.tags.join()}`]),
      ...(device.addresses.map(formatAddress).join() === addresses ? [] : [`${host.name} has other addresses`]),
      ...(device.authorized ? [] : [`${host.name} is not authorised`]),
    ];
  });
}

function tagOn(topology: Topology, service: string): string | undefined {
  return topology.roles.get(topology.services.get(service)?.on ?? '')?.tag;
}

function isDeclared(topology: Topology, from: string, to: string, proto: 'tcp' | 'udp', port: number): boolean {
  return topology.flows.some((flow) => {
    const service = topology.services.get(flow.to);
    return flow.from === from && service?.on === to && service[proto].some((r) => port >= r.first && port <= r.last);
  });
}

/** Ends of every declared range, one beyond each, and two that nobody declares. */
function portsNear(topology: Topology): number[] {
  const ends = [...topology.services.values()].flatMap((s) =>
    [...s.tcp, ...s.udp].flatMap((r) => [r.first - 1, r.first, r.last, r.last + 1]),
  );
  return [...new Set([...ends, 22, 53])].filter((p) => p > 0 && p <= 65535);
}

function packetOf(src: Address, dst: Address, proto: 'tcp' | 'udp', dport: number): Packet {
  return { family: src.family, proto: proto === 'tcp' ? 6 : 17, src, dst, sport: 40000, dport, ct: CT.originalNew };
}

function accepts(
  world: World,
  host: string,
  hook: 'input' | 'output' | 'forward' | 'postrouting',
  packet: Packet,
): boolean {
  const ruleset = world.rulesets.get(host);
  return ruleset === undefined || verdicts(ruleset, hook).contains(packet);
}

function admits(world: World, at: Host, packet: Packet): boolean {
  return world.tailnet.rulesOn(at.device ?? '').some((rule) => packetsOf(rule).contains(packet));
}

const verdictCache = new WeakMap<Ruleset, Map<string, ReturnType<typeof evaluateHook>['may']>>();
function verdicts(ruleset: Ruleset, hook: 'input' | 'output' | 'forward' | 'postrouting') {
  const known = verdictCache.get(ruleset) ?? new Map<string, ReturnType<typeof evaluateHook>['may']>();
  verdictCache.set(ruleset, known);
  const may = known.get(hook) ?? evaluateHook(ruleset, hook).may;
  known.set(hook, may);
  return may;
}

const ruleCache = new WeakMap<object, ReturnType<typeof rulePackets>>();
function packetsOf(rule: Parameters<typeof rulePackets>[0]) {
  const known = ruleCache.get(rule) ?? rulePackets(rule);
  ruleCache.set(rule, known);
  return known;
}
