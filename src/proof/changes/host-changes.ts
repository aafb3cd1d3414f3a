import { formatAddress } from '../../net/address.ts';
import { interfaceValue } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { decidingRule } from '../../nftables/decide.ts';
import { compareListings } from '../../nftables/equal.ts';
import { foreignFindings } from '../../nftables/foreign.ts';
import { type Missing, missingOf } from '../../state/known.ts';
import type { HostState, RulesetState } from '../../state/state.ts';
import type { Host, Topology } from '../../topology/model.ts';
import { protocolName } from '../claims/packet-words.ts';
import { TAILNET_INTERFACE } from '../intent.ts';
import { LINK_MAINTENANCE, NEW_FLOWS } from '../relations/allowed.ts';
import { HOOKS, type Passage, passage } from '../relations/host.ts';
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

/** What passes a host on side `b` and not on side `a`, and the other way round. */
export function hostChanges(topology: Topology, host: Host, a: HostState, b: HostState): HostComparison {
  if (!a.ruleset.known || !b.ruleset.known) {
    return { changes: [], missing: missingOf(a.ruleset, b.ruleset), differs: true };
  }
  const before = a.ruleset.value;
  const after = b.ruleset.value;
  // The same rules do the same, also where a rule alone could not be decided.
  const differs = !sameOwnTables(host, before, after) || bypassTexts(before) !== bypassTexts(after);
  const parts = (['in', 'out', 'forward'] as const).map((which) =>
    passageChanges(topology, host, which, before, after, differs),
  );
  return {
    changes: parts.flatMap((p) => p.changes),
    missing: parts.flatMap((p) => p.missing),
    differs,
  };
}

function sameOwnTables(host: Host, before: RulesetState, after: RulesetState): boolean {
  const file = `host/${host.name}/nft.txt`;
  const compared = compareListings({ file, text: before.text }, { file, text: after.text });
  return compared.ok && compared.value.length === 0;
}

/** What in foreign tables could lead packets past ours. */
function bypassTexts(state: RulesetState): string {
  return foreignFindings(state.ruleset)
    .map((f) => `${f.table} ${f.chain} ${f.text}`)
    .join('\n');
}

function passageChanges(
  topology: Topology,
  host: Host,
  which: Passage,
  before: RulesetState,
  after: RulesetState,
  differs: boolean,
): { changes: Change[]; missing: readonly Missing[] } {
  if (!differs) return { changes: [], missing: [] };
  const a = passage(before, which);
  const b = passage(after, which);
  const gains = b.must.subtract(a.may);
  const losses = a.must.subtract(b.may);
  const unsure = b.may.subtract(a.must).subtract(gains).union(a.may.subtract(b.must).subtract(losses));
  const missing = unsure.subtract(LINK_MAINTENANCE).isEmpty() ? [] : [...a.missing, ...b.missing];
  const changes = (
    [
      ['gain', gains],
      ['lose', losses],
    ] as const
  ).flatMap(([kind, packets]) =>
    byInterface(host, which, packets).map((part) => toChange(topology, host, which, kind, part, before, after)),
  );
  return { changes, missing };
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
  const field = which === 'out' ? 'oif' : 'iif';
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

function toChange(
  topology: Topology,
  host: Host,
  which: Passage,
  kind: 'gain' | 'lose',
  part: Part,
  before: RulesetState,
  after: RulesetState,
): Change {
  const here = { selector: host.name, members: [host.name] };
  const there = { selector: `anybody on ${part.through}`, members: [] };
  const behind = { selector: `whoever is behind ${host.name}`, members: [] };
  const packet = recognisablePacket(topology, host, which, part.packets);
  const opening = part.packets.overlaps(NEW_FLOWS);
  return {
    kind,
    relation: opening ? 'reach' : 'residue',
    layer: `host/${host.name}`,
    src: which === 'out' ? here : there,
    dst: which === 'in' ? here : which === 'out' ? there : behind,
    packets: packetRanges(part.packets),
    count: 1,
    witness: {
      src: packet === undefined ? '' : formatAddress(packet.src),
      dst: packet === undefined ? '' : formatAddress(packet.dst),
      proto: packet === undefined ? '' : protocolName(packet.proto),
      ...(packet?.sport === undefined ? {} : { sport: packet.sport }),
      ...(packet?.dport === undefined ? {} : { dport: packet.dport }),
    },
    blame: packet === undefined ? [] : blameOf(host, which, packet, before, after),
  };
}

/** Per side the rule or policy that decides the witness; a side without any such rule has nothing to point at. */
function blameOf(
  host: Host,
  which: Passage,
  packet: Parameters<typeof decidingRule>[2],
  before: RulesetState,
  after: RulesetState,
): ChangeBlame[] {
  const file = `host/${host.name}/nft.txt`;
  return (
    [
      ['a', before],
      ['b', after],
    ] as const
  ).flatMap(([side, state]) => {
    const decisions = HOOKS[which].map((hook) => decidingRule(state.ruleset, hook, packet));
    const { by } = decisions.find((d) => d.verdict === 'drop') ?? decisions[0] ?? { by: undefined };
    if (by === undefined) return [];
    if (by.kind === 'no-chain') return [{ side, file, line: 1, column: 1, text: `nothing of ours filters ${by.hook}` }];
    const text = by.kind === 'rule' ? by.text : `policy ${by.policy}`;
    return [{ side, file, line: by.span?.line ?? 1, column: by.span?.column ?? 1, text: `${by.chain}: ${text}` }];
  });
}
