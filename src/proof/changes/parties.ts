import type { Device } from '../../tailnet/device.ts';
import { ANY_MEMBER, type Universe } from '../relations/universe.ts';
import type { Party } from './change.ts';

/** Devices that neither side of a comparison tells apart. */
export interface DeviceGroup {
  readonly devices: readonly Device[];
  readonly party: Party;
  /** Those that exist; all of them where none does. */
  readonly counted: number;
  /** Whether any of them exists. */
  readonly present: boolean;
}

/** Groups the devices of a universe by a key. */
export function groupDevices(universe: Universe, keyOf: (device: Device) => string): readonly DeviceGroup[] {
  const groups = new Map<string, Device[]>();
  for (const device of universe.devices) {
    const key = keyOf(device);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [device]);
    else group.push(device);
  }
  return [...groups.values()].map((devices) => {
    const present = devices.filter((d) => !universe.future.has(d.id));
    const shown = present.length > 0 ? present : devices;
    return {
      devices: [...shown, ...devices.filter((d) => !shown.includes(d))],
      party: { selector: selectorOf(devices), members: shown.map(universe.label) },
      counted: shown.length,
      present: present.length > 0,
    };
  });
}

/** The stranger that stands for any member is no name of a policy. */
function ownerOf(device: Device): string {
  return device.user === undefined || device.user === ANY_MEMBER ? 'autogroup:member' : device.user;
}

/** What the group has in common, in the words of the policy. */
function selectorOf(devices: readonly Device[]): string {
  const names = new Set(devices.map((d) => (d.tags.length > 0 ? [...d.tags].sort().join('+') : ownerOf(d))));
  if (names.size === 1) return [...names][0] ?? '';
  if (devices.every((d) => d.tags.length > 0)) {
    const shown = [...names].sort();
    return shown.length <= 3 ? shown.join(', ') : `${shown.slice(0, 3).join(', ')} and ${shown.length - 3} more tags`;
  }
  if (devices.every((d) => d.tags.length === 0)) return 'autogroup:member';
  return 'any device';
}
