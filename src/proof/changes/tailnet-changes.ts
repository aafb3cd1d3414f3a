import { formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { Missing } from '../../state/known.ts';
import { approvedRoutes, type Device } from '../../tailnet/device.ts';
import { protocolName } from '../claims/packet-words.ts';
import type { Admission, TailnetReach } from '../relations/tailnet.ts';
import type { Change, ChangeBlame, Party } from './change.ts';
import { packetRanges } from './packet-ranges.ts';
import { type DeviceGroup, groupDevices } from './parties.ts';

/** One side of a comparison of packet filters. */
export interface TailnetSide {
  readonly reach: TailnetReach;
  /** The policy's text, for recognising rules that both sides have word for word. */
  readonly text: string;
  /** File name for blame. */
  readonly file: string;
}

/**
 * Who gains or loses new flows to whom when the policy, tags or routes of side `a` become those of side `b`. Both sides
 * must be over the same devices (`buildUniverse` with the other side's devices).
 * @returns what surely changes, and the places that keep more from being known
 */
export function tailnetChanges(a: TailnetSide, b: TailnetSide): { changes: Change[]; missing: Missing[] } {
  const groups = groupDevices(
    a.reach.universe,
    (d) => `${a.reach.compiled.classOf(d.id)}/${b.reach.compiled.classOf(d.id)}/${d.tags.length > 0}`,
  );
  const everyAddress = AddressSet.ofAddresses(...a.reach.universe.devices.flatMap((d) => d.addresses));
  const changes: Ranked[] = [];
  const missing: Missing[] = [];
  for (const target of groups) {
    const device = target.devices[0];
    if (device === undefined) continue;
    const before = sideOf(a, device);
    const after = sideOf(b, device);
    const gains = after.sure.subtract(before.sure).subtract(before.possible);
    const losses = before.sure.subtract(after.sure).subtract(after.possible);
    const unsure = possibly(a, before, b, after)
      .subtract(gains)
      .union(possibly(b, after, a, before).subtract(losses));
    for (const g of unsure.isEmpty() ? [] : [...after.guesses, ...before.guesses]) {
      missing.push({ source: placeOf(g), why: 'how far this rule reaches is only known from above' });
    }
    for (const [kind, packets] of [
      ['gain', gains],
      ['lose', losses],
    ] as const) {
      if (!packets.isEmpty()) changes.push(...split({ kind, packets, a, b, groups, target, device, everyAddress }));
    }
  }
  return { changes: changes.sort(byWeight).map((r) => r.change), missing: unique(missing) };
}

interface Side {
  readonly sure: PacketSet;
  /** What rules that are only bounded from above may add. */
  readonly possible: PacketSet;
  readonly guesses: readonly Admission[];
}

function sideOf(side: TailnetSide, device: Device): Side {
  const admissions = side.reach.admissions(sideDevice(side, device));
  const guesses = admissions.filter((x) => !x.rule.exact);
  return {
    sure: PacketSet.unionAll(admissions.filter((x) => x.rule.exact).map((x) => x.packets)),
    possible: PacketSet.unionAll(guesses.map((x) => x.packets)),
    guesses,
  };
}

/** The device as this side knows it: its tags and routes may differ. */
function sideDevice(side: TailnetSide, device: Device): Device {
  return side.reach.universe.devices.find((d) => d.id === device.id) ?? device;
}

/**
 * What side `y` may admit and side `x` may not. A rule that is only bounded from above but stands on both sides word
 * for word adds the same on both, whatever that is.
 */
function possibly(x: TailnetSide, from: Side, y: TailnetSide, to: Side): PacketSet {
  const shared = new Set(from.guesses.map((g) => textOf(x, g)));
  const fresh = to.guesses.filter((g) => !shared.has(textOf(y, g)));
  return PacketSet.unionAll([to.sure, ...fresh.map((g) => g.packets)]).subtract(from.sure);
}

function textOf(side: TailnetSide, { rule }: Admission): string {
  return rule.span === undefined ? '' : side.text.slice(rule.span.offset, rule.span.offset + rule.span.length);
}

interface Part {
  readonly kind: 'gain' | 'lose';
  readonly packets: PacketSet;
  readonly a: TailnetSide;
  readonly b: TailnetSide;
  readonly groups: readonly DeviceGroup[];
  readonly target: DeviceGroup;
  readonly device: Device;
  readonly everyAddress: AddressSet;
}

/** A change, and how many of its two ends exist today. */
interface Ranked {
  readonly change: Change;
  readonly present: number;
}

/** One change for each group of sources, and for addresses that no device has. */
function split(part: Part): Ranked[] {
  const changes: Ranked[] = [];
  const ranked = (source: boolean, list: readonly Change[]) =>
    list.map((change) => ({ change, present: Number(source) + Number(part.target.present) }));
  for (const source of part.groups) {
    const sender = source.devices.find((d) => d !== part.device);
    if (sender === undefined) continue;
    const from = part.packets.intersect(PacketSet.ofAddresses('src', AddressSet.ofAddresses(...sender.addresses)));
    const own = source === part.target ? source.counted : 0;
    const count = source.counted * part.target.counted - own;
    changes.push(...ranked(source.present, toChanges(part, source.party, count, from)));
  }
  const rest = part.packets.subtract(PacketSet.ofAddresses('src', part.everyAddress));
  // A class that lost its devices to a wildcard is told by the devices; the addresses nobody has only matter alone.
  if (changes.length === 0 && !rest.isEmpty()) {
    const selector = rest.addresses('src').format();
    changes.push(...ranked(false, toChanges(part, { selector, members: [] }, part.target.counted, rest)));
  }
  return changes;
}

/** To the device itself, and to what it routes. */
function toChanges(part: Part, src: Party, count: number, packets: PacketSet): Change[] {
  const own = PacketSet.ofAddresses('dst', AddressSet.ofAddresses(...part.device.addresses));
  const routes = AddressSet.ofPrefixes(...approvedRoutes(part.device)).format();
  const targets: readonly (readonly [Party, PacketSet])[] = [
    [part.target.party, packets.intersect(own)],
    [
      { selector: `${routes} via ${part.target.party.selector}`, members: part.target.party.members },
      packets.subtract(own),
    ],
  ];
  return targets.flatMap(([dst, set]) => {
    const packet = set.sample({ proto: [BigInt(PROTO.tcp), BigInt(PROTO.udp)], dport: [11434n, 22n, 443n] });
    if (packet === undefined) return [];
    return [
      {
        kind: part.kind,
        relation: 'reach' as const,
        layer: 'tailnet' as const,
        src,
        dst,
        packets: packetRanges(set),
        count: Math.max(count, 1),
        witness: {
          src: formatAddress(packet.src),
          dst: formatAddress(packet.dst),
          proto: protocolName(packet.proto),
          ...(packet.sport === undefined ? {} : { sport: packet.sport }),
          ...(packet.dport === undefined ? {} : { dport: packet.dport }),
        },
        blame: blameOf(part, set),
      },
    ];
  });
}

/** The rules of the side that admits. */
function blameOf(part: Part, packets: PacketSet): ChangeBlame[] {
  const [name, side] = part.kind === 'gain' ? (['b', part.b] as const) : (['a', part.a] as const);
  const rules = side.reach.admissions(sideDevice(side, part.device)).filter((x) => x.packets.overlaps(packets));
  return rules.map((x): ChangeBlame => {
    const { span } = x.rule;
    if (span === undefined)
      return { side: name, file: side.file, line: 1, column: 1, text: 'neither `acls` nor `grants`' };
    return { side: name, file: side.file, line: span.line, column: span.column, text: oneLine(textOf(side, x)) };
  });
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function placeOf({ rule }: Admission): string {
  return rule.span === undefined ? 'tailnet/policy' : `${rule.span.file}:${rule.span.line}:${rule.span.column}`;
}

/** Gains first, those between devices that exist before those of the future, then most pairs first: a stable order. */
function byWeight(x: Ranked, y: Ranked): number {
  const [a, b] = [x.change, y.change];
  if (a.kind !== b.kind) return a.kind === 'gain' ? -1 : 1;
  if (x.present !== y.present) return y.present - x.present;
  return b.count - a.count || (`${a.src.selector} ${a.dst.selector}` < `${b.src.selector} ${b.dst.selector}` ? -1 : 1);
}

function unique(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((m) => [`${m.source} ${m.why}`, m])).values()];
}
