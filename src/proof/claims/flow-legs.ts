import type { AddressSet } from '../../net/address-set.ts';
import type { Field } from '../../net/field.ts';
import { internInterface, NO_INTERFACE } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { Missing } from '../../state/known.ts';
import type { Host } from '../../topology/model.ts';
import { type ProofContext, unlisted } from '../context.ts';
import { type End, type FlowPath, pinned, rawLink, TAILNET_INTERFACE } from '../intent.ts';
import { servicePackets } from '../relations/allowed.ts';
import { HOOKS, type HostPassage, type Passage } from '../relations/host.ts';
import { deviceAddresses, operatorAddresses } from '../relations/identities.ts';
import { onInterface } from '../relations/packets.ts';
import type { TailnetReach } from '../relations/tailnet.ts';

/** One layer that a flow's packets have to pass, in one direction. */
export interface Leg {
  /** In the operator's words. */
  readonly layer: string;
  /** What has to pass. Empty: the two ends have no addresses between which it could. */
  readonly need: PacketSet;
  /** Fields that the ends choose: it is enough that some value passes. */
  readonly free: readonly Field[];
  readonly may: PacketSet;
  readonly must: PacketSet;
  readonly missing: readonly Missing[];
  readonly at: { readonly host: Host; readonly passage: Passage } | undefined;
}

type Direction = 'opening' | 'answering';

/** Everything the flow has to pass, from the opening packet at its sender to the answer back at it. */
export function legsOf(context: ProofContext, path: FlowPath): Leg[] {
  const { from, to, sender, receiver, router } = path;
  const legs: Leg[] = [];
  if (from !== undefined && sender !== undefined) legs.push(...sending(context, path, from, sender, 'opening'));
  if (path.kind !== 'link') legs.push(tailnetLeg(context, path));
  if (router !== undefined) legs.push(forwardLeg(context, path, router, 'opening'));
  legs.push(hostLeg(context, path, to, 'in', receiver, 'opening'));
  legs.push(...sending(context, path, to, receiver, 'answering'));
  if (router !== undefined) legs.push(forwardLeg(context, path, router, 'answering'));
  if (from !== undefined && sender !== undefined) legs.push(hostLeg(context, path, from, 'in', sender, 'answering'));
  return legs;
}

/** States in which the packets of a flow are seen on the way there, and on the way back. */
const STATES: Readonly<Record<Direction, IntervalSet>> = {
  opening: IntervalSet.points(CT.originalNew, CT.originalEstablished),
  answering: IntervalSet.point(CT.replyEstablished),
};

/** Ports from which flows are opened: anything above the privileged ones has to work (RFC 6056). */
const CLIENT_PORTS = IntervalSet.of([1024n, 65535n]);

function transport(path: FlowPath, direction: Direction): PacketSet {
  const [service, client] = direction === 'opening' ? (['dport', 'sport'] as const) : (['sport', 'dport'] as const);
  return servicePackets(path.service, service).restrict(client, CLIENT_PORTS).restrict('ct', STATES[direction]);
}

/** Out of the host, and out of its link where packet sockets on it are closed. */
function sending(context: ProofContext, path: FlowPath, host: Host, end: End, direction: Direction): Leg[] {
  const legs = [hostLeg(context, path, host, 'out', end, direction)];
  const isRaw = rawLink(context.topology, host) === end.interface;
  return isRaw ? [...legs, hostLeg(context, path, host, 'raw', end, direction)] : legs;
}

function hostLeg(
  context: ProofContext,
  path: FlowPath,
  host: Host,
  which: 'in' | 'out' | 'raw',
  end: End,
  direction: Direction,
): Leg {
  const [own, other] = which === 'in' ? (['dst', 'src'] as const) : (['src', 'dst'] as const);
  const need = transport(path, direction)
    .intersect(onInterface(which === 'in' ? 'iif' : 'oif', end.interface))
    .intersect(PacketSet.ofAddresses(other, end.remote))
    .intersect(PacketSet.ofAddresses(own, end.local))
    .intersect(which === 'in' ? NO_OIF : NO_IIF);
  return leg(host, which, context.passage(host, which), need, [own, 'uid', 'mark']);
}

