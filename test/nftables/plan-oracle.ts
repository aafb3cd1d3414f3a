import type { Family } from '../../src/net/address.ts';
import { parseAddress } from '../../src/net/address.ts';
import { AddressSet } from '../../src/net/address-set.ts';
import { NO_UID } from '../../src/net/field.ts';
import { internInterface, NO_INTERFACE } from '../../src/net/interface-id.ts';
import { IntervalSet } from '../../src/net/interval-set.ts';
import { CT } from '../../src/net/packet.ts';
import { PacketSet } from '../../src/net/packet-set.ts';
import { type Prefix, prefixOf, TAILNET_V4, TAILNET_V6 } from '../../src/net/prefix.ts';
import { evaluateHook } from '../../src/nftables/evaluate.ts';
import type { HostPlan, PlannedFlow } from '../../src/nftables/host-plan.ts';
import type { Ruleset } from '../../src/nftables/ruleset.ts';

/**
 * What a plan permits at each hook, written down from the plan alone: the tuples of its flows and nothing else, apart
 * from neighbour discovery, path MTU errors and what the tailnet daemon needs on its own NICs.
 */

const HOOKS = ['input', 'output', 'forward', 'postrouting'] as const;
const point = (value: bigint | number) => IntervalSet.point(BigInt(value));
const iface = (name: string) => point(internInterface(name));
const LO = iface('lo');
const ABSENT = point(NO_INTERFACE);
const REQUEST = IntervalSet.points(CT.originalNew, CT.originalEstablished);
const REPLY = point(CT.replyEstablished);

function addresses(field: 'src' | 'dst', family: Family, blocks: readonly Prefix[]): PacketSet {
  return PacketSet.ofAddresses(field, AddressSet.ofPrefixes(...blocks.filter((b) => b.family === family)));
}

function portSets(flow: Pick<PlannedFlow, 'tcp' | 'udp'>): [number, IntervalSet][] {
  const of = (ranges: PlannedFlow['tcp']) =>
    IntervalSet.of(...ranges.map((r) => [BigInt(r.first), BigInt(r.last)] as const));
  return [
    [6, of(flow.tcp)],
    [17, of(flow.udp)],
  ];
}

/** Packets from one set of blocks to another, request or reply of a service's ports. */
function tuples(
  flow: Pick<PlannedFlow, 'tcp' | 'udp'>,
  from: readonly Prefix[] | undefined,
  to: readonly Prefix[] | undefined,
  isRequest: boolean,
): PacketSet {
  const parts = ([4, 6] as const).flatMap((family) =>
    portSets(flow).map(([proto, ports]) => {
      const where = isRequest ? { dport: ports, ct: REQUEST } : { sport: ports, ct: REPLY };
      let set = ports.isEmpty()
        ? PacketSet.none
        : PacketSet.box({ family: point(family), proto: point(proto), ...where });
      if (from !== undefined) set = set.intersect(addresses('src', family, from));
      if (to !== undefined) set = set.intersect(addresses('dst', family, to));
      return set;
    }),
  );
  return PacketSet.unionAll(parts);
}

function flowPackets(plan: HostPlan, incoming: boolean): PacketSet {
  return PacketSet.unionAll(
    plan.flows.map((f) => {
      const local = f.local.length === 0 ? undefined : f.local.map(prefixOf);
      const isRequest = (f.side === 'responder') === incoming;
      const set = incoming ? tuples(f, f.remote, local, isRequest) : tuples(f, local, f.remote, isRequest);
      const crossing = set.restrict(incoming ? 'iif' : 'oif', iface(f.iface));
      if (incoming || f.side !== 'initiator' || (f.uids ?? []).length === 0) return crossing;
      const opened = crossing.restrict('ct', point(CT.originalNew));
      const users = IntervalSet.points(...(f.uids ?? []).map(BigInt));
      return crossing.subtract(opened).union(opened.restrict('uid', users));
    }),
  );
}

