import { TAILNET } from '../ranges.ts';
import type { Bitset } from './bitset.ts';
import type { Classes, DeviceClass } from './classes.ts';
import type { Resolver } from './resolver.ts';

/** Devices of one class and one owner: by `autogroup:self` all of them have the same peers, apart from themselves. */
interface Kin {
  readonly c: DeviceClass;
  readonly owner: string | undefined;
  readonly members: number[];
}

/**
 * The peers that `autogroup:self` makes: on each device of a class that such a rule is placed on, the devices of the same
 * owner are the source. Classes do not tell owners apart, so this is decided between devices.
 */
export class SelfPeers {
  readonly #classes: Classes;
  readonly #resolver: Resolver;
  readonly #placed: Bitset;
  /** Routers whose approved subnets hold tailnet addresses: they meet sources that are devices. */
  readonly #overlayRouters: ReadonlySet<number>;

  /** @param placed the classes that an `autogroup:self` rule is placed on */
  constructor(classes: Classes, resolver: Resolver, placed: Bitset) {
    this.#classes = classes;
    this.#resolver = resolver;
    this.#placed = placed;
    const routers = classes.routers.filter((c) => c.subnetAddresses.overlaps(TAILNET));
    this.#overlayRouters = new Set(routers.flatMap((c) => c.members));
  }

  /** Every device that could be a peer of a device, and perhaps others. */
  candidates(device: number): readonly number[] {
    const near = [...this.#family(device), ...this.#overlayRouters];
    return this.#overlayRouters.has(device) ? [...near, ...this.#placedClasses().flatMap((c) => c.members)] : near;
  }

  /** Whether a rule on one of the two has a source that meets the other. */
  has(device: number, other: number): boolean {
    return this.#admits(device, other) || this.#admits(other, device);
  }

  /**
   * How many ordered pairs are peers by these rules and by no other.
   * @param isPeer whether the devices of two classes are peers anyway
   */
  pairs(isPeer: (a: DeviceClass, b: DeviceClass) => boolean): number {
    if (this.#placedClasses().length === 0) return 0;
    let pairs = 0;
    const count = (a: Kin, b: Kin) => {
      const [device] = a.members;
      const other = b.members[a === b ? 1 : 0];
      if (device === undefined || other === undefined || isPeer(a.c, b.c) || !this.has(device, other)) return;
      pairs += a === b ? a.members.length * (a.members.length - 1) : 2 * a.members.length * b.members.length;
    };
    const kins = this.#kins();
    for (const family of Map.groupBy(
      kins.filter((k) => k.owner !== undefined),
      (k) => k.owner,
    ).values()) {
      for (const [i, a] of family.entries()) for (const b of family.slice(i)) count(a, b);
    }
    const routers = kins.filter((k) => this.#overlayRouters.has(k.members[0] ?? -1));
    const counted = new Set<Kin>();
    for (const router of routers) {
      counted.add(router);
      const strangers = kins.filter((k) => !counted.has(k) && (k.owner === undefined || k.owner !== router.owner));
      for (const k of strangers) count(router, k);
    }
    return pairs;
  }

  /** Whether a rule on the one has a source that meets the other. */
  #admits(to: number, from: number): boolean {
    if (!this.#placed.has(this.#classes.of(to)?.id ?? -1)) return false;
    const device = this.#resolver.devices[from];
    const owner = this.#ownerOf(to);
    if (owner !== undefined && owner === this.#ownerOf(from) && device?.isExternal === false) return true;
    if (!this.#overlayRouters.has(from)) return false;
    const subnets = this.#classes.of(from)?.subnetAddresses;
    return subnets?.overlaps(this.#resolver.addressesOf(this.#family(to))) ?? false;
  }

  #placedClasses(): DeviceClass[] {
    return [...this.#placed.values()].flatMap((id) => this.#classes.list[id] ?? []);
  }

  #ownerOf(device: number): string | undefined {
    return this.#resolver.devices[device]?.user?.toLowerCase();
  }

  #family(device: number): readonly number[] {
    const owner = this.#ownerOf(device);
    return owner === undefined ? [] : this.#resolver.devicesOf(owner);
  }

  /** A shared-in device is kin of nobody: it carries its owner's name, and is not of his devices here. */
  #kins(): Kin[] {
    const kins = new Map<string, Kin>();
    for (const c of this.#classes.list) {
      for (const device of c.members) {
        const owner = this.#ownerOf(device);
        const isExternal = this.#resolver.devices[device]?.isExternal ?? false;
        const key = `${c.id} ${isExternal} ${owner ?? ''}`;
        const known = kins.get(key);
        if (known === undefined) kins.set(key, { c, owner, members: [device] });
        else known.members.push(device);
      }
    }
    return [...kins.values()];
  }
}
