import { z } from 'zod';
import { parseAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { parsePrefix } from '../../net/prefix.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS } from '../policy/ports.ts';
import type { NodeRule } from './match.ts';

const port = z.number().int().min(0).max(65535);

/** A rule as the control plane sends it to a node (tailscale/tailscale tailcfg/tailcfg.go: FilterRule). */
const wireRule = z.strictObject({
  SrcIPs: z.array(z.string()).nullish(),
  DstPorts: z.array(z.strictObject({ IP: z.string(), Ports: z.strictObject({ First: port, Last: port }) })).nullish(),
  IPProto: z.array(z.number().int()).nullish(),
  CapGrant: z.array(z.unknown()).nullish(),
});

const ANY_PROTOCOL: readonly number[] = Array.from({ length: 256 }, (_, i) => i);

/** Stands for a rule of which nothing is known. */
const ANYTHING: NodeRule = {
  src: AddressSet.all,
  dst: [{ addresses: AddressSet.all, ports: ALL_PORTS }],
  protocols: ANY_PROTOCOL,
  exact: false,
};

/**
 * Reads packet rules as a node does (wgengine/filter/tailcfg.go: MatchesFromFilterRules): without a protocol list the
 * default set counts, numbers beyond a byte do not, and capability grants admit no packet. An entry that does not parse
 * is a rule of its own that may admit anything there.
 * @param rule where each of the rules stood in `rules`
 */
export function readWireRules(rules: readonly unknown[]): { readonly rules: NodeRule[]; readonly origin: number[] } {
  const read = rules.map(readWireRule);
  return { rules: read.flat(), origin: read.flatMap((list, i) => list.map(() => i)) };
}

function readWireRule(raw: unknown): NodeRule[] {
  const parsed = wireRule.safeParse(raw);
  if (!parsed.success) return [ANYTHING];
  const { SrcIPs, DstPorts, IPProto } = parsed.data;
  const listed = (IPProto ?? []).filter((p) => p >= 0 && p <= 255);
  const protocols = (IPProto ?? []).length === 0 ? DEFAULT_PROTOCOLS : listed;
  const sources = (SrcIPs ?? []).map(readAddresses);
  const targets = (DstPorts ?? []).map(({ IP, Ports }) => {
    const addresses = readAddresses(IP);
    const ports = Ports.First <= Ports.Last ? span(Ports.First, Ports.Last) : IntervalSet.empty;
    return addresses instanceof AddressSet ? { addresses, ports } : undefined;
  });
  const src = sources.reduce<AddressSet>((all, s) => (s instanceof AddressSet ? all.union(s) : all), AddressSet.empty);
  const srcCaps = sources.flatMap((s) => (s instanceof AddressSet || s === undefined ? [] : [s.capability]));
  const dst = targets.filter((t) => t !== undefined);
  const rule: NodeRule = { src, srcCaps, dst, protocols, exact: true };
  return [
    ...(dst.length > 0 ? [rule] : []),
    ...(sources.includes(undefined) ? [{ ...rule, src: AddressSet.all, exact: false }] : []),
    ...(targets.includes(undefined) ? [{ ...rule, dst: ANYTHING.dst, exact: false }] : []),
  ];
}

/** @returns undefined for what a node could not read (wgengine/filter/tailcfg.go: parseIPSet) */
function readAddresses(text: string): AddressSet | { readonly capability: string } | undefined {
  if (text === '*') return AddressSet.all;
  if (text.startsWith('cap:')) return { capability: text.slice('cap:'.length) };
  const [from = '', to, ...more] = text.split('-');
  if (to === undefined) {
    const block = parsePrefix(text);
    return block === undefined || block.hostBits ? undefined : AddressSet.ofPrefixes(block.prefix);
  }
  const [first, last] = [parseAddress(from), parseAddress(to)];
  if (more.length > 0 || first === undefined || last === undefined) return undefined;
  return first.family === last.family && first.value <= last.value ? AddressSet.ofRange(first, last) : undefined;
}

function span(first: number, last: number): IntervalSet {
  return IntervalSet.of([BigInt(first), BigInt(last)]);
}