function forwardPackets(plan: HostPlan, anySource: boolean): PacketSet {
  return PacketSet.unionAll(
    plan.forwards.flatMap((f) => [
      tuples(f, anySource ? undefined : f.from, f.to, true)
        .restrict('iif', iface(f.inInterface))
        .restrict('oif', iface(f.outInterface))
        .intersect(PacketSet.unionAll(([4, 6] as const).map((v) => familyOf(f.from, v)))),
      tuples(f, f.to, f.from, false).restrict('iif', iface(f.outInterface)).restrict('oif', iface(f.inInterface)),
    ]),
  );
}

function familyOf(blocks: readonly Prefix[], family: Family): PacketSet {
  return blocks.some((b) => b.family === family) ? PacketSet.box({ family: point(family) }) : PacketSet.none;
}

/** Flows of hosts without a model peer never include a model host. */
function withoutModels(plan: HostPlan, field: 'src' | 'dst', set: PacketSet): PacketSet {
  const models = AddressSet.ofPrefixes(...plan.modelAddresses);
  const peers = [...plan.flows.flatMap((f) => f.remote), ...plan.forwards.flatMap((f) => [...f.from, ...f.to])];
  const serves = peers.some((p) => AddressSet.ofPrefixes(p).isSubsetOf(models));
  return serves ? set : set.subtract(PacketSet.ofAddresses(field, models));
}

/** Tailnet addresses arrive on the daemon's interface only. */
function notSpoofed(plan: HostPlan, hook: (typeof HOOKS)[number], set: PacketSet): PacketSet {
  if (hook !== 'input' || !plan.tailnet) return set;
  const tailnet = AddressSet.ofPrefixes(TAILNET_V4, TAILNET_V6);
  const spoofed = PacketSet.ofAddresses('src', tailnet)
    .union(PacketSet.ofAddresses('dst', tailnet))
    .restrict('iif', iface('tailscale0').complement(0n, NO_INTERFACE));
  return set.subtract(spoofed);
}

function expected(plan: HostPlan, hook: (typeof HOOKS)[number]): PacketSet {
  switch (hook) {
    case 'input':
      return notSpoofed(plan, hook, withoutModels(plan, 'src', flowPackets(plan, true)));
    case 'output':
      return withoutModels(plan, 'dst', flowPackets(plan, false));
    case 'forward':
      return forwardPackets(plan, false);
    case 'postrouting':
      return withoutModels(plan, 'dst', flowPackets(plan, false)).union(forwardPackets(plan, true));
  }
}

/** Packets as they appear at a hook, apart from loopback. */
function universe(hook: (typeof HOOKS)[number]): PacketSet {
  const notLo = IntervalSet.of([0n, NO_INTERFACE - 1n]).subtract(LO);
  switch (hook) {
    case 'input':
      return PacketSet.box({ iif: notLo, oif: ABSENT });
    case 'output':
      return PacketSet.box({ oif: notLo, iif: ABSENT });
    case 'forward':
      return PacketSet.box({ iif: notLo, oif: notLo });
    case 'postrouting':
      return PacketSet.box({ oif: notLo });
  }
}

/** What may pass beside the flows: errors and neighbours, and the daemon's tuples on its NICs. */
function beside(plan: HostPlan, hook: (typeof HOOKS)[number]): PacketSet {
  switch (hook) {
    case 'forward':
      return PacketSet.none;
    case 'input':
      return PacketSet.unionAll([neighbours(plan, 'iif'), PATH_MTU, daemonAnswers(plan)]);
    case 'output':
      return neighbours(plan, 'oif').union(daemonFlows(plan));
    case 'postrouting':
      return neighbours(plan, 'oif').union(daemonTuples(plan));
  }
}

