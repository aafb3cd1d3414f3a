import { AddressSet } from '../../net/address-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import type { Missing } from '../../state/known.ts';
import type { FilterRule } from '../../tailnet/compile/filter-rules.ts';
import type { Device } from '../../tailnet/device.ts';
import { uniqueMissing } from '../claims/missing.ts';
import { TAILNET } from '../intent.ts';
import type { Admission } from '../relations/tailnet.ts';
import { ownRulesOf } from './alike.ts';
import type { Change } from './change.ts';
import { type DeviceGroup, type GroupedDevices, groupBoth } from './parties.ts';
import { type Part, reachChange } from './tailnet-describe.ts';
import { deviceOn, ruleText, type TailnetSide } from './tailnet-side.ts';

/**
 * Who gains or loses new flows to whom when the policy, tags or routes of side `a` become those of side `b`. Both sides
 * must be over the same devices (`buildUniverse` with the other side's devices).
 * @returns what surely changes, and the places that keep more from being known
 */
export function tailnetChanges(a: TailnetSide, b: TailnetSide): { changes: Change[]; missing: Missing[] } {
  const groups = groupBoth(a, b);
  const ownRules = ownRulesOf(a, b);
  const changes: Ranked[] = [];
  const missing: Missing[] = [];
  for (const target of groups.list) {
    const device = target.devices[0];
    if (device === undefined) continue;
    const own = ownRules(device);
    const from = unionOf([...own.before, ...own.after]);
    if (from.isEmpty()) continue;
    const before = sideOf(a, device, from);
    const after = sideOf(b, device, from);
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
      if (!packets.isEmpty()) changes.push(...split({ kind, packets, a, b, target, device }, groups));
    }
  }
  return { changes: changes.sort(byWeight).map((r) => r.change), missing: uniqueMissing(missing) };
}

interface Side {
  readonly sure: PacketSet;
  /** What rules that are only bounded from above may add. */
  readonly possible: PacketSet;
  readonly guesses: readonly Admission[];
}

/** Everybody who may gain or lose something by these rules. */
function unionOf(rules: readonly FilterRule[]): AddressSet {
  return [...new Set(rules.map((r) => r.src))].reduce((set, src) => set.union(src), AddressSet.empty);
}

function sideOf(side: TailnetSide, device: Device, from: AddressSet): Side {
  const admissions = side.reach.admissions(deviceOn(side, device), from);
  const guesses = admissions.filter((x) => !x.rule.exact);
  return {
    sure: PacketSet.unionAll(admissions.filter((x) => x.rule.exact).map((x) => x.packets)),
    possible: PacketSet.unionAll(guesses.map((x) => x.packets)),
    guesses,
  };
}

/**
 * What side `y` may admit and side `x` may not. A rule that is only bounded from above but stands on both sides word
 * for word adds the same on both to those whom it meets on both.
 */
function possibly(x: TailnetSide, from: Side, y: TailnetSide, to: Side): PacketSet {
  const shared = new Map<string, PacketSet>();
  for (const g of from.guesses) {
    const text = ruleText(x, g.rule);
    shared.set(text, (shared.get(text) ?? PacketSet.none).union(g.packets));
  }
  const fresh = to.guesses.map((g) => g.packets.subtract(shared.get(ruleText(y, g.rule)) ?? PacketSet.none));
  return PacketSet.unionAll([to.sure, ...fresh]).subtract(from.sure);
}

/** A change, and how many of its two ends exist today. */
interface Ranked {
  readonly change: Change;
  readonly present: number;
}

/** One change for each group of sources, and for addresses that no device has. */
function split(part: Part, groups: GroupedDevices): Ranked[] {
  const changes: Ranked[] = [];
  const target = Number(part.target.present);
  for (const source of sourcesOf(part, groups)) {
    const from = part.packets.intersect(PacketSet.ofAddresses('src', groups.addressesOf(source)));
    if (from.isEmpty()) continue;
    const found = reachChange(part, source, from);
    changes.push(...found.map((change) => ({ change, present: Number(source.present) + target })));
  }
  const everybody = part.a.reach.universe.addresses.union(part.b.reach.universe.addresses);
  const nobody = part.packets.subtract(PacketSet.ofAddresses('src', everybody));
  // A wildcard is told by the devices it means; the tailnet addresses that nobody has matter alone.
  const outside = nobody.subtract(PacketSet.ofAddresses('src', TAILNET));
  const rest = changes.length === 0 ? nobody : outside;
  if (!rest.isEmpty()) {
    const found = reachChange(part, { selector: rest.addresses('src').format(), members: [] }, rest);
    changes.push(...found.map((change) => ({ change, present: target })));
  }
  return changes;
}

/** Up to this many source addresses are looked up one by one. */
const FEW = 256n;

/** The groups that any source of the part can belong to. */
function sourcesOf(part: Part, groups: GroupedDevices): readonly DeviceGroup[] {
  const addresses = part.packets.addresses('src');
  if (addresses.v4.size() + addresses.v6.size() > FEW) return groups.list;
  const found = new Set<DeviceGroup>();
  for (const family of [4, 6] as const) {
    for (const [low, high] of (family === 4 ? addresses.v4 : addresses.v6).intervals) {
      for (let value = low; value <= high; value++) {
        const group = groups.at({ family, value });
        if (group !== undefined) found.add(group);
      }
    }
  }
  return groups.list.filter((g) => found.has(g));
}

function placeOf({ rule }: Admission): string {
  return rule.span === undefined ? 'tailnet/policy' : formatSpan(rule.span);
}

/** Gains first, those between devices that exist before those of the future, then most pairs first: a stable order. */
function byWeight(x: Ranked, y: Ranked): number {
  const [a, b] = [x.change, y.change];
  if (a.kind !== b.kind) return a.kind === 'gain' ? -1 : 1;
  if (x.present !== y.present) return y.present - x.present;
  const names = (c: Change) => `${c.src.selector} ${c.dst.selector}`;
  return b.count - a.count || (names(a) < names(b) ? -1 : Number(names(a) > names(b)));
}
