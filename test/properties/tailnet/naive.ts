import { AddressSet } from '../../../src/net/address-set.ts';
import { PacketSet } from '../../../src/net/packet-set.ts';
import { formatPrefix, type Prefix } from '../../../src/net/prefix.ts';
import { approvedRoutes, type Device, isExitRoute, samePrefix } from '../../../src/tailnet/device.ts';
import { rulePackets } from '../../../src/tailnet/filter.ts';
import { type IpSpec, parseIpEntry } from '../../../src/tailnet/policy/ports.ts';
import { INTERNET, WILDCARD_SOURCE } from '../../../src/tailnet/ranges.ts';
import { GROUPS, type Grant, prefix } from './worlds.ts';

/** One destination of a grant on one device. */
interface Placed {
  readonly src: AddressSet;
  readonly dst: AddressSet;
  /** The destination is the device itself. */
  readonly isOwn: boolean;
  readonly ip: readonly IpSpec[];
  readonly via: boolean;
}

/**
 * The meaning of grants, device by device and rule by rule, straight from its definition: nothing is shared, nothing is
 * indexed. Only for policies whose names are all known exactly.
 */
export class NaiveTailnet {
  readonly #devices: readonly Device[];
  readonly #grants: readonly Grant[];
  readonly #placed = new Map<Device, Placed[]>();

  constructor(grants: readonly Grant[], devices: readonly Device[]) {
    this.#grants = grants;
    this.#devices = devices;
  }

  packetsInto(n: Device): PacketSet {
    return PacketSet.unionAll(
      this.#on(n).flatMap(({ src, dst, ip }) =>
        ip.map(({ protocols, ports }) => rulePackets({ src, dst: [{ addresses: dst, ports }], protocols })),
      ),
    );
  }

  peersOf(n: Device): string[] {
    return this.#devices.filter((o) => this.#arePeers(n, o)).map((o) => o.id);
  }

  /** `router: routes`, sorted. */
  routesAt(n: Device): string[] {
    return this.#devices
      .filter((m) => this.#arePeers(n, m))
      .map((m) => {
        const routes = [
          ...subnets(m).filter((r) => this.#concerns(n, m, r) && this.#chosen(n, r) === m),
          ...this.#exits(n, m),
        ];
        return `${m.id}: ${routes.map(formatPrefix).sort().join(' ')}`;
      })
      .filter((line) => !line.endsWith(': '));
  }

  #arePeers(a: Device, b: Device): boolean {
    return (
      a !== b &&
      (this.#on(a).some((p) => p.src.overlaps(reach(b))) || this.#on(b).some((p) => p.src.overlaps(reach(a))))
    );
  }

  #concerns(n: Device, m: Device, r: Prefix): boolean {
    const set = AddressSet.ofPrefixes(r);
    if (subnets(n).some((s) => samePrefix(s, r)) || this.#on(n).some((p) => p.src.overlaps(set))) return true;
    return this.#on(m).some((p) => p.src.overlaps(reach(n)) && p.dst.overlaps(set));
  }

  #chosen(n: Device, r: Prefix): Device | undefined {
    const routers = this.#devices.filter((m) => subnets(m).some((s) => samePrefix(s, r)));
    const covering = (via: boolean) =>
      routers.filter((m) =>
        this.#on(m).some(
          (p) => p.via === via && !p.isOwn && p.src.overlaps(reach(n)) && p.dst.overlaps(AddressSet.ofPrefixes(r)),
        ),
      );
    const steered = covering(false).length > 0 ? [] : covering(true);
    const among = steered.length > 0 ? steered : routers;
    const primary = among.find((m) => m.primaryRoutes?.some((s) => samePrefix(s, r)));
    return primary ?? (steered.length > 0 || among.length === 1 ? among[0] : undefined);
  }

  #exits(n: Device, m: Device): Prefix[] {
    const open = this.#on(m).some((p) => !p.isOwn && p.src.overlaps(reach(n)) && p.dst.overlaps(INTERNET));
    return open ? approvedRoutes(m).filter(isExitRoute) : [];
  }

  #on(n: Device): Placed[] {
    const known = this.#placed.get(n) ?? this.#placeAll(n);
    this.#placed.set(n, known);
    return known;
  }

  #placeAll(n: Device): Placed[] {
    return this.#grants.flatMap((grant) => {
      if (grant.via !== undefined && !grant.via.some((tag) => n.tags.includes(tag))) return [];
      const ip = grant.ip.flatMap((text) => {
        const parsed = parseIpEntry(text);
        return parsed.ok ? [parsed.value] : [];
      });
      return grant.dst.flatMap((name) => {
        const at = this.#place(grant, name, n);
        if (at === undefined) return [];
        const src = name === 'autogroup:self' ? this.#family(n) : union(grant.src.map((s) => this.#source(s)));
        return [{ src, dst: at, isOwn: at === own(n), ip, via: grant.via !== undefined }];
      });
    });
  }

  #place(grant: Grant, name: string, n: Device): AddressSet | undefined {
    const literal = prefix(name);
    if (literal !== undefined) {
      const set = AddressSet.ofPrefixes(literal);
      const isRouted = set.overlaps(AddressSet.ofPrefixes(...subnets(n)));
      return isRouted || (grant.via === undefined && set.overlaps(own(n))) ? set : undefined;
    }
    if (name === 'autogroup:internet') return approvedRoutes(n).some(isExitRoute) ? INTERNET : undefined;
    if (grant.via !== undefined) return undefined;
    if (name === '*') return AddressSet.all;
    if (name === 'autogroup:self')
      return grant.src.some((s) => isMeant(s, n)) && n.tags.length === 0 ? own(n) : undefined;
    return isMeant(name, n) ? own(n) : undefined;
  }

  #source(name: string): AddressSet {
    const literal = prefix(name);
    if (literal !== undefined) return AddressSet.ofPrefixes(literal);
    if (name === 'autogroup:danger-all') return AddressSet.all;
    if (name === '*')
      return union([WILDCARD_SOURCE, ...this.#devices.map((d) => AddressSet.ofPrefixes(...subnets(d)))]);
    return union(this.#devices.filter((d) => isMeant(name, d)).map(own));
  }

  #family(n: Device): AddressSet {
    return union(this.#devices.filter((d) => d.user !== undefined && d.user === n.user).map(own));
  }
}

function isMeant(name: string, d: Device): boolean {
  if (name.startsWith('tag:')) return d.tags.includes(name);
  if (name === 'autogroup:tagged') return d.tags.length > 0;
  if (d.user === undefined) return false;
  return name === 'autogroup:member' || name === d.user || (GROUPS[name] ?? []).includes(d.user);
}

const owned = new WeakMap<Device, AddressSet>();

function own(d: Device): AddressSet {
  const known = owned.get(d) ?? AddressSet.ofAddresses(...d.addresses);
  owned.set(d, known);
  return known;
}

function subnets(d: Device): Prefix[] {
  return approvedRoutes(d).filter((r) => !isExitRoute(r));
}

/** What a source must meet to mean a device. */
function reach(d: Device): AddressSet {
  return own(d).union(AddressSet.ofPrefixes(...subnets(d)));
}

function union(sets: readonly AddressSet[]): AddressSet {
  return sets.reduce((sum, set) => sum.union(set), AddressSet.empty);
}
