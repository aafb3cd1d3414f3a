import type { Address, Family } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { type Prefix, TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import type { Device } from '../device.ts';
import type { Policy } from '../policy/policy.ts';
import { parseSelector, type Selector } from '../policy/selector.ts';
import { WILDCARD_SOURCE } from '../ranges.ts';
import { references } from './references.ts';

/**
 * One device for every kind that the selectors of a policy can tell apart: a holder of each tag alone, a device of each
 * user, and of a stranger in each domain and in none. What one union of selectors covers of another on these devices, it
 * covers on every tailnet: selectors only ask for one tag or one owner, so a device with more tags is met by more of
 * them, on both sides.
 */
export function sampleDevices(policy: Policy): Device[] {
  const selectors = references(policy).map((r) => r.ref.selector);
  const tags = new Set([...policy.tagOwners.keys(), ...selectors.flatMap((s) => (s.kind === 'tag' ? s.name : []))]);
  const members = [...policy.groups.values()].flatMap((g) => g.items.map((i) => parseSelector(i.text)));
  const logins = new Set([...selectors, ...members].flatMap(loginsOf));
  const free = freeAddresses(literals(policy, selectors));
  return [
    ...[...tags].map((tag) => sample(tag, undefined, [tag], free)),
    ...[...logins, 'stranger@'].map((login) => sample(login, login, [], free)),
  ];
}

/** The user, or somebody whom nothing else names. */
function loginsOf(s: Selector): string[] {
  if (s.kind === 'user') return [s.login.toLowerCase()];
  return s.kind === 'domain' ? [`stranger@${s.domain.toLowerCase()}`] : [];
}

function sample(name: string, user: string | undefined, tags: readonly string[], free: Iterator<Address[]>): Device {
  return {
    id: name,
    name,
    hostname: name,
    user,
    tags,
    addresses: free.next().value ?? [],
    advertisedRoutes: [],
    enabledRoutes: [],
    authorized: true,
    isExternal: false,
  };
}

/** Prefixes that the policy names and that not every device lies in: no sample may lie in one by chance. */
function literals(policy: Policy, selectors: readonly Selector[]): AddressSet {
  const hosts = [...policy.hosts.values()].flatMap((h) => h.prefix ?? []);
  const named = selectors.flatMap((s) => (s.kind === 'prefix' ? s.prefix : []));
  const sets = [...policy.ipsets.values()].flatMap((set) =>
    set.operations.flatMap(({ target: { selector: s } }) => (s.kind === 'prefix' ? s.prefix : [])),
  );
  const isWide = (p: Prefix) => p.length <= (p.family === 4 ? TAILNET_V4 : TAILNET_V6).length;
  return AddressSet.ofPrefixes(...[...hosts, ...named, ...sets].filter((p) => !isWide(p)));
}

/** An IPv4 and an IPv6 address at a time. */
function* freeAddresses(taken: AddressSet): Generator<Address[], undefined> {
  const left = WILDCARD_SOURCE.subtract(taken);
  const values = (family: Family) => valuesOf((family === 4 ? left.v4 : left.v6).intervals);
  const [v4, v6] = [values(4), values(6)];
  for (;;) {
    const [a, b] = [v4.next().value, v6.next().value];
    yield [
      ...(a === undefined ? [] : [{ family: 4 as const, value: a }]),
      ...(b === undefined ? [] : [{ family: 6 as const, value: b }]),
    ];
  }
}

function* valuesOf(intervals: readonly (readonly [bigint, bigint])[]): Generator<bigint, undefined> {
  for (const [low, high] of intervals) for (let value = low; value <= high; value++) yield value;
}