const TRACKED = IntervalSet.of([CT.originalNew, CT.relatedReply]);
const ORIGINAL = IntervalSet.points(CT.originalNew, CT.originalEstablished, CT.relatedOriginal);
const RELATED = IntervalSet.points(CT.relatedOriginal, CT.relatedReply);
const ICMPV6 = { family: point(6), proto: point(58) };
const NDP = PacketSet.box({ ...ICMPV6, icmpType: IntervalSet.points(135n, 136n), icmpCode: point(0) });
const PATH_MTU = PacketSet.box({ ...ICMPV6, icmpType: point(2), ct: RELATED }).union(
  PacketSet.box({ family: point(4), proto: point(1), icmpType: point(3), icmpCode: point(4), ct: RELATED }),
);

function neighbours(plan: HostPlan, field: 'iif' | 'oif'): PacketSet {
  const names = [
    ...(plan.link === undefined ? [] : [plan.link.name]),
    ...(plan.daemon?.underlay ?? []),
    ...plan.flows.map((f) => f.iface),
    ...plan.forwards.flatMap((f) => [f.inInterface, f.outInterface]),
  ];
  const links = IntervalSet.points(...names.filter((n) => n !== 'tailscale0').map(internInterface));
  return NDP.union(PacketSet.box({ ...ICMPV6, icmpType: IntervalSet.points(130n, 143n) })).restrict(field, links);
}

function underlay(plan: HostPlan): IntervalSet {
  return IntervalSet.points(...(plan.daemon?.underlay ?? []).map(internInterface));
}

function servicePorts(plan: HostPlan): readonly [number, IntervalSet][] {
  const asks = (plan.daemon?.resolvers.length ?? 0) > 0;
  return [
    [6, IntervalSet.points(80n, 443n, ...(asks ? [53n] : []))],
    ...(asks ? [[17, point(53)] as [number, IntervalSet]] : []),
  ];
}

function daemonAnswers(plan: HostPlan): PacketSet {
  const answers = servicePorts(plan).map(([proto, sport]) => PacketSet.box({ proto: point(proto), sport, ct: REPLY }));
  const tunnel = PacketSet.box({ proto: point(17), dport: point(41641), ct: TRACKED });
  return PacketSet.unionAll([tunnel, ...answers]).restrict('iif', underlay(plan));
}

function daemonTuples(plan: HostPlan): PacketSet {
  const asked = servicePorts(plan).map(([proto, dport]) => PacketSet.box({ proto: point(proto), dport, ct: ORIGINAL }));
  const tunnel = PacketSet.box({ proto: point(17), sport: point(41641), ct: TRACKED });
  return PacketSet.unionAll([tunnel, ...asked]).restrict('oif', underlay(plan));
}

function daemonFlows(plan: HostPlan): PacketSet {
  const mark = IntervalSet.from(
    Array.from({ length: 256 }, (_, high) => {
      const first = (BigInt(high) << 24n) + 0x80000n;
      return [first, first + 0xffffn] as const;
    }),
  );
  const resolvers = PacketSet.ofAddresses('dst', AddressSet.ofAddresses(...(plan.daemon?.resolvers ?? [])));
  const lookups = PacketSet.box({ proto: IntervalSet.points(6n, 17n), dport: point(53) }).intersect(resolvers);
  const tunnel = PacketSet.box({ proto: point(17), sport: point(41641), mark });
  const web = PacketSet.box({ proto: point(6), dport: IntervalSet.points(80n, 443n), mark });
  // Remembering the flow in its connection's mark needs a connection.
  const remembered = PacketSet.unionAll([lookups, tunnel, web]).restrict('ct', TRACKED);
  return remembered.restrict('uid', point(0)).restrict('oif', underlay(plan));
}

const RUNNER_PORTS = IntervalSet.of([32768n, 60999n]);
const ROOT = point(0);

/**
 * What a host may send to itself. The model's user, or everybody but root where it is not declared, answers and talks to
 * its runners; root alone may ask the service; packets without an owner are the kernel's, or of closed sockets.
 */
