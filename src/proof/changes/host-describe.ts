import { formatAddress } from '../../net/address.ts';
import { interfaceValue } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import type { Packet } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { decidingRule } from '../../nftables/decide.ts';
import type { Hook } from '../../nftables/ruleset.ts';
import type { RulesetState } from '../../state/state.ts';
import type { Host, Topology } from '../../topology/model.ts';
import { protocolName } from '../claims/packet-words.ts';
import { TAILNET_INTERFACE } from '../intent.ts';
import { NEW_FLOWS } from '../relations/allowed.ts';
import { HOOKS, hookOptions, isSent, type Passage } from '../relations/host.ts';
import { recognisablePacket } from '../sample.ts';
import type { Change, ChangeBlame } from './change.ts';
import { packetRanges } from './packet-ranges.ts';

/** One way through one host, on both sides. */
export interface Compared {
  readonly topology: Topology;
  readonly host: Host;
  readonly which: Passage;
  readonly link: string | undefined;
  readonly before: RulesetState;
  readonly after: RulesetState;
}

/** Packets that change, and the interfaces on which they do. */
interface Part {
  /** Interfaces through which the packets come or go, in the operator's words. */
  readonly through: string;
  readonly packets: PacketSet;
}

/** Interfaces on which the same packets change are told together. */
export function byInterface(host: Host, which: Passage, packets: PacketSet): Part[] {
  // New flows tell the story; what only lives on or answers is told where there is nothing else.
  const opening = packets.intersect(NEW_FLOWS);
  const told = opening.isEmpty() ? packets : opening;
  if (told.isEmpty()) return [];
  const field = isSent(which) ? 'oif' : 'iif';
  const names = [...new Set([host.segmentInterface, ...host.underlayInterfaces, TAILNET_INTERFACE])].filter(
    (n) => n !== undefined,
  );
  const groups = new Map<PacketSet, { names: string[]; packets: PacketSet[] }>();
  const add = (name: string, part: PacketSet) => {
    if (part.isEmpty()) return;
    const key = part.forget(field);
    const group = groups.get(key) ?? { names: [], packets: [] };
    group.names.push(name);
    group.packets.push(part);
    groups.set(key, group);
  };
  const known = IntervalSet.points(...names.map(interfaceValue));
  for (const name of names) add(name, told.restrict(field, IntervalSet.point(interfaceValue(name))));
  add('any other interface', told.subtract(PacketSet.box({ [field]: known })));
  return [...groups.values()].map((g) => ({ through: g.names.join(', '), packets: PacketSet.unionAll(g.packets) }));
}

/**
 * One part as a change.
 * @param hook the one gate that changed, where the others still decide; undefined for what passes the whole way
 */
export function toChange(compared: Compared, kind: 'gain' | 'lose', part: Part, hook: Hook | undefined): Change {
  const { topology, host, which } = compared;
  const here = { selector: host.name, members: [host.name] };
  const inside = { selector: `services of ${host.name} itself`, members: [host.name] };
  const there = which === 'local' ? inside : { selector: `anybody on ${part.through}`, members: [] };
  const behind = { selector: `whoever is behind ${host.name}`, members: [] };
  const sends = isSent(which);
  const packet = recognisablePacket(topology, host, which, part.packets);
  const opening = part.packets.overlaps(NEW_FLOWS);
  return {
    kind,
    relation: opening && which !== 'raw' && hook === undefined ? 'reach' : 'residue',
    layer: `host/${host.name}`,
    src: sends ? here : there,
    dst: which === 'in' ? here : sends ? there : behind,
    packets: packetRanges(part.packets),
    count: 1,
    witness: {
      src: packet === undefined ? '' : formatAddress(packet.src),
      dst: packet === undefined ? '' : formatAddress(packet.dst),
      proto: packet === undefined ? '' : protocolName(packet.proto),
      ...(packet?.sport === undefined ? {} : { sport: packet.sport }),
      ...(packet?.dport === undefined ? {} : { dport: packet.dport }),
    },
    ...(hook === undefined ? {} : { gate: hook }),
    blame: packet === undefined ? [] : blameOf(compared, packet, hook === undefined ? HOOKS[which] : [hook]),
  };
}

/** Per side the rule or policy that decides the witness; a side without any such rule has nothing to point at. */
function blameOf(
  { host, which, link, before, after }: Compared,
  packet: Packet,
  hooks: readonly Hook[],
): ChangeBlame[] {
  const file = `host/${host.name}/nft.txt`;
  return (
    [
      ['a', before],
      ['b', after],
    ] as const
  ).flatMap(([side, state]) => {
    const decisions = hooks.map((hook) => decidingRule(state.ruleset, hook, packet, hookOptions(which, link)));
    const { by } = decisions.find((d) => d.verdict === 'drop') ?? decisions[0] ?? { by: undefined };
    if (by === undefined) return [];
    if (by.kind === 'no-chain') return [{ side, file, line: 1, column: 1, text: `nothing of ours filters ${by.hook}` }];
    const text = by.kind === 'rule' ? by.text : `policy ${by.policy}`;
    return [{ side, file, line: by.span?.line ?? 1, column: by.span?.column ?? 1, text: `${by.chain}: ${text}` }];
  });
}
