import { type Address, formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { containsPrefix, formatPrefix, type Prefix } from '../../net/prefix.ts';
import { approvedRoutes, type Device } from '../../tailnet/device.ts';
import type { Policy } from '../../tailnet/policy/policy.ts';
import type { Selector } from '../../tailnet/policy/selector.ts';
import { TAILNET } from '../intent.ts';
import { addressKey } from './address-key.ts';
import { AddressSupply } from './address-supply.ts';
import { literalsOf } from './literals.ts';

/**
 * Everybody a proof has to speak about: the devices there are; one future holder of every tag and user that the policy
 * or the topology names; whoever gets an address, or routes a network, that a rule names. A rule for a tag that nobody
 * holds today is a hole for whoever gets it tomorrow.
 */
export interface Universe {
  /** Devices that list no address have one here all the same: any that nobody else has. */
  readonly devices: readonly Device[];
  /** Ids of the devices that do not exist yet. */
  readonly future: ReadonlySet<string>;
  /** Ids of the devices that exist, and list no address. */
  readonly unpinned: ReadonlySet<string>;
  /** Addresses of all devices, and of those that exist. */
  readonly addresses: AddressSet;
  readonly presentAddresses: AddressSet;
  /** Source addresses that can arrive through the tunnel, today or once a network that a rule names is routed. */
  readonly sources: AddressSet;
  byId(id: string): Device | undefined;
  /** The device that has an address, in the operator's words. */
  whois(address: Address): string;
  /** Name of a device for people. */
  label(device: Device): string;
  /** What stands for a device in the words of a policy, where neither a tag nor a user does. */
  standIn(device: Device): string | undefined;
}

export interface UniverseParts {
  /** As the API lists them. */
  readonly devices: readonly Device[];
  /** All policies that are going to be interpreted over this universe, or over the one it is compared with. */
  readonly policies: readonly Policy[];
  /** Tags, users and networks that count although no policy names them, such as those of the topology. */
  readonly tags?: readonly string[];
  readonly users?: readonly string[];
  readonly networks?: readonly Prefix[];
  /** Devices of the universe it is compared with: future devices get the same addresses in both. */
  readonly others?: readonly Device[];
}

/** Owner of the future device of a member that no rule names. */
export const ANY_MEMBER = 'future-member@members.invalid';

/** Makes a universe; the same parts give the same addresses. */
export function buildUniverse(parts: UniverseParts): Universe {
  const { policies, others = [] } = parts;
  const literals = literalsOf(policies);
  const supply = new AddressSupply([...parts.devices, ...others]);
  const unpinned = new Set(parts.devices.filter((d) => d.addresses.length === 0).map((d) => d.id));
  const present = parts.devices.map((d) => (unpinned.has(d.id) ? { ...d, addresses: supply.pair() } : d));
  const tags = new Set([...(parts.tags ?? []), ...policies.flatMap(tagsOf)]);
  const users = new Set([ANY_MEMBER, ...(parts.users ?? []), ...policies.flatMap(usersOf)]);
  // The same for both of two universes that are compared: whoever routes it on either side is there on both.
  const routed = [...present, ...others].flatMap(approvedRoutes).filter((r) => r.length > 0);
  const networks = [...literals.routed, ...(parts.networks ?? [])].filter(
    (p, i, all) => !routed.some((r) => containsPrefix(r, p)) && all.findIndex((q) => samePrefix(p, q)) === i,
  );
  const through = [...new Set(policies.flatMap((p) => p.rules.flatMap((r) => r.via.map((v) => v.text.trim()))))].sort();
  const holders: readonly (readonly [Device, string])[] = [
    ...[...tags].sort().map((tag) => futureDevice(tag, `a future holder of ${tag}`, supply.pair(), { tags: [tag] })),
    ...[...users].sort().map((user) => {
      const words = user === ANY_MEMBER ? 'a future device of any member' : `a future device of ${user}`;
      return futureDevice(user, words, supply.pair(), { user });
    }),
    ...literals.held.flatMap((p) => {
      const address = supply.within(p);
      const name = formatPrefix(p);
      return address === undefined ? [] : [futureDevice(name, `whoever gets an address of ${name}`, [address], {})];
    }),
    // A router of tomorrow may carry whatever tag a rule sends its packets through.
    ...networks.map((p) =>
      futureDevice(`${formatPrefix(p)} router`, `whoever routes ${formatPrefix(p)}`, [], {
        tags: through,
        routes: [p],
      }),
    ),
    ...(policies.some(namesInternet)
      ? [futureDevice('exit', 'whoever is an exit node', [], { tags: through, routes: EXIT_ROUTES })]
      : []),
  ];
  const devices = [...present, ...holders.map(([d]) => d)];
  const words = new Map(holders.map(([d, text]) => [d.id, text]));
  const ids = new Map(devices.map((d) => [d.id, d]));
  const label = (d: Device) => words.get(d.id) ?? (d.hostname || d.name || d.id);
  const byAddress = new Map(devices.flatMap((d) => d.addresses.map((a) => [addressKey(a), d] as const)));
  return {
    devices,
    future: new Set(words.keys()),
    unpinned,
    addresses: AddressSet.ofAddresses(...devices.flatMap((d) => d.addresses)),
    presentAddresses: AddressSet.ofAddresses(...present.flatMap((d) => d.addresses)),
    sources: TAILNET.union(AddressSet.ofPrefixes(...present.flatMap(approvedRoutes))).union(literals.sources),
    byId: (id) => ids.get(id),
    label,
    standIn: (d) => (d.id.startsWith('future:tag:') || d.user !== undefined ? undefined : words.get(d.id)),
    whois(address) {
      const device = byAddress.get(addressKey(address));
      return device === undefined ? `whoever has ${formatAddress(address)}` : label(device);
    },
  };
}

/** What an exit node offers. */
const EXIT_ROUTES: readonly Prefix[] = [
  { family: 4, first: 0n, length: 0 },
  { family: 6, first: 0n, length: 0 },
];

function namesInternet(policy: Policy): boolean {
  return policy.rules.some((rule) => rule.dst.some((t) => t.selector.kind === 'internet'));
}

/** Every tag that a policy gives a meaning to. */
function tagsOf(policy: Policy): string[] {
  return [...policy.tagOwners.keys(), ...selectorsOf(policy).flatMap((s) => (s.kind === 'tag' ? [s.name] : []))];
}

/** Every user that a policy names, one stranger of every domain it names included. */
function usersOf(policy: Policy): string[] {
  const members = [...policy.groups.values()].flatMap((g) => g.items.map((i) => i.text.trim()));
  const named = selectorsOf(policy).flatMap((s) => {
    if (s.kind === 'user') return [s.login];
    return s.kind === 'domain' ? [`future-member@${s.domain}`] : [];
  });
  return [...members.filter((t) => t.includes('@')).map(anyOfDomain), ...named];
}

/** `user:*@example.com` stands for everybody of the domain: one stranger does. */
function anyOfDomain(member: string): string {
  return member.replace(/^user:\*@/, 'future-member@');
}

function selectorsOf(policy: Policy): Selector[] {
  const refs = [
    ...policy.rules.flatMap((r) => [...r.src, ...r.dst, ...r.via]),
    ...policy.ssh.flatMap((entry) => [...entry.src, ...entry.dst]),
    ...policy.nodeAttrs.flatMap((entry) => entry.target),
  ];
  return refs.map((ref) => ref.selector);
}

function futureDevice(
  name: string,
  words: string,
  addresses: readonly Address[],
  { tags = [], user, routes = [] }: { tags?: readonly string[]; user?: string; routes?: readonly Prefix[] },
): readonly [Device, string] {
  const device: Device = {
    id: `future:${name}`,
    name: '',
    hostname: '',
    user,
    tags,
    addresses,
    advertisedRoutes: routes,
    enabledRoutes: routes,
    authorized: true,
    isExternal: false,
  };
  return [device, words];
}

function samePrefix(a: Prefix, b: Prefix): boolean {
  return a.length === b.length && containsPrefix(a, b);
}