const NO_OIF = PacketSet.box({ oif: IntervalSet.point(NO_INTERFACE) });
const NO_IIF = PacketSet.box({ iif: IntervalSet.point(NO_INTERFACE) });

function forwardLeg(
  context: ProofContext,
  path: FlowPath,
  router: NonNullable<FlowPath['router']>,
  direction: Direction,
): Leg {
  const [outer, inner, far, near] =
    direction === 'opening' ? (['iif', 'oif', 'src', 'dst'] as const) : (['oif', 'iif', 'dst', 'src'] as const);
  const need = transport(path, direction)
    .restrict(outer, IntervalSet.point(internInterface(TAILNET_INTERFACE)))
    .restrict(inner, IntervalSet.point(internInterface(router.inner)))
    .intersect(PacketSet.ofAddresses(far, router.source))
    .intersect(PacketSet.ofAddresses(near, router.target));
  return leg(router.host, 'forward', context.passage(router.host, 'forward'), need, ['uid', 'mark']);
}

function leg(host: Host, which: Passage, passage: HostPassage, need: PacketSet, free: readonly Field[]): Leg {
  const layer = `${HOOKS[which].join(' and ')} of ${host.name}`;
  const { could, must, missing } = passage;
  return { layer, need, free, may: could, must, missing, at: { host, passage: which } };
}

/** The packet filter at the receiving device (or at the segment's router) admits the pair. */
function tailnetLeg(context: ProofContext, path: FlowPath): Leg {
  const receiver = path.router?.host ?? path.to;
  const free: readonly Field[] = ['sport', 'ct', 'iif', 'oif', 'uid', 'mark'];
  const base = { layer: 'tailnet policy', free, at: undefined };
  const nothing = { ...base, need: PacketSet.all, may: PacketSet.all, must: PacketSet.none };
  const reach = context.tailnet;
  if (!reach.known) return { ...nothing, missing: reach.missing };
  const missing = [path.from, receiver].flatMap((h) => (h === undefined ? [] : unlisted(context, h)));
  if (path.from === undefined) missing.push(...unknownOperators(context));
  if (missing.length > 0) return { ...nothing, missing };
  const device = receiver.device === undefined ? undefined : reach.value.universe.byId(receiver.device);
  const opening = openingAddresses(context, reach.value, path);
  const admissions = device === undefined ? [] : reach.value.admissions(device, opening);
  const packets = (exact: boolean) =>
    PacketSet.unionAll(admissions.filter((a) => !exact || a.rule.exact).map((a) => a.packets));
  return {
    ...base,
    need: servicePackets(path.service, 'dport')
      .intersect(PacketSet.ofAddresses('src', opening))
      .intersect(PacketSet.ofAddresses('dst', path.router?.target ?? expected(reach.value, path.to))),
    may: packets(false),
    must: packets(true),
    missing: [],
  };
}

/** Operators of whom nothing says who they are. */
function unknownOperators({ operators, topology }: ProofContext): Missing[] {
  return operators.unresolved.map((o) => ({
    source: topology.file,
    why: `who is in ${o} stands in no file, so nothing shows whose devices open the flow`,
  }));
}

/**
 * Where the flow has to work: at the declared addresses, whatever the device has now, because the host firewalls of its
 * peers expect it there; where none is declared, at those that it has.
 */
function expected(reach: TailnetReach, host: Host): AddressSet {
  const declared = pinned(host);
  return declared.isEmpty() ? deviceAddresses(reach, host) : declared;
}

function openingAddresses(context: ProofContext, reach: TailnetReach, path: FlowPath): AddressSet {
  return path.from === undefined ? operatorAddresses(context, reach) : expected(reach, path.from);
}
