import { AddressSet } from '../../net/address-set.ts';
import type { Prefix } from '../../net/prefix.ts';
import { approvedRoutes, type Device, isExitRoute } from '../device.ts';
import type { Policy, SelectorRef } from '../policy/policy.ts';
import { isIdentity, parseSelector, type Selector } from '../policy/selector.ts';
import { INTERNET, TAILNET, WILDCARD_SOURCE } from '../ranges.ts';
import { addressSetOf } from './address-list.ts';
import { DeviceIndex } from './device-index.ts';
import { addedTargets } from './ip-sets.ts';

/**
 * One selector, resolved once: the devices that it means (identity selectors) or whose own addresses lie in it (the
 * others), and its addresses as a source.
 */
export interface Resolved {
  readonly id: number;
  readonly selector: Selector;
  /** Positions in the device list, ascending. */
  readonly devices: readonly number[];
  readonly addresses: AddressSet;
  /** False: an upper bound, because the selector is not modelled or not defined. */
  readonly exact: boolean;
}

/**
 * Resolves selectors against the devices of a tailnet (semantics: captures of the control plane; Tailscale
 * documentation for what they lack). Users, groups and `autogroup:member` mean untagged devices. A literal has no twin
 * in the other family. What is not modelled resolves to an upper bound.
 */
export class Resolver {
  readonly devices: readonly Device[];
  readonly #policy: Policy;
  readonly #index: DeviceIndex;
  readonly #memo = new Map<string, Resolved>();
  readonly #byUser = new Map<string, number[]>();
  readonly #byTag = new Map<string, number[]>();
  readonly #untagged: number[] = [];
  readonly #tagged: number[] = [];
  readonly #wildcard: AddressSet;

  constructor(policy: Policy, devices: readonly Device[]) {
    this.#policy = policy;
    this.devices = devices;
    this.#index = new DeviceIndex(devices);
    const routes = new Map<string, Prefix>();
    for (const [i, device] of devices.entries()) {
      this.#register(device, i);
      for (const r of approvedRoutes(device)) if (!isExitRoute(r)) routes.set(`${r.family}/${r.first}/${r.length}`, r);
    }
    this.#wildcard = WILDCARD_SOURCE.union(AddressSet.ofPrefixes(...routes.values()));
  }

