import { type Address, LAST_VALUE, parseAddress } from '../../net/address.ts';
import { isInterfaceName } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';

/** The links of a host and their addresses, as `ip -j address show` lists them. */
export interface Links {
  readonly links: readonly Link[];
}

/** One link. */
export interface Link {
  readonly name: string;
  readonly index: number | undefined;
  readonly addresses: readonly Address[];
  /** IPv4 broadcast addresses. */
  readonly broadcasts: readonly Address[];
  /** True for a port of a bridge or of another master. */
  readonly isPort: boolean;
}

/**
 * Reads the output of `ip -j address show`: a list of links, or an object with such a list as `links`.
 * @returns undefined when it is none
 */
export function readLinks(json: unknown): Links | undefined {
  const list = Array.isArray(json) ? json : (json as { links?: unknown } | null)?.links;
  if (!Array.isArray(list)) return undefined;
  const links = list.map(readLink);
  const good = links.filter((l) => l !== undefined);
  return good.length === links.length ? { links: good } : undefined;
}

function readLink(json: unknown): Link | undefined {
  if (typeof json !== 'object' || json === null) return undefined;
  const { ifname, ifindex, addr_info: info, master } = json as Readonly<Record<string, unknown>>;
  if (typeof ifname !== 'string' || !isInterfaceName(ifname)) return undefined;
  const entries: readonly unknown[] = Array.isArray(info) ? info : [];
  const texts = (key: string) =>
    entries.flatMap((entry) => {
      const value = (entry as Readonly<Record<string, unknown>> | null)?.[key];
      const address = typeof value === 'string' ? parseAddress(value) : undefined;
      return address === undefined ? [] : [address];
    });
  return {
    name: ifname,
    index: typeof ifindex === 'number' ? ifindex : undefined,
    addresses: texts('local'),
    broadcasts: texts('broadcast'),
    isPort: master !== undefined,
  };
}

/** Values of `fib … type` (symbols.ts FIB_TYPE). */
const LOCAL = 2n;
const BROADCAST = 3n;
const MULTICAST = 5n;
const ALL_TYPES = IntervalSet.of([0n, 8n]);

/**
 * What `fib … type` can be for an address: `local` and `multicast` for sure where they are, otherwise anything but
 * `local` (routes are not known here). As the kernel's local table has it: own addresses, 127.0.0.0/8, ::1.
 */
export function addressTypes({ links }: Links, family: 4 | 6, value: bigint): IntervalSet {
  const isOwn = (pick: (link: Link) => readonly Address[]) =>
    links.some((link) => pick(link).some((a) => a.family === family && a.value === value));
  const isLoopback = family === 4 ? value >> 24n === 127n : value === 1n;
  if (isOwn((l) => l.addresses) || isLoopback) return IntervalSet.point(LOCAL);
  const isMulticast = family === 4 ? value >> 28n === 0xen : value >> 120n === 0xffn;
  if (isMulticast) return IntervalSet.point(MULTICAST);
  if (family === 4 && (value === LAST_VALUE[4] || isOwn((l) => l.broadcasts))) return IntervalSet.point(BROADCAST);
  return ALL_TYPES.subtract(IntervalSet.points(LOCAL, MULTICAST));
}
