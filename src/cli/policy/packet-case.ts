import { z } from 'zod';
import { parseAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { parsePrefix } from '../../net/prefix.ts';
import { type Decision, decideInbound, decideOutbound, type NodeFilter } from '../../tailnet/packet/decide.ts';
import { decodePacket } from '../../tailnet/packet/decode.ts';
import { FlowState } from '../../tailnet/packet/flow-state.ts';
import { readWireRules } from '../../tailnet/packet/wire-rules.ts';

const prefix = z.string().refine((text) => parsePrefix(text) !== undefined, 'not an address or prefix');
const address = z.string().refine((text) => parseAddress(text) !== undefined, 'not an address');

/**
 * One node and the packets that pass it, in order. What else a case says (what a packet is meant to be, how it decodes)
 * is not read.
 */
const caseSchema = z.object({
  id: z.string(),
  shieldsUp: z.boolean().default(false),
  localNets: z.array(prefix),
  peerCaps: z.record(address, z.array(z.string())).default({}),
  rules: z.array(z.unknown()),
  packets: z.array(
    z.object({ dir: z.enum(['in', 'out']), hex: z.string().regex(/^([0-9a-f]{2})*$/i, 'not hexadecimal') }),
  ),
});

export type PacketCase = z.infer<typeof caseSchema>;

/** @returns the case, or what is wrong with it, each with the path to the value */
export function parsePacketCase(value: unknown): PacketCase | readonly string[] {
  const parsed = caseSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`);
}

/** One answer, as it is printed. */
export interface PacketVerdict {
  readonly case: string;
  /** Position in the case, from 0. */
  readonly index: number;
  readonly verdict: Decision['verdict'];
  readonly reason: string;
}

/** Decides on the packets of a case one after the other. They share the node's flow state, which begins empty. */
export function decideCase(c: PacketCase): PacketVerdict[] {
  const { rules, origin } = readWireRules(c.rules);
  const capabilities = new Map(Object.entries(c.peerCaps).map(([text, names]) => [keyOf(text), new Set(names)]));
  const filter: NodeFilter = {
    shieldsUp: c.shieldsUp,
    local: AddressSet.ofPrefixes(...c.localNets.flatMap((text) => parsePrefix(text)?.prefix ?? [])),
    rules,
    hasCapability: (source, name) => capabilities.get(`${source.family} ${source.value}`)?.has(name) ?? false,
    peerApi: [],
  };
  const flows = new FlowState();
  return c.packets.map(({ dir, hex }, index) => {
    const packet = decodePacket(Buffer.from(hex, 'hex'));
    const decision = dir === 'in' ? decideInbound(filter, flows, packet) : decideOutbound(flows, packet);
    return { case: c.id, index, verdict: decision.verdict, reason: reasonOf(decision, origin) };
  });
}

/** Upstream's word, and on whose account: `rules[2]: tcp ok`, `no rule needed: tcp non-syn`, `no rules matched`. */
function reasonOf(decision: Decision, origin: readonly number[]): string {
  if (decision.verdict === 'drop') return decision.reason;
  if (decision.verdict === 'unknown') return `rules[${origin[decision.rule]}]: ${decision.reason}`;
  switch (decision.by) {
    case 'rule':
      return `rules[${origin[decision.rule]}]: ${decision.reason}`;
    case 'residue':
      return `no rule needed: ${decision.reason}`;
    case 'sender':
      return decision.reason;
  }
}

function keyOf(text: string): string {
  const a = parseAddress(text);
  return `${a?.family} ${a?.value}`;
}