function loopbackPackets(plan: HostPlan): PacketSet {
  if (plan.role !== 'model' || plan.loopback === 'private') return PacketSet.all;
  const isDeclared = plan.modelUid !== undefined;
  const model = isDeclared ? point(plan.modelUid ?? 0) : IntervalSet.of([1n, NO_UID - 1n]);
  const served = plan.flows.filter((f) => f.side === 'responder');
  const opening = { proto: point(6), dport: RUNNER_PORTS, ct: REQUEST };
  const between = PacketSet.unionAll(
    ['127.0.0.1', '::1'].map((text) => {
      const own = AddressSet.ofAddresses(...[parseAddress(text)].filter((a) => a !== undefined));
      const here = PacketSet.ofAddresses('src', own).intersect(PacketSet.ofAddresses('dst', own));
      return here.intersect(
        PacketSet.box(opening).union(PacketSet.box({ proto: point(6), sport: RUNNER_PORTS, ct: REPLY })),
      );
    }),
  );
  const answers = isDeclared
    ? PacketSet.unionAll(served.map((f) => tuples(f, undefined, undefined, false)))
    : PacketSet.box({ ct: REPLY });
  const asked = PacketSet.unionAll(
    served.map((f) => tuples(f, undefined, undefined, true).restrict('ct', point(CT.originalNew))),
  );
  const ofModel = between.union(answers).restrict('uid', model);
  const ofOthers = PacketSet.all
    .restrict('uid', model.complement(0n, NO_UID))
    .subtract(asked.restrict('uid', ROOT.complement(0n, NO_UID)));
  return ofModel.union(ofOthers);
}

/** Everything in which a ruleset does not do what the plan says; empty for a right one. */
export function planDeviations(plan: HostPlan, ruleset: Ruleset): string[] {
  const deviations: string[] = [];
  const note = (hook: string, what: string, set: PacketSet) => {
    if (!set.isEmpty()) deviations.push(`${hook}: ${what} ${JSON.stringify(set.sample(), bigints)}`);
  };
  for (const hook of HOOKS) {
    const { may, must } = evaluateHook(ruleset, hook);
    const within = universe(hook);
    const want = expected(plan, hook).intersect(within);
    const besides = notSpoofed(plan, hook, beside(plan, hook).intersect(within));
    note(hook, 'lost', want.subtract(must));
    note(hook, 'never', besides.subtract(may));
    note(hook, 'extra', may.intersect(within).subtract(want).subtract(besides));
    if (hook === 'input' || hook === 'postrouting') {
      note(hook, 'loopback', PacketSet.box(hook === 'input' ? { iif: LO } : { oif: LO }).subtract(must));
    }
    if (hook === 'output') {
      const onLoopback = PacketSet.box({ oif: LO });
      const local = loopbackPackets(plan).intersect(onLoopback);
      note(hook, 'loopback lost', local.subtract(must));
      note(hook, 'loopback extra', may.intersect(onLoopback).subtract(local));
    }
  }
  const raw = rawDeviation(plan, ruleset);
  return raw === undefined ? deviations : [...deviations, raw];
}

/** The netdev chain: requests and replies of the link's flows by tuple, whatever their connection. */
function rawDeviation(plan: HostPlan, ruleset: Ruleset): string | undefined {
  if (!plan.closeRawOnLink || plan.link === undefined) return undefined;
  const { link } = plan;
  const { may, must } = evaluateHook(ruleset, 'egress', { device: link.name });
  const flows = plan.flows.filter((f) => f.iface === link.name);
  const want = PacketSet.unionAll(
    flows.map((f) => tuples(f, f.local.map(prefixOf), f.remote, f.side === 'initiator').forget('ct')),
  );
  const besides = NDP.union(PacketSet.box({ ...ICMPV6, icmpType: point(143) }));
  if (!want.isSubsetOf(must)) return 'egress: lost';
  if (!besides.isSubsetOf(may)) return 'egress: never';
  return may.isSubsetOf(want.union(besides)) ? undefined : 'egress: extra';
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString(16) : value;
}
