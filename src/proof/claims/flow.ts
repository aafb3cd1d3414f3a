import type { AddressSet } from '../../net/address-set.ts';
import type { Field } from '../../net/field.ts';
import { internInterface, NO_INTERFACE } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { decidingRule } from '../../nftables/decide.ts';
import { CordonError } from '../../source/error.ts';
import type { Missing } from '../../state/known.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame, Claim, Witness } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { type End, type FlowPath, TAILNET_INTERFACE, tailnetEnd } from '../intent.ts';
import { onInterface, servicePackets } from '../relations/allowed.ts';
import { HOOKS, type Passage } from '../relations/host.ts';
import { deviceAddresses, operatorAddresses } from '../relations/identities.ts';
import type { TailnetReach } from '../relations/tailnet.ts';
import { witnessPacket } from './packet-words.ts';

/** One layer that a flow's packets have to pass, in one direction. */
interface Leg {
  /** In the operator's words. */
  readonly layer: string;
  /** What has to pass. */
  readonly need: PacketSet;
  /** Fields that the ends choose freely: it is enough that some value passes. */
  readonly free: readonly Field[];
  readonly may: PacketSet;
  readonly must: PacketSet;
  readonly missing: readonly Missing[];
  readonly at: { readonly host: Host; readonly passage: Passage } | undefined;
}

/** `flow` for every declared flow: each pair of ends can open it, and its answers come back. */
export function flowClaims(context: ProofContext): readonly Claim[] {
  return context.topology.flows.map((flow) => {
    const paths = context.paths.filter((p) => p.flow === flow);
    return flowClaim(context, flow.id, paths);
  });
}

function flowClaim(context: ProofContext, id: string, paths: readonly FlowPath[]): Claim {
  const blocked: { leg: Leg; path: FlowPath; lacking: PacketSet }[] = [];
  const missing: Missing[] = [];
  for (const path of paths) {
    for (const leg of legsOf(context, path)) {
      const need = project(leg.need, leg.free);
      const surely = project(leg.must.intersect(leg.need), leg.free);
      if (need.isSubsetOf(surely) && !need.isEmpty()) continue;
      const lacking = need.isEmpty() ? leg.need : need.subtract(project(leg.may.intersect(leg.need), leg.free));
      if (need.isEmpty() || !lacking.isEmpty()) blocked.push({ leg, path, lacking });
      else missing.push(...(leg.missing.length > 0 ? leg.missing : [{ source: leg.layer, why: 'cannot be decided' }]));
    }
  }
  if (paths.length === 0) {
    return { claim: 'flow', subject: id, state: 'unknown', causes: [], blame: [], missing: [noEnds(id)] };
  }
  const first = blocked[0];
  if (first === undefined) {
    return {
      claim: 'flow',
      subject: id,
      state: missing.length > 0 ? 'unknown' : 'holds',
      causes: [],
      blame: [],
      missing,
    };
  }
  const witness = witnessOf(first);
  return {
    claim: 'flow',
    subject: id,
    state: 'violated',
    causes: [],
    ...(witness === undefined ? {} : { witness }),
    blame: [blameOf(context, first)],
    missing,
  };
}

function noEnds(id: string): Missing {
  return { source: `flow ${id}`, why: 'no host holds both roles, so nothing shows that it works' };
}

function project(set: PacketSet, free: readonly Field[]): PacketSet {
  return free.reduce((s, field) => s.forget(field), set);
}

/** Everything the flow has to pass, from the opening packet at its sender to the answer back at it. */
function legsOf(context: ProofContext, path: FlowPath): Leg[] {
  const { from, to, sender, receiver, router } = path;
  const legs: Leg[] = [];
  if (from !== undefined && sender !== undefined) legs.push(hostLeg(context, path, from, 'out', sender, 'opening'));
  if (path.kind !== 'link') legs.push(tailnetLeg(context, path));
  if (router !== undefined) {
    legs.push(forwardLeg(context, path, 'opening'), forwardLeg(context, path, 'answering'));
  }
  legs.push(hostLeg(context, path, to, 'in', receiver, 'opening'));
  legs.push(hostLeg(context, path, to, 'out', receiver, 'answering'));
  if (from !== undefined && sender !== undefined) legs.push(hostLeg(context, path, from, 'in', sender, 'answering'));
  return legs;
}

type Direction = 'opening' | 'answering';

const NEW = IntervalSet.point(CT.originalNew);
const ANSWER = IntervalSet.point(CT.replyEstablished);

function transport(path: FlowPath, direction: Direction): PacketSet {
  const packets = servicePackets(path.service, direction === 'opening' ? 'dport' : 'sport');
  return packets.restrict('ct', direction === 'opening' ? NEW : ANSWER);
}

function hostLeg(
  context: ProofContext,
  path: FlowPath,
  host: Host,
  which: 'in' | 'out',
  end: End,
  direction: Direction,
): Leg {
  const passage = context.passage(host, which);
  const need = transport(path, direction)
    .intersect(onInterface(which === 'in' ? 'iif' : 'oif', end.interface))
    .intersect(PacketSet.ofAddresses(which === 'in' ? 'src' : 'dst', end.remote))
    .intersect(which === 'in' ? NO_OIF : NO_IIF);
  const own: Field = which === 'in' ? 'dst' : 'src';
  const clientPort: Field = direction === 'opening' ? 'sport' : 'dport';
  return {
    layer: `${HOOKS[which].join(' and ')} of ${host.name}`,
    need,
    free: [own, clientPort, 'uid', 'mark'],
    ...passage,
    at: { host, passage: which },
  };
}

