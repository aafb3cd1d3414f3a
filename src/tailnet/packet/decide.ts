import type { Address } from '../../net/address.ts';
import type { AddressSet } from '../../net/address-set.ts';
import { LINK_LOCAL, MULTICAST } from '../ranges.ts';
import type { FlowState } from './flow-state.ts';
import { type Matching, matching, type NodeRule } from './match.ts';
import { ICMP_OF, NODE_PROTO, type NodePacket, type WholePacket } from './packet.ts';

/** What a node decides by, besides the flows it began. */
export interface NodeFilter {
  /** Refuses new connections: rules do not count. (Its flow state must be one of its own.) */
  readonly shieldsUp: boolean;
  /**
   * Destinations that the node takes packets for: its own addresses, services it hosts, every network that it
   * advertises, approved or not (ipn/ipnlocal/local.go: updateFilterLocked).
   */
  readonly local: AddressSet;
  readonly rules: readonly NodeRule[];
  /** Whether the peer with this address of its own has a node capability, for sources `cap:…`. */
  hasCapability(source: Address, name: string): boolean;
  /**
   * Where the node's PeerAPI listens: new connections to it pass after the filter has dropped them
   * (net/tstun/wrap.go: filterPacketInboundFromWireGuard). Left empty, the question is about the filter alone.
   */
  readonly peerApi: readonly { readonly address: Address; readonly port: number }[];
}

/** Why a packet passes that no rule lets in. */
export type ResidueKind = 'keepalive' | 'fragment' | 'tcp' | 'icmp' | 'tsmp' | 'reply' | 'peer-api';

/** The fate of one packet. `reason` is upstream's own word where it has one. */
export type Decision =
  /** By a rule: `rule` is its position in the filter's list. */
  | { readonly verdict: 'accept'; readonly by: 'rule'; readonly rule: number; readonly reason: string }
  /** Without any rule, so also where the policy allows nothing. */
  | { readonly verdict: 'accept'; readonly by: 'residue'; readonly kind: ResidueKind; readonly reason: string }
  /** The node's own, on the way to a peer. */
  | { readonly verdict: 'accept'; readonly by: 'sender'; readonly reason: string }
  | { readonly verdict: 'drop'; readonly reason: string }
  /** No rule is known to admit it, and one that is only bounded from above may. */
  | { readonly verdict: 'unknown'; readonly rule: number; readonly reason: string };

/**
 * What a node does with a packet that arrives from a peer, after WireGuard has checked its source
 * (tailscale/tailscale wgengine/filter/filter.go: RunIn, and the exception for the PeerAPI around it). Hooks of the app
 * connector feature, jailed peers and tailnet lock are not looked at.
 */
export function decideInbound(filter: NodeFilter, flows: FlowState, packet: NodePacket): Decision {
  const decision = pre(packet) ?? (packet.kind === 'whole' ? runIn(filter, flows, packet) : drop('unknown proto'));
  if (decision.verdict !== 'drop' || packet.kind !== 'whole' || !packet.isTcpSyn) return decision;
  const { dst, dport } = packet;
  const isPeerApi = filter.peerApi.some(
    ({ address, port }) => port === dport && address.family === dst.family && address.value === dst.value,
  );
  return isPeerApi ? residue('peer-api', 'peerapi') : decision;
}

/**
 * What a node does with a packet to a peer: no rule is asked, and UDP and SCTP open the way back (RunOut). Whether some
 * peer has a route for it is decided elsewhere.
 */
export function decideOutbound(flows: FlowState, packet: NodePacket): Decision {
  const decided = pre(packet);
  if (decided !== undefined) return decided;
  flows.sent(packet);
  return { verdict: 'accept', by: 'sender', reason: 'ok out' };
}

/** The same in both directions, before rules and before the destination is compared with the local ones. */
function pre(packet: NodePacket): Decision | undefined {
  if (packet.kind === 'keepalive') return residue('keepalive', 'keepalive');
  if (packet.kind === 'unreadable') return drop(packet.isShort ? 'too short' : 'unknown proto');
  if (MULTICAST.contains(packet.dst)) return drop('multicast');
  if (LINK_LOCAL.contains(packet.dst)) return drop('link-local-unicast');
  return packet.kind === 'fragment' ? residue('fragment', 'fragment') : undefined;
}

/** runIn4 and runIn6, which are the same but for the number of ICMP. */
function runIn(filter: NodeFilter, flows: FlowState, packet: WholePacket): Decision {
  if (!filter.local.contains(packet.dst)) return drop('destination not allowed');
  const { proto } = packet;
  if (proto === ICMP_OF[packet.family]) {
    if (packet.isIcmpAnswer) return residue('icmp', 'icmp response ok');
    return byRules(filter, packet, 'addresses', 'icmp ok', 'no rules matched');
  }
  switch (proto) {
    case NODE_PROTO.tcp:
      if (!packet.isTcpSyn) return residue('tcp', 'tcp non-syn');
      return byRules(filter, packet, 'ports', 'tcp ok', 'no rules matched');
    case NODE_PROTO.udp:
    case NODE_PROTO.sctp:
      if (flows.isReply(packet)) return residue('reply', 'cached');
      return byRules(filter, packet, 'ports', 'ok', 'no rules matched');
    case NODE_PROTO.tsmp:
      return residue('tsmp', 'tsmp ok');
    default:
      return byRules(filter, packet, 'all-ports', 'other-portless ok', `unknown-protocol-${proto}`);
  }
}

function byRules(filter: NodeFilter, packet: WholePacket, how: Matching, ok: string, none: string): Decision {
  if (filter.shieldsUp) return drop(none);
  let guess: number | undefined;
  for (const [i, rule] of filter.rules.entries()) {
    if (!matching[how](rule, packet, filter.hasCapability)) continue;
    if (rule.exact) return { verdict: 'accept', by: 'rule', rule: i, reason: ok };
    guess ??= i;
  }
  if (guess === undefined) return drop(none);
  return { verdict: 'unknown', rule: guess, reason: 'only an upper bound of the rule is known' };
}

function drop(reason: string): Decision {
  return { verdict: 'drop', reason };
}

function residue(kind: ResidueKind, reason: string): Decision {
  return { verdict: 'accept', by: 'residue', kind, reason };
}
