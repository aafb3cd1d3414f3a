import { TAILNET } from '../ranges.ts';
import { Bitset } from './bitset.ts';
import type { Classes, DeviceClass } from './classes.ts';
import type { Delivery } from './deliveries.ts';
import type { Resolver } from './resolver.ts';

/**
 * Who sees whom. Two devices are peers when a rule on one of them (packet rule, capability, or a via grant that selects
 * it) has a source that meets the other's addresses or approved subnet routes; always in both directions (captures).
 */
export class PeerRelation {
  readonly #classes: Classes;
  readonly #resolver: Resolver;
  /** For every class, the classes that its rules admit; completed to both directions. */
  readonly #peers: readonly Bitset[];
  /** For every class, whether an `autogroup:self` rule is placed on it. */
  readonly #self: readonly boolean[];
  /** Routers whose approved subnets hold tailnet addresses: they meet sources that are devices. */
  readonly #overlayRouters: readonly number[];

  constructor(classes: Classes, resolver: Resolver, deliveriesAt: (c: DeviceClass) => readonly Delivery[]) {
    this.#classes = classes;
    this.#resolver = resolver;
    this.#peers = classes.list.map(() => new Bitset(classes.list.length));
    this.#self = classes.list.map((c) => deliveriesAt(c).some((d) => d.parts.some((p) => p.to === 'self')));
    this.#overlayRouters = classes.list.filter((c) => c.subnetAddresses.overlaps(TAILNET)).flatMap((c) => c.members);
    for (const c of classes.list) {
      const admitted = new Bitset(classes.list.length);
      for (const { rule, parts } of deliveriesAt(c)) {
        if (parts.some((p) => p.to !== 'self')) admitted.addAll(classes.sources(rule.src));
      }
      for (const other of admitted.values()) {
        this.#peers[c.id]?.add(other);
        this.#peers[other]?.add(c.id);
      }
    }
  }

  /** Positions of a device's peers, ascending, without itself. */
  of(device: number): number[] {
    const c = this.#classes.of(device);
    if (c === undefined) return [];
    const found = new Set<number>();
    for (const id of this.#peers[c.id]?.values() ?? []) {
      for (const member of this.#classes.list[id]?.members ?? []) found.add(member);
    }
    for (const other of this.#selfCandidates(device, c)) {
      if (this.#selfAdmits(device, other) || this.#selfAdmits(other, device)) found.add(other);
    }
    found.delete(device);
    return [...found].sort((a, b) => a - b);
  }

  has(device: number, other: number): boolean {
    if (device === other) return false;
    const c = this.#classes.of(device);
    const o = this.#classes.of(other);
    if (c === undefined || o === undefined) return false;
    if (this.#peers[c.id]?.has(o.id)) return true;
    return this.#selfAdmits(device, other) || this.#selfAdmits(other, device);
  }

  /** Devices that an `autogroup:self` rule could make peers: those of one owner, and routers of tailnet addresses. */
  #selfCandidates(device: number, c: DeviceClass): readonly number[] {
    const candidates = [...this.#sameOwner(device), ...this.#overlayRouters];
    if (!this.#overlayRouters.includes(device)) return candidates;
    return [...candidates, ...this.#classes.list.filter((o) => this.#self[o.id] && o !== c).flatMap((o) => o.members)];
  }

  /** Whether an `autogroup:self` rule on one device has a source that meets another device. */
  #selfAdmits(to: number, from: number): boolean {
    if (!this.#self[this.#classes.of(to)?.id ?? -1]) return false;
    const family = this.#sameOwner(to);
    if (family.includes(from)) return true;
    const subnets = this.#overlayRouters.includes(from) ? this.#classes.of(from)?.subnetAddresses : undefined;
    return subnets?.overlaps(this.#resolver.addressesOf(family)) ?? false;
  }

  #sameOwner(device: number): readonly number[] {
    const user = this.#resolver.devices[device]?.user;
    return user === undefined ? [] : this.#resolver.devicesOf(user);
  }
}
