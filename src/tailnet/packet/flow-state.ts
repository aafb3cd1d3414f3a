import type { Address } from '../../net/address.ts';
import { NODE_PROTO, type NodePacket } from './packet.ts';

/** How many flows a node remembers, both protocols together (wgengine/filter/filter.go: lruMax). */
export const FLOW_LIMIT = 512;

/** What IPv4 looks like in the flow cache, whose keys are 16 bytes (net/flowtrack: MakeTuple). */
const MAPPED = 0xffffn << 32n;

/**
 * The UDP and SCTP flows that a node began, so that it takes the replies: least recently used goes first, and nothing
 * goes for its age. It outlives a change of rules (wgengine/filter/filter.go: New with shareStateWith), so a revoked
 * rule does not end a flow; a filter with shields up begins with an empty one.
 */
export class FlowState {
  /** In order of use, oldest first. */
  readonly #flows = new Set<string>();

  /** Notes a packet that the node sent; protocols other than UDP and SCTP leave nothing. */
  sent(packet: NodePacket): void {
    if (!isTracked(packet)) return;
    this.#use(flowKey(packet.proto, packet.dst, packet.dport, packet.src, packet.sport));
    if (this.#flows.size <= FLOW_LIMIT) return;
    const [oldest] = this.#flows;
    if (oldest !== undefined) this.#flows.delete(oldest);
  }

  /** Whether a packet that arrives belongs to a flow; it keeps the flow in use. */
  isReply(packet: NodePacket): boolean {
    if (!isTracked(packet)) return false;
    const key = flowKey(packet.proto, packet.src, packet.sport, packet.dst, packet.dport);
    if (!this.#flows.has(key)) return false;
    this.#use(key);
    return true;
  }

  #use(key: string): void {
    this.#flows.delete(key);
    this.#flows.add(key);
  }
}

/** Protocols of which the node remembers flows (wgengine/filter/filter.go: UpdateOutboundFlowState). */
export const TRACKED_PROTOCOLS: readonly number[] = [NODE_PROTO.udp, NODE_PROTO.sctp];

function isTracked(packet: NodePacket): packet is Extract<NodePacket, { kind: 'whole' }> {
  return packet.kind === 'whole' && TRACKED_PROTOCOLS.includes(packet.proto);
}

function flowKey(proto: number, src: Address, sport: number, dst: Address, dport: number): string {
  return `${proto} ${side(src)} ${sport} ${side(dst)} ${dport}`;
}

/** An IPv4 address and its IPv4-mapped IPv6 form are one side. */
function side({ family, value }: Address): string {
  return (family === 4 ? MAPPED + value : value).toString(36);
}
