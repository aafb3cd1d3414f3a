import { AddressSet } from '../../net/address-set.ts';
import { formatPrefix, type Prefix } from '../../net/prefix.ts';
import type { Device } from '../device.ts';
import { samePrefix } from '../device.ts';
import { INTERNET } from '../ranges.ts';
import type { Classes, DeviceClass } from './classes.ts';
import type { DeliveredPart, Delivery } from './deliveries.ts';
import type { PeerRelation } from './peers.ts';
import type { Resolver } from './resolver.ts';
import type { SourceSets } from './rules.ts';

/** Routes that a device is given through one peer. */
export interface OfferedRoutes {
  /** Device id. */
  readonly peer: string;
  readonly prefixes: readonly Prefix[];
  /** Given unless another router of the same prefix is the one in use, which is not known. */
  readonly maybe: readonly Prefix[];
}

interface Parts {
  readonly classes: Classes;
  readonly resolver: Resolver;
  readonly peers: PeerRelation;
  readonly sources: SourceSets;
  readonly deliveriesAt: (c: DeviceClass) => readonly Delivery[];
}

/**
 * Which routes a device is given. A subnet route r of peer m comes to n when m is the router in use for r and a rule on m
 * admits n to something in r, or a rule on n has a source in r (the way back), or n serves r itself. The exit routes of m
 * come to n when a packet rule on m admits n to part of the internet. (Captures of the control plane.)
 */
export class RouteOffers {
  readonly #p: Parts;
  readonly #routers: readonly number[];
  readonly #memo = new Map<string, unknown>();

  constructor(parts: Parts) {
    this.#p = parts;
    this.#routers = parts.classes.list
      .filter((c) => c.subnets.length > 0 || c.exits.length > 0)
      .flatMap((c) => c.members)
      .sort((a, b) => a - b);
  }

  at(n: number): OfferedRoutes[] {
    const nc = this.#p.classes.of(n);
    if (nc === undefined) return [];
    return this.#routers.flatMap((m) => {
      const mc = this.#p.classes.of(m);
      const peer = this.#p.resolver.devices[m];
      if (mc === undefined || peer === undefined || !this.#p.peers.has(n, m)) return [];
      const offered = mc.subnets.filter((r) => this.#concerns(n, nc, m, mc, r));
      const use = (state: Use) => offered.filter((r) => this.#use(m, nc, r) === state);
      const prefixes = [...use('yes'), ...(this.#exit(mc, nc) ? mc.exits : [])];
      const maybe = use('maybe');
      return prefixes.length + maybe.length === 0 ? [] : [{ peer: peer.id, prefixes, maybe }];
    });
  }

  #concerns(n: number, nc: DeviceClass, m: number, mc: DeviceClass, r: Prefix): boolean {
    return this.#serves(nc, r) || this.#sourceIn(n, nc, r) || this.#admits(n, nc, m, mc, r, () => true);
  }

  #serves(c: DeviceClass, r: Prefix): boolean {
    return c.subnets.some((s) => samePrefix(s, r));
  }

  /** A rule on n has a source that meets r. */
  #sourceIn(n: number, nc: DeviceClass, r: Prefix): boolean {
    const set = AddressSet.ofPrefixes(r);
    const byClass = this.#once(`source ${nc.id} ${formatPrefix(r)}`, () =>
      this.#p
        .deliveriesAt(nc)
        .some((d) => d.parts.some((p) => p.to !== 'self') && this.#p.sources.of(d.rule.src).overlaps(set)),
    );
    return byClass || (this.#self(nc) && this.#ownAddresses(this.#family(n)).overlaps(set));
  }

  /** A rule on m, of those that pass `which`, admits n to something in r. */
  #admits(n: number, nc: DeviceClass, m: number, mc: DeviceClass, r: Prefix, which: (d: Delivery) => boolean): boolean {
    const set = AddressSet.ofPrefixes(r);
    const touches = (p: DeliveredPart) =>
      typeof p.to === 'string' ? this.#ownAddresses([m]).overlaps(set) : p.to.overlaps(set);
    return this.#p.deliveriesAt(mc).some((d) => {
      if (!which(d)) return false;
      const admitted = this.#p.classes.sources(d.rule.src).has(nc.id);
      return d.parts.some((p) => (p.to === 'self' ? this.#family(m).includes(n) : admitted) && touches(p));
    });
  }

