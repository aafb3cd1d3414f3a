import { ADDRESS_BITS, type Address } from '../../net/address.ts';
import { containsAddress, type Prefix } from '../../net/prefix.ts';
import { addressKey } from '../../proof/relations/address-key.ts';
import type { LabLink } from '../layout.ts';

/** One route. `via` undefined: whoever has the address is on the device's network. */
export interface Route {
  readonly prefix: Prefix;
  readonly device: string;
  readonly via: Address | undefined;
  /** 0: the kernel's own, made with the address. */
  readonly metric: number;
}

/** A routing table, and what the kernel finds in it: the longest prefix, among equals the lowest metric. */
export class RouteTable {
  readonly routes: readonly Route[];
  readonly #single = new Map<string, Route[]>();
  readonly #wide: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    const isSingle = (r: Route) => r.prefix.length === ADDRESS_BITS[r.prefix.family];
    const ordered = routes.toSorted((a, b) => b.prefix.length - a.prefix.length || a.metric - b.metric);
    this.#wide = ordered.filter((r) => !isSingle(r));
    for (const r of ordered.filter(isSingle)) {
      const key = addressKey({ family: r.prefix.family, value: r.prefix.first });
      this.#single.set(key, [...(this.#single.get(key) ?? []), r]);
    }
  }

  /** @param device a socket bound to a device sees only the routes over it */
  find(to: Address, device?: string): Route | undefined {
    const fits = (r: Route) => device === undefined || r.device === device;
    const single = this.#single.get(addressKey(to))?.find(fits);
    return single ?? this.#wide.find((r) => fits(r) && containsAddress(r.prefix, to));
  }
}

/** The network that an address with a prefix length lies in. */
export function networkOf({ address, length }: LabLink['addresses'][number]): Prefix {
  const shift = BigInt(ADDRESS_BITS[address.family] - length);
  return { family: address.family, first: (address.value >> shift) << shift, length };
}

/** True when the kernel looks for the address on the link itself. */
export function isOnLink(link: LabLink, address: Address): boolean {
  return link.addresses.some(
    (a) => a.length < ADDRESS_BITS[a.address.family] && containsAddress(networkOf(a), address),
  );
}
