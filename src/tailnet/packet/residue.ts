import type { Family } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { NEVER_DELIVERED } from '../ranges.ts';
import type { NodeFilter, ResidueKind } from './decide.ts';
import { TRACKED_PROTOCOLS } from './flow-state.ts';
import { ICMP_ECHO_REPLY, ICMP_ERRORS, ICMP_OF, NODE_PROTO } from './packet.ts';

/** Packets of one kind that pass a node's filter although no rule admits them. */
export interface Residue {
  readonly kind: ResidueKind;
  /** For each of these headers there are packets that pass. */
  readonly packets: PacketSet;
  /** What else such a packet must be, where a packet set cannot say it; undefined when all of them pass. */
  readonly when: string | undefined;
}

/** What a node's residue depends on. */
export interface ResidueNode extends Pick<NodeFilter, 'local'> {
  /** The node's own tailnet addresses. */
  readonly own: AddressSet;
  /** As in a filter; undefined where the port is not known, so that it may be any. */
  readonly peerApi?: NodeFilter['peerApi'];
}

/**
 * IPv4's "parameter problem" as IANA numbers it. The filter means it and tests for 18, so 12 is dropped today; a proof
 * should not rest on that.
 */
const PARAMETER_PROBLEM = 12;

/**
 * Everything that a node's filter lets in with no rule, also with shields up: what a peer can deliver under a policy that
 * allows nothing (wgengine/filter/filter.go: pre, runIn4, runIn6; net/tstun/wrap.go for the PeerAPI). Bounded from
 * above: a packet set knows neither TCP flags nor fragments nor what was sent before. Keepalives, which carry nothing,
 * are left out. Which sources can arrive is decided by WireGuard, so sources are left open, and so is all that belongs
 * to the receiving host.
 */
export function residueOf(node: ResidueNode): readonly Residue[] {
  const to = (addresses: AddressSet) => PacketSet.ofAddresses('dst', addresses.subtract(NEVER_DELIVERED));
  const local = to(node.local);
  const protocols = (...numbers: readonly number[]) =>
    local.restrict('proto', IntervalSet.points(...numbers.map(BigInt)));
  return [
    { kind: 'tcp', packets: protocols(NODE_PROTO.tcp), when: 'SYN is not set, or ACK is' },
    { kind: 'icmp', packets: PacketSet.unionAll([icmpAnswers(4), icmpAnswers(6)]).intersect(local), when: undefined },
    { kind: 'tsmp', packets: protocols(NODE_PROTO.tsmp), when: undefined },
    { kind: 'reply', packets: protocols(...TRACKED_PROTOCOLS), when: 'it answers a packet that the node once sent' },
    { kind: 'fragment', packets: to(AddressSet.all), when: 'it is a fragment other than the first' },
    {
      kind: 'peer-api',
      packets: peerApiPackets(node),
      when: node.peerApi === undefined ? 'the PeerAPI listens on the port' : undefined,
    },
  ];
}

/** The packets of all kinds of residue, or of some. */
export function residuePackets(node: ResidueNode, kinds?: readonly ResidueKind[]): PacketSet {
  const parts = residueOf(node).filter(({ kind }) => kinds === undefined || kinds.includes(kind));
  return PacketSet.unionAll(parts.map(({ packets }) => packets));
}

/** Echo replies and errors. */
function icmpAnswers(family: Family): PacketSet {
  const icmp = { family: IntervalSet.point(BigInt(family)), proto: IntervalSet.point(BigInt(ICMP_OF[family])) };
  const errors = [...ICMP_ERRORS[family], ...(family === 4 ? [PARAMETER_PROBLEM] : [])];
  const reply = { icmpType: IntervalSet.point(BigInt(ICMP_ECHO_REPLY[family])), icmpCode: IntervalSet.point(0n) };
  return PacketSet.unionAll([
    PacketSet.box({ ...icmp, icmpType: IntervalSet.points(...errors.map(BigInt)) }),
    PacketSet.box({ ...icmp, ...reply }),
  ]);
}

/** New connections to the PeerAPI, at whatever port of its own addresses it may listen. */
function peerApiPackets({ own, peerApi }: ResidueNode): PacketSet {
  const tcp = IntervalSet.point(BigInt(NODE_PROTO.tcp));
  if (peerApi === undefined) return PacketSet.ofAddresses('dst', own.subtract(NEVER_DELIVERED)).restrict('proto', tcp);
  return PacketSet.unionAll(
    peerApi.map(({ address, port }) =>
      PacketSet.ofAddresses('dst', AddressSet.ofAddresses(address).subtract(NEVER_DELIVERED)).intersect(
        PacketSet.box({ proto: tcp, dport: IntervalSet.point(BigInt(port)) }),
      ),
    ),
  );
}
