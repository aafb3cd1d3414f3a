import { AddressSet } from '../../net/address-set.ts';
import type { Prefix } from '../../net/prefix.ts';
import { approvedRoutes, type Device, isExitRoute, routesKey } from '../device.ts';
import { isIdentity } from '../policy/selector.ts';
import { TAILNET } from '../ranges.ts';
import { Bitset } from './bitset.ts';
import type { Resolved, Resolver } from './resolver.ts';

/**
 * Devices that no rule of the policy tells apart: same selectors, same routes in force. All that is computed for a
 * device, but for its own addresses, is computed once for its class.
 */
export interface DeviceClass {
  readonly id: number;
  /** Positions in the device list, ascending. */
  readonly members: readonly number[];
  /** Ids of the selectors that mean its devices or contain their addresses. */
  readonly selectors: ReadonlySet<number>;
  readonly tagged: boolean;
  /** Approved routes without exit routes, and their addresses. */
  readonly subnets: readonly Prefix[];
  readonly subnetAddresses: AddressSet;
  /** Approved exit routes. */
  readonly exits: readonly Prefix[];
}

export interface Classes {
  readonly list: readonly DeviceClass[];
  /** Class of the device at a position. */
  of(device: number): DeviceClass | undefined;
  /** The classes whose devices or subnets a source meets. */
  sources(sources: readonly Resolved[]): Bitset;
}

/** Groups the devices by the selectors resolved so far: all that the rules use must be. */
export function classify(resolver: Resolver): Classes {
  const hits: number[][] = resolver.devices.map(() => []);
  const selectors = [...resolver.resolved()];
  for (const s of selectors) for (const device of s.devices) hits[device]?.push(s.id);
  const groups = new Map<string, number[]>();
  for (const [i, device] of resolver.devices.entries()) {
    const key = `${hits[i]?.join(',')}|${device.tags.length > 0}|${routesKey(approvedRoutes(device))}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  const list = [...groups.values()].map((members, id) => toClass(id, members, hits, resolver.devices));
  const classOf = new Map(list.flatMap((c) => c.members.map((m) => [m, c] as const)));
  const meeting = new Map(selectors.map((s) => [s.id, meetingClasses(s, list)]));
  const memo = new Map<string, Bitset>();
  return {
    list,
    of: (device) => classOf.get(device),
    sources(sources) {
      const key = sources.map((s) => s.id).join(',');
      const known = memo.get(key);
      if (known !== undefined) return known;
      const all = new Bitset(list.length);
      for (const s of sources) all.addAll(meeting.get(s.id) ?? all);
      memo.set(key, all);
      return all;
    },
  };
}

function toClass(
  id: number,
  members: readonly number[],
  hits: readonly (readonly number[])[],
  devices: readonly Device[],
): DeviceClass {
  const first = members[0] ?? 0;
  const device = devices[first];
  const routes = device === undefined ? [] : approvedRoutes(device);
  const subnets = routes.filter((r) => !isExitRoute(r));
  return {
    id,
    members,
    selectors: new Set(hits[first]),
    tagged: (device?.tags.length ?? 0) > 0,
    subnets,
    subnetAddresses: AddressSet.ofPrefixes(...subnets),
    exits: routes.filter(isExitRoute),
  };
}

function meetingClasses(s: Resolved, list: readonly DeviceClass[]): Bitset {
  const classes = new Bitset(list.length);
  for (const c of list) {
    if (c.selectors.has(s.id)) classes.add(c.id);
    else if (c.subnets.length === 0) continue;
    // Devices have tailnet addresses only: a set of them meets no subnet outside those ranges.
    else if (isIdentity(s.selector) && !c.subnetAddresses.overlaps(TAILNET)) continue;
    else if (s.addresses.overlaps(c.subnetAddresses)) classes.add(c.id);
  }
  return classes;
}
