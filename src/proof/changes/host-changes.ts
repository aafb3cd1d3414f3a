import { formatAddress } from '../../net/address.ts';
import { interfaceValue } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import type { Packet } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { decidingRule } from '../../nftables/decide.ts';
import { compareListings } from '../../nftables/equal.ts';
import type { ForeignFinding } from '../../nftables/foreign.ts';
import { withoutKnownForeign } from '../../nftables/foreign-known.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import { type Missing, missingOf } from '../../state/known.ts';
import type { HostState, RulesetState } from '../../state/state.ts';
import type { Host, Topology } from '../../topology/model.ts';
import { uniqueMissing } from '../claims/missing.ts';
import { protocolName } from '../claims/packet-words.ts';
import { rawLink, TAILNET_INTERFACE } from '../intent.ts';
import { NEW_FLOWS } from '../relations/allowed.ts';
import { bypasses } from '../relations/bypasses.ts';
import { HOOKS, type HostPassage, hookOptions, ownPassage, type Passage } from '../relations/host.ts';
import { decidedCases } from '../relations/host-cases.ts';
import { recognisablePacket } from '../sample.ts';
import type { Change, ChangeBlame } from './change.ts';
import { packetRanges } from './packet-ranges.ts';

/** What came of comparing the rulesets of one host. */
export interface HostComparison {
  readonly changes: readonly Change[];
  readonly missing: readonly Missing[];
  /** The text of our tables differs; with no change and nothing missing, the difference means nothing. */
  readonly differs: boolean;
}

/**
 * What passes our tables of a host on side `b` and not on side `a`, and the other way round. Other tables can only take
 * away from that; where something in them can lead packets past ours, and it is not the same on both sides, the rest is
 * not known.
 */
export function hostChanges(topology: Topology, host: Host, a: HostState, b: HostState): HostComparison {
  if (!a.ruleset.known || !b.ruleset.known) {
    return { changes: [], missing: missingOf(a.ruleset, b.ruleset), differs: true };
  }
  const before = a.ruleset.value;
  const after = b.ruleset.value;
  // The same rules do the same, also where a rule alone could not be decided.
  const isSame = sameOwnTables(host, before, after);
  const around = changedBypasses(before, after);
  const link = rawLink(topology, host);
  const passages: readonly Passage[] = ['in', 'out', 'forward', ...(link === undefined ? [] : (['raw'] as const))];
  const parts = isSame ? [] : passages.map((which) => passageChanges({ topology, host, which, link, before, after }));
  return {
    changes: parts.flatMap((p) => p.changes),
    missing: uniqueMissing([...parts.flatMap((p) => p.missing), ...around]),
    differs: !isSame || around.length > 0,
  };
}

function sameOwnTables(host: Host, before: RulesetState, after: RulesetState): boolean {
  const file = `host/${host.name}/nft.txt`;
  const compared = compareListings({ file, text: before.text }, { file, text: after.text });
  return compared.ok && compared.value.length === 0;
}

/** What could lead packets past our tables on one side and not on the other. */
function changedBypasses(before: RulesetState, after: RulesetState): Missing[] {
  const [x, y] = [before, after].map((state) => bypasses(withoutKnownForeign(state.ruleset).ruleset));
  const key = (f: ForeignFinding) => `${f.table} ${f.chain} ${f.text}`;
  const fresh = (from: readonly ForeignFinding[], to: readonly ForeignFinding[]) => {
    const known = new Set(from.map(key));
    return to.filter((f) => !known.has(key(f)));
  };
  return [...fresh(x ?? [], y ?? []), ...fresh(y ?? [], x ?? [])].map((f) => ({
    source: f.span === undefined ? 'rendered ruleset' : formatSpan(f.span),
    why: `table ${f.table} can lead packets past our rules, on one side only: ${f.text || '(not shown)'}`,
  }));
}

interface Compared {
  readonly topology: Topology;
  readonly host: Host;
  readonly which: Passage;
  readonly link: string | undefined;
  readonly before: RulesetState;
  readonly after: RulesetState;
}