  /** A shared-in device keeps its owner, but tags and membership of its own tailnet mean nothing here. */
  #register(device: Device, i: number): void {
    if (device.user !== undefined) append(this.#byUser, device.user.toLowerCase(), i);
    if (device.isExternal) return;
    if (device.tags.length > 0) this.#tagged.push(i);
    else this.#untagged.push(i);
    for (const tag of device.tags) append(this.#byTag, tag, i);
  }

  /** All selectors resolved so far. */
  resolved(): Iterable<Resolved> {
    return this.#memo.values();
  }

  resolve(ref: Pick<SelectorRef, 'text' | 'selector'>): Resolved {
    const key = ref.text.trim();
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const fresh = resolved(this.#memo.size, ref.selector, this.#lookUp(ref.selector));
    this.#memo.set(key, fresh);
    return fresh;
  }

  /**
   * A destination as the targets that place a rule: an IP set as what it adds, each an upper bound, everything else as
   * it is.
   */
  resolveDestination(ref: Pick<SelectorRef, 'text' | 'selector'>): readonly Resolved[] {
    if (ref.selector.kind !== 'ipset') return [this.resolve(ref)];
    const { name } = ref.selector;
    return addedTargets(this.#policy, name)?.map((target) => this.#partOf(name, target)) ?? [this.resolve(ref)];
  }

  #partOf(ipset: string, target: SelectorRef): Resolved {
    const key = `${ipset} ${target.text}`;
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const addresses = this.#added(target.selector);
    const devices = this.#index.within(addresses);
    const fresh = resolved(this.#memo.size, target.selector, { devices, addresses: () => addresses, exact: false });
    this.#memo.set(key, fresh);
    return fresh;
  }

  /** Untagged devices of one owner, for `autogroup:self`. */
  devicesOf(login: string): readonly number[] {
    const all = this.#byUser.get(login.toLowerCase()) ?? [];
    return all.filter((i) => this.devices[i]?.isExternal === false);
  }

  addressesOf(devices: readonly number[]): AddressSet {
    return addressSetOf(devices.flatMap((i) => this.devices[i]?.addresses ?? []));
  }

  #lookUp(selector: Selector): Meaning {
    if (isIdentity(selector)) {
      const { devices, exact } = this.#identity(selector);
      return { devices, addresses: () => this.addressesOf(devices), exact };
    }
    const { addresses, exact } = this.#literal(selector);
    return { devices: this.#index.within(addresses), addresses: () => addresses, exact };
  }

  #identity(selector: Selector): { devices: readonly number[]; exact: boolean } {
    const exactly = (devices: readonly number[] | undefined) => ({ devices: devices ?? [], exact: true });
    switch (selector.kind) {
      case 'user':
        return exactly(this.#byUser.get(selector.login.toLowerCase()));
      case 'domain':
        return {
          devices: this.#untagged.filter((i) => hasDomain(this.devices[i]?.user, selector.domain)),
          exact: false,
        };
      case 'tag':
        return exactly(this.#byTag.get(selector.name));
      case 'member':
        return exactly(this.#untagged);
      case 'tagged':
        return exactly(this.#tagged);
      case 'group':
        return this.#group(selector.name);
      default:
        return { devices: this.#untagged, exact: false };
    }
  }

  /** A group that the policy does not define may be synchronised from an identity provider: any user may be in it. */
  #group(name: string): { devices: readonly number[]; exact: boolean } {
    const group = this.#policy.groups.get(name);
    if (group === undefined) return { devices: this.#untagged, exact: false };
    const members = group.items.map((item) => parseSelector(item.text));
    if (members.some((m) => m.kind !== 'user' && m.kind !== 'domain')) return { devices: this.#untagged, exact: false };
    const found = members.map((m) => this.#identity(m));
    const devices = [...new Set(found.flatMap((f) => f.devices))].sort((a, b) => a - b);
    return { devices, exact: found.every((f) => f.exact) };
  }

  /**
   * Devices of users who accepted an invitation, which the device list does not have: they come with a tailnet address
   * that no device of this tailnet has, and without the subnets behind them (Tailscale documentation, "Sharing").
   */
  #strangers(): AddressSet {
    const own = this.devices.flatMap((d, i) => (d.isExternal ? [] : [i]));
    return TAILNET.subtract(this.addressesOf(own));
  }

  #ipSet(name: string): AddressSet {
    const added = addedTargets(this.#policy, name)?.map((target) => this.#added(target.selector));
    return added?.reduce((sum, set) => sum.union(set), AddressSet.empty) ?? AddressSet.all;
  }

  /** What a target adds to an IP set. */
  #added(target: Selector): AddressSet {
    return target.kind === 'internet' ? INTERNET : this.#literal(target).addresses;
  }

  #literal(selector: Selector): { addresses: AddressSet; exact: boolean } {
    switch (selector.kind) {
      case 'any':
        return { addresses: this.#wildcard, exact: true };
      case 'danger-all':
        return { addresses: AddressSet.all, exact: true };
      case 'prefix':
        return { addresses: AddressSet.ofPrefixes(selector.prefix), exact: !selector.hostBits };
      case 'host': {
        const prefix = this.#policy.hosts.get(selector.name)?.prefix;
        if (prefix !== undefined) return { addresses: AddressSet.ofPrefixes(prefix), exact: true };
        return { addresses: AddressSet.all, exact: false };
      }
      case 'shared':
        return { addresses: this.#strangers(), exact: false };
      case 'ipset':
        return { addresses: this.#ipSet(selector.name), exact: false };
      default:
        return { addresses: AddressSet.all, exact: false };
    }
  }
}

/** What a selector means; the addresses of many devices are put together only where somebody asks for them. */
interface Meaning extends Pick<Resolved, 'devices' | 'exact'> {
  readonly addresses: () => AddressSet;
}

function resolved(id: number, selector: Selector, { devices, exact, addresses }: Meaning): Resolved {
  let made: AddressSet | undefined;
  return {
    id,
    selector,
    devices,
    exact,
    get addresses() {
      made ??= addresses();
      return made;
    },
  };
}

function append(map: Map<string, number[]>, key: string, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function hasDomain(login: string | undefined, domain: string): boolean {
  return login?.toLowerCase().endsWith(`@${domain.toLowerCase()}`) ?? false;
}
