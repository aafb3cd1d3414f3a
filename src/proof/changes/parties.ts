import type { Address } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Policy } from '../../tailnet/policy/policy.ts';
import { addressKey } from '../relations/address-key.ts';
import { ANY_MEMBER, type Universe } from '../relations/universe.ts';
import type { Party } from './change.ts';
import { deviceOn, type TailnetSide } from './tailnet-side.ts';

/** Devices that neither side of a comparison tells apart. */
export interface DeviceGroup {
  /** Those that exist first. */
  readonly devices: readonly Device[];
  /** Those that exist; all of them where none does. */
  readonly counted: number;
  /** Whether any of them exists. */
  readonly present: boolean;
}

/** All groups of a universe, and the way back from addresses. */
export interface GroupedDevices {
  readonly list: readonly DeviceGroup[];
  addressesOf(group: DeviceGroup): AddressSet;
  at(address: Address): DeviceGroup | undefined;
}

/** Groups the devices of both sides, which must be the same. */
export function groupBoth(a: TailnetSide, b: TailnetSide): GroupedDevices {
  // An `autogroup:self` rule tells the devices of one owner from those of another, though they are of one class.
  const byOwner = hasSelf(a.policy) || hasSelf(b.policy);
  const { universe } = a.reach;
  const groups = new Map<string, Device[]>();
  for (const device of universe.devices) {
    const classes = [a, b].map((side) => side.reach.compiled.classOf(device.id));
    const owner = byOwner && device.tags.length === 0 ? device.user?.toLowerCase() : undefined;
    const key = JSON.stringify([classes, device.tags.length > 0, owner, universe.standIn(device)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [device]);
    else group.push(device);
  }
  const list = [...groups.values()].map((devices) => toGroup(universe, devices));
  // A device may have other addresses on the other side.
  const addresses = (d: Device) => [a, b].flatMap((side) => deviceOn(side, d).addresses);
  const at = new Map(list.flatMap((g) => g.devices.flatMap((d) => addresses(d).map((x) => [addressKey(x), g]))));
  const sets = new Map<DeviceGroup, AddressSet>();
  return {
    list,
    at: (address) => at.get(addressKey(address)),
    addressesOf(group) {
      const known = sets.get(group);
      if (known !== undefined) return known;
      const fresh = AddressSet.ofAddresses(...group.devices.flatMap(addresses));
      sets.set(group, fresh);
      return fresh;
    },
  };
}

function hasSelf(policy: Policy): boolean {
  return policy.rules.some((rule) => rule.dst.some((t) => t.selector.kind === 'self'));
}

function toGroup(universe: Universe, devices: readonly Device[]): DeviceGroup {
  const present = devices.filter((d) => !universe.future.has(d.id));
  const shown = present.length > 0 ? present : devices;
  return {
    devices: [...shown, ...devices.filter((d) => !shown.includes(d))],
    counted: shown.length,
    present: present.length > 0,
  };
}

/** The devices of a universe, put together where a key is the same. */
export function bySignature({ reach }: TailnetSide, keyOf: (device: Device) => string): readonly (readonly Device[])[] {
  const groups = new Map<string, Device[]>();
  for (const device of reach.universe.devices) {
    const key = keyOf(device);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [device]);
    else group.push(device);
  }
  return [...groups.values()];
}

/** Who has the addresses: devices by name, those that exist where there are any, or the addresses themselves. */
export function partiesAt(
  side: TailnetSide,
  addresses: AddressSet,
): readonly { readonly party: Party; readonly count: number; readonly address: Address | undefined }[] {
  const { universe } = side.reach;
  const meant = universe.devices.filter((d) => d.addresses.some((x) => addresses.contains(x)));
  const present = meant.filter((d) => !universe.future.has(d.id));
  const shown = present.length > 0 ? present : meant;
  if (shown.length === 0) {
    return [{ party: { selector: addresses.format(), members: [] }, count: 1, address: addresses.sample() }];
  }
  const names = new Map<string, Device[]>();
  for (const d of shown) {
    const name = nameOf(universe, deviceOn(side, d));
    const list = names.get(name);
    if (list === undefined) names.set(name, [d]);
    else list.push(d);
  }
  return [...names.values()].map((devices) => ({
    party: partyOn(side, devices),
    count: devices.length,
    address: devices.flatMap((d) => d.addresses).find((x) => addresses.contains(x)),
  }));
}

/** Some devices, by what they have in common on one side, and by name. */
export function partyOn(side: TailnetSide, devices: readonly Device[]): Party {
  const { universe } = side.reach;
  const there = devices.map((d) => deviceOn(side, d));
  return { selector: selectorOf(universe, there), members: there.map(universe.label) };
}

/** What the devices have in common, in the words of the policy. */
function selectorOf(universe: Universe, devices: readonly Device[]): string {
  const names = new Set(devices.map((d) => nameOf(universe, d)));
  if (names.size === 1) return [...names][0] ?? '';
  if (devices.every((d) => d.tags.length > 0)) {
    const shown = [...names].sort();
    return shown.length <= 3 ? shown.join(', ') : `${shown.slice(0, 3).join(', ')} and ${shown.length - 3} more tags`;
  }
  if (devices.every((d) => d.tags.length === 0)) return 'autogroup:member';
  return 'any device';
}

function nameOf(universe: Universe, device: Device): string {
  const standIn = universe.standIn(device);
  if (standIn !== undefined) return standIn;
  if (device.tags.length > 0) return [...device.tags].sort().join('+');
  // The stranger that stands for any member is no name of a policy.
  if (device.user !== undefined && device.user !== ANY_MEMBER) return device.user;
  return 'autogroup:member';
}