function passageChanges(compared: Compared): { changes: Change[]; missing: readonly Missing[] } {
  const { host, which, link, before, after } = compared;
  // A match that the packet model cannot decide splits the packets into those for which it is true and the others: what
  // changes for either of them is a change.
  const cases = decidedCases(before.ruleset, after.ruleset).map(([x, y]) => {
    const a = ownPassage({ ruleset: x }, which, link);
    const b = ownPassage({ ruleset: y }, which, link);
    const gains = b.opens.subtract(a.may);
    const losses = a.opens.subtract(b.may);
    const unsure = b.may.subtract(a.opens).subtract(gains).union(a.may.subtract(b.opens).subtract(losses));
    return { gains, losses, unsure };
  });
  const gains = PacketSet.unionAll(cases.map((c) => c.gains));
  const losses = PacketSet.unionAll(cases.map((c) => c.losses));
  const isOpen = cases.some((c) => !c.unsure.isEmpty());
  const changes = (
    [
      ['gain', gains],
      ['lose', losses],
    ] as const
  ).flatMap(([kind, packets]) => byInterface(host, which, packets).map((part) => toChange(compared, kind, part)));
  const sides = [ownPassage(before, which, link), ownPassage(after, which, link)];
  return { changes, missing: isOpen ? openPlaces(host, sides) : [] };
}

function openPlaces(host: Host, sides: readonly HostPassage[]): readonly Missing[] {
  const places = sides.flatMap((s) => s.missing);
  return places.length > 0 ? places : [{ source: `host/${host.name}/nft.txt`, why: 'cannot be decided' }];
}

interface Part {
  /** Interfaces through which the packets come or go, in the operator's words. */
  readonly through: string;
  readonly packets: PacketSet;
}

/** Interfaces on which the same packets change are told together. */
function byInterface(host: Host, which: Passage, packets: PacketSet): Part[] {
  // New flows tell the story; what only lives on or answers is told where there is nothing else.
  const opening = packets.intersect(NEW_FLOWS);
  const told = opening.isEmpty() ? packets : opening;
  if (told.isEmpty()) return [];
  const field = which === 'out' || which === 'raw' ? 'oif' : 'iif';
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

function toChange(compared: Compared, kind: 'gain' | 'lose', part: Part): Change {
  const { topology, host, which } = compared;
  const here = { selector: host.name, members: [host.name] };
  const there = { selector: `anybody on ${part.through}`, members: [] };
  const behind = { selector: `whoever is behind ${host.name}`, members: [] };
  const sends = which === 'out' || which === 'raw';
  const packet = recognisablePacket(topology, host, which, part.packets);
  const opening = part.packets.overlaps(NEW_FLOWS);
  return {
    kind,
    relation: opening && which !== 'raw' ? 'reach' : 'residue',
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
    blame: packet === undefined ? [] : blameOf(compared, packet),
  };
}

/** Per side the rule or policy that decides the witness; a side without any such rule has nothing to point at. */
function blameOf({ host, which, link, before, after }: Compared, packet: Packet): ChangeBlame[] {
  const file = `host/${host.name}/nft.txt`;
  return (
    [
      ['a', before],
      ['b', after],
    ] as const
  ).flatMap(([side, state]) => {
    const decisions = HOOKS[which].map((hook) => decidingRule(state.ruleset, hook, packet, hookOptions(which, link)));
    const { by } = decisions.find((d) => d.verdict === 'drop') ?? decisions[0] ?? { by: undefined };
    if (by === undefined) return [];
    if (by.kind === 'no-chain') return [{ side, file, line: 1, column: 1, text: `nothing of ours filters ${by.hook}` }];
    const text = by.kind === 'rule' ? by.text : `policy ${by.policy}`;
    return [{ side, file, line: by.span?.line ?? 1, column: by.span?.column ?? 1, text: `${by.chain}: ${text}` }];
  });
}
