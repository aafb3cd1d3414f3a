import { type Address, type Family, formatAddress } from '../../net/address.ts';
import { TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Policy } from '../../tailnet/policy/policy.ts';
import type { Selector } from '../../tailnet/policy/selector.ts';

/**
 * Everybody a proof has to speak about: the devices there are, and one future holder of every tag and user that the
 * policy or the topology names. A rule for a tag that nobody holds today is a hole for whoever gets it tomorrow.
 */
export interface Universe {
  readonly devices: readonly Device[];
  /** Ids of the devices that do not exist yet. */
  readonly future: ReadonlySet<string>;
  /** The device that has an address, in the operator's words. */
  whois(address: Address): string;
  /** Name of a device for people. */
  label(device: Device): string;
}

/** Owner of the future device of a member that no rule names. */
export const ANY_MEMBER = 'future-member@members.invalid';

/**
 * @param devices as the API lists them
 * @param policies all policies that are going to be interpreted over this universe, or over the one it is compared with
 * @param tags tags that count although no policy names them, such as those of the topology's roles
 * @param others devices of the universe it is compared with: future devices get the same addresses in both
 */
export function buildUniverse(
  devices: readonly Device[],
  policies: readonly Policy[],
  tags: readonly string[],
  others: readonly Device[] = [],
): Universe {
  const allTags = new Set([...tags, ...policies.flatMap(tagsOf)]);
  const users = new Set([ANY_MEMBER, ...policies.flatMap(usersOf)]);
  const next = freshAddresses([...devices, ...others]);
  const holders = [
    ...[...allTags].sort().map((tag) => futureDevice(tag, next(), { tags: [tag], user: undefined })),
    ...[...users].sort().map((user) => futureDevice(user, next(), { tags: [], user })),
  ];
  const all = [...devices, ...holders];
  const future = new Set(holders.map((d) => d.id));
  const label = (d: Device) => {
    if (!future.has(d.id)) return d.hostname || d.name || d.id;
    if (d.user === ANY_MEMBER) return 'a future device of any member';
    return d.user === undefined ? `a future holder of ${d.tags[0]}` : `a future device of ${d.user}`;
  };
  const byAddress = new Map(all.flatMap((d) => d.addresses.map((a) => [formatAddress(a), d] as const)));
  return {
    devices: all,
    future,
    label,
    whois(address) {
      const text = formatAddress(address);
      const device = byAddress.get(text);
      return device === undefined ? `whoever has ${text}` : label(device);
    },
  };
}

/** Every tag that a policy gives a meaning to. */
function tagsOf(policy: Policy): string[] {
  return [...policy.tagOwners.keys(), ...selectorsOf(policy).flatMap((s) => (s.kind === 'tag' ? [s.name] : []))];
}

/** Every user that a policy names, one stranger of every domain it names included. */
function usersOf(policy: Policy): string[] {
  const members = [...policy.groups.values()].flatMap((g) => g.items.map((i) => i.text)).filter((t) => t.includes('@'));
  const named = selectorsOf(policy).flatMap((s) => {
    if (s.kind === 'user') return [s.login];
    return s.kind === 'domain' ? [`future-member@${s.domain}`] : [];
  });
  return [...members, ...named];
}

function selectorsOf(policy: Policy): Selector[] {
  return policy.rules.flatMap((r) => [...r.src, ...r.dst, ...r.via].map((ref) => ref.selector));
}

function futureDevice(
  name: string,
  addresses: readonly Address[],
  identity: { tags: readonly string[]; user: string | undefined },
): Device {
  return {
    id: `future:${name}`,
    name: '',
    hostname: '',
    user: identity.user,
    tags: identity.tags,
    addresses,
    advertisedRoutes: [],
    enabledRoutes: [],
    authorized: true,
    isExternal: false,
  };
}

/** Pairs of addresses from the upper end of the tailnet's ranges that no device has. */
function freshAddresses(devices: readonly Device[]): () => readonly Address[] {
  const taken = new Set(devices.flatMap((d) => d.addresses.map(formatAddress)));
  let v4 = TAILNET_V4.first + (1n << 22n) - 2n;
  let v6 = TAILNET_V6.first + (1n << 80n) - 2n;
  const free = (family: Family, from: bigint): bigint => {
    let value = from;
    while (taken.has(formatAddress({ family, value }))) value--;
    return value;
  };
  return () => {
    v4 = free(4, v4);
    v6 = free(6, v6);
    const pair: readonly Address[] = [
      { family: 4, value: v4-- },
      { family: 6, value: v6-- },
    ];
    return pair;
  };
}
