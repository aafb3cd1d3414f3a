import type { Address } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { overlaps, type Prefix } from '../../net/prefix.ts';

/**
 * IPv6 addresses that stand for IPv4 addresses behind a subnet router: 32 bits of site, then the IPv4 address
 * (tailscale/tailscale `net/tsaddr/tsaddr.go` TailscaleViaRange, MapVia, UnmapVia).
 */
export const VIA_RANGE: Prefix = { family: 6, first: 0xfd7a115ca1e00b1an << 64n, length: 64 };

const IPV4_BITS = 32;

/**
 * The addresses under which some of `addresses` can be reached through a route: themselves, and for a route inside the
 * 4via6 range their stand-ins at its site. A route that spans sites counts as a whole.
 */
export function behindRoute(addresses: readonly Address[], route: Prefix): AddressSet {
  const direct = AddressSet.ofAddresses(...addresses);
  // An exit node leads to the internet, not to a site.
  if (route.family !== 6 || route.length === 0 || !overlaps(VIA_RANGE, route)) return direct;
  const v4 = addresses.filter((a) => a.family === 4);
  if (v4.length === 0) return direct;
  if (route.length < 128 - IPV4_BITS) {
    return direct.union(AddressSet.ofPrefixes(route).intersect(AddressSet.ofPrefixes(VIA_RANGE)));
  }
  const site = (route.first >> 32n) << 32n;
  const mapped = v4.map((a): Address => ({ family: 6, value: site | a.value }));
  return direct.union(AddressSet.ofAddresses(...mapped).intersect(AddressSet.ofPrefixes(route)));
}
