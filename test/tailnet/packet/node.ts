import { parseAddress } from '../../../src/net/address.ts';
import { AddressSet } from '../../../src/net/address-set.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { type Decision, decideInbound, decideOutbound, type NodeFilter } from '../../../src/tailnet/packet/decide.ts';
import { decodePacket } from '../../../src/tailnet/packet/decode.ts';
import { FlowState } from '../../../src/tailnet/packet/flow-state.ts';
import { readWireRules } from '../../../src/tailnet/packet/wire-rules.ts';

/** Addresses of the node under test, of a peer, and of one more. */
export const SELF4 = '100.64.0.1';
export const SELF6 = 'fd7a:115c:a1e0::1';
export const PEER4 = '100.64.0.2';
export const PEER6 = 'fd7a:115c:a1e0::2';
export const OTHER4 = '100.64.0.3';

/** From the peer to the node, and back. */
export const IN4 = [PEER4, SELF4] as const;
export const IN6 = [PEER6, SELF6] as const;
export const OUT4 = [SELF4, PEER4] as const;
export const OUT6 = [SELF6, PEER6] as const;

export function addresses(...texts: readonly string[]): AddressSet {
  return AddressSet.ofPrefixes(...texts.flatMap((t) => parsePrefix(t)?.prefix ?? []));
}

/** A rule as the control plane sends it, from the peer to the node. */
export function wire(more: object = {}, ports = [80, 90], src = [PEER4, PEER6], dst = [SELF4, SELF6]): object {
  const [First, Last] = ports;
  return { SrcIPs: src, DstPorts: dst.map((IP) => ({ IP, Ports: { First, Last } })), ...more };
}

interface NodeParts {
  readonly local?: readonly string[];
  readonly shieldsUp?: boolean;
  /** `address capability`. */
  readonly capabilities?: readonly string[];
  readonly peerApi?: { readonly address: string; readonly port: number };
}

/** A node with its flow state, asked packet by packet. */
export function node(rules: readonly unknown[], parts: NodeParts = {}) {
  const { local = [SELF4, SELF6], shieldsUp = false, capabilities = [], peerApi } = parts;
  const capable = new Set(
    capabilities.map((text) => {
      const [address = '', name = ''] = text.split(' ');
      return `${parseAddress(address)?.value} ${name}`;
    }),
  );
  const address = parseAddress(peerApi?.address ?? '');
  const filter: NodeFilter = {
    shieldsUp,
    local: addresses(...local),
    rules: readWireRules(rules).rules,
    hasCapability: (source, name) => capable.has(`${source.value} ${name}`),
    peerApi: address === undefined || peerApi === undefined ? [] : [{ address, port: peerApi.port }],
  };
  const flows = new FlowState();
  return {
    receive: (bytes: Uint8Array) => inWords(decideInbound(filter, flows, decodePacket(bytes))),
    send: (bytes: Uint8Array) => inWords(decideOutbound(flows, decodePacket(bytes))),
  };
}

/** `rule 0: tcp ok`, `residue tcp: tcp non-syn`, `drop: no rules matched`. */
function inWords(decision: Decision): string {
  const { verdict, reason } = decision;
  if (verdict === 'drop') return `drop: ${reason}`;
  if (verdict === 'unknown') return `unknown ${decision.rule}`;
  if (decision.by === 'rule') return `rule ${decision.rule}: ${reason}`;
  return decision.by === 'residue' ? `residue ${decision.kind}` : reason;
}
