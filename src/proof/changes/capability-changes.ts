import { formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import type { Missing } from '../../state/known.ts';
import type { CapabilityRule } from '../../tailnet/compile/capability-rules.ts';
import { uniqueMissing } from '../claims/missing.ts';
import type { Change } from './change.ts';
import { type DeviceGroup, type GroupedDevices, groupBoth, partyOn } from './parties.ts';
import { ruleLine, ruleText, type TailnetSide } from './tailnet-side.ts';

/** Application capabilities that somebody has over a device on one side and not on the other. */
export function capabilityChanges(a: TailnetSide, b: TailnetSide): { changes: Change[]; missing: Missing[] } {
  const changes: Change[] = [];
  const missing: Missing[] = [];
  if (![a, b].some(({ policy }) => policy.rules.some((r) => r.app.length > 0))) return { changes, missing };
  const groups = groupBoth(a, b);
  for (const target of groups.list) {
    const id = target.devices[0]?.id ?? '';
    for (const [kind, from, to] of [
      ['gain', a, b],
      ['lose', b, a],
    ] as const) {
      const before = from.reach.compiled.capabilitiesOn(id);
      for (const rule of to.reach.compiled.capabilitiesOn(id)) {
        const alike = before.filter((r) => keyOf(r) === keyOf(rule));
        const known = alike.filter((r) => r.exact).reduce((set, r) => set.union(r.src), AddressSet.empty);
        const fresh = rule.src.subtract(known);
        if (fresh.isEmpty()) continue;
        if (rule.exact) changes.push(...describe(kind, to, groups, target, rule, fresh));
        // The same words on both sides mean the same on both, to whom they meet on both.
        else if (!alike.some((r) => ruleText(from, r) === ruleText(to, rule) && rule.src.isSubsetOf(r.src))) {
          missing.push({ source: placeOf(rule), why: `how far the capability ${rule.name} reaches is not known` });
        }
      }
    }
  }
  return { changes: changes.sort(byWeight), missing: uniqueMissing(missing) };
}

/** What is granted; a rule that says the same with other words grants the same. */
function keyOf(rule: CapabilityRule): string {
  return JSON.stringify([rule.name, rule.values, rule.dst.format()]);
}

function describe(
  kind: Change['kind'],
  side: TailnetSide,
  groups: GroupedDevices,
  target: DeviceGroup,
  rule: CapabilityRule,
  fresh: AddressSet,
): Change[] {
  const { universe } = side.reach;
  const sources = groups.list.flatMap((group) => {
    const meant = group.devices.filter((d) => d.addresses.some((x) => fresh.contains(x)));
    const present = meant.filter((d) => !universe.future.has(d.id));
    return meant.length === 0 ? [] : [present.length > 0 ? present : meant];
  });
  const parties =
    sources.length > 0
      ? sources.map((devices) => ({ party: partyOn(side, devices), count: devices.length }))
      : [{ party: { selector: fresh.format(), members: [] }, count: 1 }];
  const to = rule.dst.sample() ?? fresh.sample();
  const from = fresh.sample();
  return parties.map(({ party, count }) => ({
    kind,
    relation: 'capability',
    layer: 'tailnet',
    src: party,
    dst: partyOn(side, target.devices.slice(0, target.counted)),
    packets: [],
    count: count * target.counted,
    witness: {
      src: from === undefined ? '' : formatAddress(from),
      dst: to === undefined ? '' : formatAddress(to),
      proto: 'none',
    },
    capability: rule.name,
    blame:
      rule.span === undefined
        ? []
        : [
            {
              side: kind === 'gain' ? 'b' : 'a',
              file: side.file,
              line: rule.span.line,
              column: rule.span.column,
              text: ruleLine(side, rule),
            },
          ],
  }));
}

function placeOf(rule: CapabilityRule): string {
  return rule.span === undefined ? 'tailnet/policy' : formatSpan(rule.span);
}

function byWeight(a: Change, b: Change): number {
  if (a.kind !== b.kind) return a.kind === 'gain' ? -1 : 1;
  return b.count - a.count;
}
