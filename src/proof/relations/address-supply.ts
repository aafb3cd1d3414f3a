import type { Address, Family } from '../../net/address.ts';
import { lastAddress, type Prefix, TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import type { Device } from '../../tailnet/device.ts';
import { addressKey } from './address-key.ts';

/** How many addresses of a prefix are tried before it counts as full. */
const TRIES = 4096;

/** Tailnet addresses that no device has, for devices that do not exist yet; the same asked for in the same order. */
export class AddressSupply {
  readonly #taken: Set<string>;
  /** From the upper end of both ranges, the last address left out. */
  #v4 = TAILNET_V4.first + (1n << 22n) - 2n;
  #v6 = TAILNET_V6.first + (1n << 80n) - 2n;

  constructor(devices: readonly Device[]) {
    this.#taken = new Set(devices.flatMap((d) => d.addresses.map(addressKey)));
  }

  /** One of each family. */
  pair(): readonly Address[] {
    this.#v4 = this.#free(4, this.#v4);
    this.#v6 = this.#free(6, this.#v6);
    return [this.#take(4, this.#v4), this.#take(6, this.#v6)];
  }

  /** A free one inside the prefix, the last by number; undefined where devices have them all. */
  within(prefix: Prefix): Address | undefined {
    const last = lastAddress(prefix).value;
    for (let value = last; value >= prefix.first && last - value < TRIES; value--) {
      if (!this.#taken.has(addressKey({ family: prefix.family, value }))) return this.#take(prefix.family, value);
    }
    return undefined;
  }

  #free(family: Family, from: bigint): bigint {
    let value = from;
    while (this.#taken.has(addressKey({ family, value }))) value--;
    return value;
  }

  #take(family: Family, value: bigint): Address {
    const address: Address = { family, value };
    this.#taken.add(addressKey(address));
    return address;
  }
}