  #exit(mc: DeviceClass, nc: DeviceClass): boolean {
    if (mc.exits.length === 0) return false;
    return this.#once(`exit ${mc.id} ${nc.id}`, () =>
      this.#p.deliveriesAt(mc).some((d) => {
        if (!d.rule.hasIp || !this.#p.classes.sources(d.rule.src).has(nc.id)) return false;
        return d.parts.some((p) => typeof p.to !== 'string' && p.to.overlaps(INTERNET));
      }),
    );
  }

  /** Whether m is the router that n uses for r: the primary, unless via grants steer n elsewhere. */
  #use(m: number, nc: DeviceClass, r: Prefix): Use {
    const choice = this.#once(`router ${nc.id} ${formatPrefix(r)}`, () => this.#choose(nc, r));
    if (choice.kind === 'unknown') return choice.among.includes(m) ? 'maybe' : 'no';
    return choice.device === m ? 'yes' : 'no';
  }

  #choose(nc: DeviceClass, r: Prefix): Choice {
    const routers = this.#routers.filter((m) => {
      const c = this.#p.classes.of(m);
      return c !== undefined && this.#serves(c, r);
    });
    const covers = (which: (d: Delivery) => boolean) =>
      routers.filter((m) => {
        const mc = this.#p.classes.of(m);
        return mc !== undefined && this.#admitsClass(nc, mc, r, which);
      });
    const plain = covers((d) => d.rule.via === undefined);
    const steered = plain.length > 0 ? [] : covers((d) => d.rule.via !== undefined);
    return primaryAmong(routers, steered, this.#p.resolver.devices, r);
  }

  /** As #admits, for destinations that are the same for the whole class. */
  #admitsClass(nc: DeviceClass, mc: DeviceClass, r: Prefix, which: (d: Delivery) => boolean): boolean {
    const set = AddressSet.ofPrefixes(r);
    return this.#p.deliveriesAt(mc).some((d) => {
      if (!which(d) || !this.#p.classes.sources(d.rule.src).has(nc.id)) return false;
      return d.parts.some((p) => typeof p.to !== 'string' && p.to.overlaps(set));
    });
  }

  #self(c: DeviceClass): boolean {
    return this.#p.deliveriesAt(c).some((d) => d.parts.some((p) => p.to === 'self'));
  }

  #family(device: number): readonly number[] {
    const user = this.#p.resolver.devices[device]?.user;
    return user === undefined ? [] : this.#p.resolver.devicesOf(user);
  }

  #ownAddresses(devices: readonly number[]): AddressSet {
    return this.#p.resolver.addressesOf(devices);
  }

  #once<T>(key: string, compute: () => T): T {
    if (this.#memo.has(key)) return this.#memo.get(key) as T;
    const value = compute();
    this.#memo.set(key, value);
    return value;
  }
}

type Use = 'yes' | 'no' | 'maybe';
type Choice =
  | { readonly kind: 'known'; readonly device: number | undefined }
  | { readonly kind: 'unknown'; readonly among: readonly number[] };

/**
 * The router in use for r: the primary one. Via grants narrow the choice to `steered`; when the primary is not among
 * them, a standby takes over (which of several is an assumption: the first by name).
 */
function primaryAmong(
  routers: readonly number[],
  steered: readonly number[],
  devices: readonly Device[],
  r: Prefix,
): Choice {
  const candidates = steered.length > 0 ? steered : routers;
  if (candidates.length <= 1) return { kind: 'known', device: candidates[0] };
  if (routers.some((m) => devices[m]?.primaryRoutes === undefined)) return { kind: 'unknown', among: candidates };
  const primary = candidates.find((m) => devices[m]?.primaryRoutes?.some((p) => samePrefix(p, r)));
  if (primary !== undefined || steered.length === 0) return { kind: 'known', device: primary };
  const name = (m: number) => devices[m]?.name ?? '';
  return { kind: 'known', device: candidates.toSorted((a, b) => (name(a) < name(b) ? -1 : 1))[0] };
}
