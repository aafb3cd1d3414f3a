import { z } from 'zod';
import { type Address, parseAddress } from '../net/address.ts';
import { containsPrefix, formatPrefix, type Prefix, parsePrefix } from '../net/prefix.ts';

/** A device as the control plane describes it. It has tags or an owner, never both. */
export interface Device {
  /** Stable node id (`n…CNTRL`), or the legacy number where there is no other. */
  readonly id: string;
  readonly legacyId?: string;
  /** MagicDNS name. */
  readonly name: string;
  readonly hostname: string;
  /** Login of the owner; undefined for tagged devices, whose creator means nothing to the policy. */
  readonly user: string | undefined;
  readonly tags: readonly string[];
  /** Tailnet addresses. */
  readonly addresses: readonly Address[];
  readonly advertisedRoutes: readonly Prefix[];
  readonly enabledRoutes: readonly Prefix[];
  /** Subnet routes for which this device is the one in use; undefined where that is not known (the API does not say). */
  readonly primaryRoutes?: readonly Prefix[];
  readonly authorized: boolean;
  /** Shared in from another tailnet. */
  readonly isExternal: boolean;
}

const nullableList = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? []);

/** The fields that decide isolation; the API sends more, and sends null, absent and `[]` alike. */
const deviceSchema = z.object({
  id: z.string().optional(),
  nodeId: z.string().optional(),
  name: z.string().default(''),
  hostname: z.string().default(''),
  user: z.string().default(''),
  tags: nullableList,
  addresses: nullableList,
  advertisedRoutes: nullableList,
  enabledRoutes: nullableList,
  authorized: z.boolean().default(true),
  isExternal: z.boolean().default(false),
});

const bodySchema = z.object({ devices: z.array(z.unknown()) });

/**
 * Reads the API's device list (`GET /tailnet/{t}/devices?fields=all`). Each device that cannot be read in full is a
 * problem and is left out: with problems, the list says nothing about who else is on the tailnet.
 */
export function parseDevices(body: unknown): { devices: Device[]; problems: string[] } {
  const list = bodySchema.safeParse(body);
  if (!list.success) return { devices: [], problems: ['the device list is not {"devices": […]}'] };
  const devices: Device[] = [];
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [i, item] of list.data.devices.entries()) {
    const read = readDevice(item, i);
    if (typeof read === 'string') problems.push(read);
    else if (seen.has(read.id)) problems.push(`device ${read.id} is listed twice`);
    else {
      seen.add(read.id);
      devices.push(read);
    }
  }
  return { devices, problems };
}

function readDevice(item: unknown, index: number): Device | string {
  const parsed = deviceSchema.safeParse(item);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return `devices[${index}]${issue === undefined ? '' : `.${issue.path.join('.')}: ${issue.message}`}`;
  }
  const d = parsed.data;
  const id = d.nodeId ?? d.id;
  if (id === undefined) return `devices[${index}] has no nodeId`;
  const addresses = d.addresses.map(parseAddress);
  const advertised = d.advertisedRoutes.map((r) => parsePrefix(r)?.prefix);
  const enabled = d.enabledRoutes.map((r) => parsePrefix(r)?.prefix);
  const bad = [...addresses, ...advertised, ...enabled].includes(undefined);
  if (bad) return `device ${id} (${d.name}): an address or route does not parse`;
  return {
    id,
    ...(d.id === undefined ? {} : { legacyId: d.id }),
    name: d.name,
    hostname: d.hostname,
    user: d.tags.length > 0 || d.user === '' ? undefined : d.user,
    tags: d.tags,
    addresses: addresses.filter((a) => a !== undefined),
    advertisedRoutes: advertised.filter((p) => p !== undefined),
    enabledRoutes: enabled.filter((p) => p !== undefined),
    authorized: d.authorized,
    isExternal: d.isExternal,
  };
}

/** Routes in force: enabled by the control plane and still advertised by the device. */
export function approvedRoutes(device: Device): Prefix[] {
  return device.enabledRoutes.filter((r) => device.advertisedRoutes.some((a) => samePrefix(a, r)));
}

/** `0.0.0.0/0` or `::/0`: the device is offered as an exit node, which is not a subnet route. */
export function isExitRoute(route: Prefix): boolean {
  return route.length === 0;
}

/** Same family, first address and length. */
export function samePrefix(a: Prefix, b: Prefix): boolean {
  return a.length === b.length && containsPrefix(a, b);
}

/** Order-independent text of a list of routes, for comparing and grouping. */
export function routesKey(routes: readonly Prefix[]): string {
  return routes.map(formatPrefix).sort().join(' ');
}
