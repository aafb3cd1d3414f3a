import type { Address, Family } from '../../net/address.ts';
import type { AddressSet } from '../../net/address-set.ts';
import type { IntervalSet } from '../../net/interval-set.ts';
import { ALL_PORTS } from '../policy/ports.ts';
import type { WholePacket } from './packet.ts';

/** One accepting rule of a node's filter. The rules that a policy compiles to are of this shape. */
export interface NodeRule {
  readonly src: AddressSet;
  /** Node capabilities: a peer that has one of them is a source too. */
  readonly srcCaps?: readonly string[];
  readonly dst: readonly { readonly addresses: AddressSet; readonly ports: IntervalSet }[];
  /** IP protocol numbers. */
  readonly protocols: readonly number[];
  /** False: an upper bound of what the rule admits. */
  readonly exact: boolean;
}

type CapabilityTest = (source: Address, name: string) => boolean;
type Match = (rule: NodeRule, packet: WholePacket, hasCapability: CapabilityTest) => boolean;

/** How much of a rule counts for a packet; it depends on the packet's protocol. */
export type Matching = 'ports' | 'addresses' | 'all-ports';

/**
 * Whether a rule admits a packet (tailscale/tailscale wgengine/filter/match.go). Both ends must be of the packet's
 * family: the address sets see to that.
 */
export const matching: Readonly<Record<Matching, Match>> = {
  /** TCP, UDP, SCTP: everything counts (match). */
  ports(rule, packet, hasCapability) {
    if (!rule.protocols.includes(packet.proto)) return false;
    if (!rule.src.contains(packet.src) && !isCapable(rule, packet.src, hasCapability)) return false;
    const port = BigInt(packet.dport);
    return rule.dst.some((d) => d.addresses.contains(packet.dst) && d.ports.contains(port));
  },
  /**
   * ICMP: addresses alone, whatever the protocols and ports; with a capable source not even the destination, so long as
   * the rule has one of the family at all (matchIPsOnly, matchesFamily).
   */
  addresses(rule, packet, hasCapability) {
    if (rule.src.contains(packet.src) && rule.dst.some((d) => d.addresses.contains(packet.dst))) return true;
    return isCapable(rule, packet.src, hasCapability) && hasDestination(rule, packet.family);
  },
  /** Other protocols: listed, and with every port; capabilities do not count (matchProtoAndIPsOnlyIfAllPorts). */
  'all-ports'(rule, packet) {
    if (!rule.protocols.includes(packet.proto) || !rule.src.contains(packet.src)) return false;
    return rule.dst.some((d) => d.ports.equals(ALL_PORTS) && d.addresses.contains(packet.dst));
  },
};

function isCapable(rule: NodeRule, source: Address, hasCapability: CapabilityTest): boolean {
  return rule.srcCaps?.some((name) => hasCapability(source, name)) ?? false;
}

function hasDestination(rule: NodeRule, family: Family): boolean {
  return rule.dst.some(({ addresses }) => !(family === 4 ? addresses.v4 : addresses.v6).isEmpty());
}
