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
  /** Those with approved subnets, those with approved exit routes. */
  readonly routers: readonly DeviceClass[];
  readonly exitNodes: readonly DeviceClass[];
  /** Class of the device at a position. */
  of(device: number): DeviceClass | undefined;
  /** The classes whose devices a selector means or contains. */
  within(selector: Resolved): Bitset;
  /** The classes whose devices or subnets a source meets. */
  meeting(source: Resolved): Bitset;
  /** The same for several sources together. */
  sources(sources: readonly Resolved[]): Bitset;
}

/** Groups the devices by the selectors resolved so far: all that the rules use must be. */
export function classify(resolver: Resolver): Classes {
  const selectors = [...resolver.resolved()];
  const { devices } = resolver;
  const classOf = partition(devices, selectors);
  const list = describe(devices, selectors, classOf);
  const routers = list.filter((c) => c.subnets.length > 0);
  const within = memoized((s: Resolved): Bitset => {
    const classes = new Bitset(list.length);
    for (const device of s.devices) classes.add(classOf[device] ?? 0);
    return classes;
  });
  const meeting = memoized((s: Resolved): Bitset => {
    const behind = routers.filter((c) => !c.selectors.has(s.id) && meetsSubnets(s, c));
    if (behind.length === 0) return within(s);
    const classes = new Bitset(list.length);
    classes.addAll(within(s));
    for (const c of behind) classes.add(c.id);
    return classes;
  });
  const unions = new Map<string, Bitset>();
  return {
    list,
    routers,
    exitNodes: list.filter((c) => c.exits.length > 0),
    of: (device) => list[classOf[device] ?? -1],
    within,
    meeting,
    sources(sources) {
      const [only, ...more] = sources;
      if (only !== undefined && more.length === 0) return meeting(only);
      const key = sources.map((s) => s.id).join(',');
      const found = unions.get(key);
      if (found !== undefined) return found;
      const all = new Bitset(list.length);
      for (const s of sources) all.addAll(meeting(s));
      unions.set(key, all);
      return all;
    },
  };
}

/** One result for each selector. */
function memoized(make: (s: Resolved) => Bitset): (s: Resolved) => Bitset {
  const memo = new Map<number, Bitset>();
  return (s) => {
    const known = memo.get(s.id);
    if (known !== undefined) return known;
    const fresh = make(s);
    memo.set(s.id, fresh);
    return fresh;
  };
}

/**
 * The number of each device's class: the largest first, of equal ones the one with the first member. All devices begin as one class, which each
 * selector splits into those that it has and those that it has not, so the cost is in the sizes of the selectors.
 */
function partition(devices: readonly Device[], selectors: readonly Resolved[]): Int32Array {
  const classOf = new Int32Array(devices.length);
  let count = 1;
  const split = (part: Iterable<number>) => {
    const moved = new Map<number, number>();
    for (const device of part) {
      const old = classOf[device] ?? 0;
      let fresh = moved.get(old);
      if (fresh === undefined) {
        fresh = count++;
        moved.set(old, fresh);
      }
      classOf[device] = fresh;
    }
  };
  for (const s of selectors) split(s.devices);
  split(devices.flatMap((d, i) => (d.tags.length > 0 ? [i] : [])));
  for (const routers of byRoutes(devices)) split(routers);
  return renumber(classOf, count);
}

function renumber(classOf: Int32Array, count: number): Int32Array {
  const sizes = new Int32Array(count);
  for (const c of classOf) sizes[c] = (sizes[c] ?? 0) + 1;
  const bySize = [...new Set(classOf)].sort((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
  const numbers = new Int32Array(count);
  for (const [number, c] of bySize.entries()) numbers[c] = number;
  return classOf.map((c) => numbers[c] ?? 0);
}

/** Devices with routes in force, together where these are the same. */
function byRoutes(devices: readonly Device[]): Iterable<number[]> {
  const groups = new Map<string, number[]>();
  for (const [i, device] of devices.entries()) {
    const routes = approvedRoutes(device);
    if (routes.length === 0) continue;
    const key = routesKey(routes);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  return groups.values();
}

function describe(devices: readonly Device[], selectors: readonly Resolved[], classOf: Int32Array): DeviceClass[] {
  const members: number[][] = [];
  for (const [device, id] of classOf.entries()) {
    const group = members[id];
    if (group === undefined) members[id] = [device];
    else group.push(device);
  }
  const hits: Set<number>[] = members.map(() => new Set());
  for (const s of selectors) {
    for (const device of s.devices) {
      const id = classOf[device] ?? 0;
      if (members[id]?.[0] === device) hits[id]?.add(s.id);
    }
  }
  return members.map((group, id) => {
    const device = devices[group[0] ?? -1];
    const routes = device === undefined ? [] : approvedRoutes(device);
    const subnets = routes.filter((r) => !isExitRoute(r));
    return {
      id,
      members: group,
      selectors: hits[id] ?? new Set(),
      tagged: (device?.tags.length ?? 0) > 0,
      subnets,
      subnetAddresses: subnets.length === 0 ? AddressSet.empty : AddressSet.ofPrefixes(...subnets),
      exits: routes.filter(isExitRoute),
    };
  });
}

function meetsSubnets(s: Resolved, router: DeviceClass): boolean {
  // Devices have tailnet addresses only: a set of them meets no subnet outside those ranges.
  if (isIdentity(s.selector) && !router.subnetAddresses.overlaps(TAILNET)) return false;
  return s.addresses.overlaps(router.subnetAddresses);
}