const NO_OIF = PacketSet.box({ oif: IntervalSet.point(NO_INTERFACE) });
const NO_IIF = PacketSet.box({ iif: IntervalSet.point(NO_INTERFACE) });

function forwardLeg(context: ProofContext, path: FlowPath, direction: Direction): Leg {
  const router = path.router;
  if (router === undefined) throw new CordonError('proof-broken', `flow ${path.flow.id} has no router`);
  const passage = context.passage(router.host, 'forward');
  const [outer, inner]: readonly Field[] = direction === 'opening' ? ['iif', 'oif'] : ['oif', 'iif'];
  const [far, near] = direction === 'opening' ? (['src', 'dst'] as const) : (['dst', 'src'] as const);
  const need = transport(path, direction)
    .restrict(outer ?? 'iif', IntervalSet.point(internInterface(TAILNET_INTERFACE)))
    .restrict(inner ?? 'oif', IntervalSet.point(internInterface(router.inner)))
    .intersect(PacketSet.ofAddresses(far, router.source))
    .intersect(PacketSet.ofAddresses(near, router.target));
  return {
    layer: `${HOOKS.forward.join(' and ')} of ${router.host.name}`,
    need,
    free: [direction === 'opening' ? 'sport' : 'dport', 'uid', 'mark'],
    ...passage,
    at: { host: router.host, passage: 'forward' },
  };
}

/** The packet filter at the receiving device (or at the segment's router) admits the pair. */
function tailnetLeg(context: ProofContext, path: FlowPath): Leg {
  const layer = 'tailnet policy';
  const receiver = path.router?.host ?? path.to;
  const free: readonly Field[] = ['sport', 'ct', 'iif', 'oif', 'uid', 'mark'];
  const base = { layer, free, at: undefined };
  const reach = context.tailnet;
  if (!reach.known) {
    return { ...base, need: PacketSet.all, may: PacketSet.all, must: PacketSet.none, missing: reach.missing };
  }
  const device = context.deviceOf(receiver);
  const admissions = device === undefined ? [] : reach.value.admissions(device);
  const packets = (exact: boolean) =>
    PacketSet.unionAll(admissions.filter((a) => !exact || a.rule.exact).map((a) => a.packets));
  return {
    ...base,
    need: servicePackets(path.service, 'dport')
      .intersect(PacketSet.ofAddresses('src', openingAddresses(context, reach.value, path)))
      .intersect(PacketSet.ofAddresses('dst', path.router?.target ?? reachableAddresses(context, path.to))),
    may: packets(false),
    must: packets(true),
    missing: [],
  };
}

/** Where the host's device really is and its peers' rules expect it; empty when the two have nothing in common. */
function reachableAddresses(context: ProofContext, host: Host): AddressSet {
  return deviceAddresses(context, host).intersect(tailnetEnd(host));
}

function openingAddresses(context: ProofContext, reach: TailnetReach, path: FlowPath): AddressSet {
  return path.from === undefined ? operatorAddresses(context, reach) : reachableAddresses(context, path.from);
}

function witnessOf({ leg, path, lacking }: { leg: Leg; path: FlowPath; lacking: PacketSet }): Witness | undefined {
  const packet = lacking.sample();
  if (packet === undefined) return undefined;
  return {
    packet: witnessPacket(packet),
    from: path.from?.name ?? 'the operators',
    to: path.to.name,
    layer: `${leg.layer}, which does not let it through`,
  };
}

function blameOf(
  context: ProofContext,
  { leg, lacking, path }: { leg: Leg; lacking: PacketSet; path: FlowPath },
): Blame {
  if (leg.at === undefined) {
    const receiver = path.router?.host ?? path.to;
    const absent = [path.from, receiver].filter((h) => h !== undefined && context.deviceOf(h) === undefined);
    if (absent.length > 0) {
      return {
        source: 'tailnet/devices',
        rule: `device ${absent.map((h) => `${h?.device} (${h?.name})`).join(' and ')} is not in the tailnet`,
      };
    }
    return { source: 'tailnet/policy', rule: 'no rule admits it' };
  }
  const source = `host/${leg.at.host.name}/nft.txt`;
  const live = context.state.hosts.get(leg.at.host.name)?.ruleset;
  const packet = lacking.sample();
  if (live === undefined || !live.known || packet === undefined) return { source };
  for (const hook of HOOKS[leg.at.passage]) {
    const { verdict, by } = decidingRule(live.value.ruleset, hook, packet, { tables: () => true });
    if (verdict === 'accept' || by.kind === 'no-chain') continue;
    const place = by.span === undefined ? {} : { line: by.span.line, column: by.span.column };
    return {
      source,
      ...place,
      rule: `${by.table} ${by.chain}`,
      text: by.kind === 'rule' ? by.text : `policy ${by.policy}`,
    };
  }
  return { source };
}
