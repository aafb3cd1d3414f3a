import { formatAddress } from '../../net/address.ts';
import type { AddressSet } from '../../net/address-set.ts';
import { formatPrefix } from '../../net/prefix.ts';
import type { FilterRule } from '../../tailnet/compile/filter-rules.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Policy } from '../../tailnet/policy/policy.ts';
import { deviceOn, type TailnetSide } from './tailnet-side.ts';

/** The rules of a device that one side alone has. */
export interface OwnRules {
  readonly before: readonly FilterRule[];
  readonly after: readonly FilterRule[];
}

/**
 * Most rules of two policies are the same word for word. Where such a rule also means the same addresses, it admits the
 * same on both sides, and the difference lies in the others. With the same devices and the same names in both policies,
 * the words decide that alone.
 */
export function ownRulesOf(a: TailnetSide, b: TailnetSide): (device: Device) => OwnRules {
  const isSame = sameDevices(a, b) && namesOf(a.policy) === namesOf(b.policy);
  const isEqual = equality();
  const alike = (x: FilterRule, y: FilterRule) =>
    isSame ||
    (isEqual(x.src, y.src) &&
      x.dst.every((d, i) => y.dst[i] !== undefined && isEqual(d.addresses, y.dst[i].addresses)));
  const without = (side: TailnetSide, rules: readonly FilterRule[], others: ReadonlyMap<string, FilterRule[]>) =>
    rules.filter((r) => others.get(keyOf(side, r))?.some((other) => alike(r, other)) !== true);
  return (device) => {
    const [before, after] = [rulesOn(a, device), rulesOn(b, device)];
    const [inA, inB] = [byKey(a, before), byKey(b, after)];
    return { before: without(a, before, inB), after: without(b, after, inA) };
  };
}

/** Equality of sets that many rules share: each pair is looked at once. */
function equality(): (x: AddressSet, y: AddressSet) => boolean {
  const known = new Map<AddressSet, Map<AddressSet, boolean>>();
  return (x, y) => {
    const ofX = known.get(x) ?? new Map<AddressSet, boolean>();
    known.set(x, ofX);
    const done = ofX.get(y) ?? x.equals(y);
    ofX.set(y, done);
    return done;
  };
}

function byKey(side: TailnetSide, rules: readonly FilterRule[]): ReadonlyMap<string, FilterRule[]> {
  const map = new Map<string, FilterRule[]>();
  for (const rule of rules) {
    const key = keyOf(side, rule);
    const list = map.get(key);
    if (list === undefined) map.set(key, [rule]);
    else list.push(rule);
  }
  return map;
}

function rulesOn(side: TailnetSide, device: Device): readonly FilterRule[] {
  return side.reach.compiled.rulesOn(deviceOn(side, device).id);
}

/** The rule's words, and everything about its meaning but addresses. */
function keyOf(side: TailnetSide, { section, index, dst, protocols, exact }: FilterRule): string {
  const ports = dst.map((d) => d.ports.toString());
  return JSON.stringify([wordsOf(side.policy).get(`${section}[${index}]`) ?? section, ports, protocols, exact]);
}

const words = new WeakMap<Policy, ReadonlyMap<string, string>>();

/** What each rule of a policy says, whatever its place and layout, by section and index. */
function wordsOf(policy: Policy): ReadonlyMap<string, string> {
  const known = words.get(policy);
  if (known !== undefined) return known;
  const texts = (list: readonly { readonly text: string }[]) => list.map((x) => x.text);
  const fresh = new Map(
    policy.rules.map((r) => [
      `${r.section}[${r.index}]`,
      JSON.stringify([
        r.section,
        r.action?.text,
        texts(r.src),
        texts(r.dst),
        texts(r.via),
        texts(r.posture),
        // A rule with these is only bounded from above, and may mean anything.
        [...r.unknownKeys, ...r.faults].map((x) => [x.text, policy.file, x.span.offset]),
      ]),
    ]),
  );
  words.set(policy, fresh);
  return fresh;
}

/** What the selectors of a policy can refer to in it, and what every rule asks for besides. */
function namesOf({ groups, hosts, ipsets, defaultPosture }: Policy): string {
  return JSON.stringify([
    [...groups].map(([name, { items }]) => [name, items.map((i) => i.text)]),
    [...hosts].map(([name, { value }]) => [name, value.text]),
    [...ipsets].map(([name, { operations, faults }]) => [
      name,
      operations.map((o) => [o.action, o.target.text]),
      faults.map((f) => f.text),
    ]),
    defaultPosture.map((p) => p.text),
  ]);
}

function sameDevices(a: TailnetSide, b: TailnetSide): boolean {
  const [x, y] = [a.reach.universe.devices, b.reach.universe.devices];
  return x.length === y.length && x.every((d, i) => keyOfDevice(d) === keyOfDevice(y[i]));
}

const keys = new WeakMap<Device, string>();

/** All of a device that a rule can depend on. */
function keyOfDevice(device: Device | undefined): string {
  if (device === undefined) return '';
  const known = keys.get(device);
  if (known !== undefined) return known;
  const { id, user, tags, addresses, advertisedRoutes, enabledRoutes, authorized, isExternal } = device;
  const fresh = JSON.stringify([
    id,
    user,
    tags,
    addresses.map(formatAddress),
    advertisedRoutes.map(formatPrefix),
    enabledRoutes.map(formatPrefix),
    authorized,
    isExternal,
  ]);
  keys.set(device, fresh);
  return fresh;
}
