import type { Address } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';

/** Small enough to be passed as arguments: engines limit how many a call may have. */
const CHUNK = 8192;

/** The set of a list of addresses of any length. */
export function addressSetOf(addresses: readonly Address[]): AddressSet {
  if (addresses.length <= CHUNK) return AddressSet.ofAddresses(...addresses);
  const middle = addresses.length >> 1;
  return addressSetOf(addresses.slice(0, middle)).union(addressSetOf(addresses.slice(middle)));
}
