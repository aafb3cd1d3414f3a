import { type Address, type Family, formatAddress } from '../net/address.ts';
import { AddressSet } from '../net/address-set.ts';
import type { Device } from '../tailnet/device.ts';
import { cutList } from './cut-list.ts';

/** Sets with more addresses are not searched for devices. */
const LOOKED_UP = 64n;

/** Says a set of addresses by the names of the devices that it is made of, where it is small and nothing but devices. */
export class AddressWords {
  readonly #byAddress = new Map<string, Device>();
  readonly #byId = new Map<string, Device>();

  constructor(devices: readonly Device[]) {
    for (const device of devices) {
      this.#byId.set(device.id, device);
      for (const a of device.addresses) this.#byAddress.set(formatAddress(a), device);
    }
  }

  /** The name of a device of the list. */
  nameOf(id: string): string {
    const device = this.#byId.get(id);
    return device === undefined ? id : shortName(device);
  }

  /** @param self the device that is spoken of: alone, it is `itself` */
  of(set: AddressSet, self: Device): string {
    if (set.isEmpty()) return 'nobody';
    if (set.equals(AddressSet.ofAddresses(...self.addresses))) return 'itself';
    const holders = this.#holders(set);
    return cutList(holders?.map(shortName) ?? set.format().split(','));
  }

  /** The devices whose addresses, all of them, make up the set; undefined if none do. */
  #holders(set: AddressSet): readonly Device[] | undefined {
    if (set.v4.size() + set.v6.size() > LOOKED_UP) return undefined;
    const found = new Set<Device>();
    for (const address of addressesIn(set)) {
      const device = this.#byAddress.get(formatAddress(address));
      if (device === undefined) return undefined;
      found.add(device);
    }
    const isWhole = [...found].every((d) => d.addresses.every((a) => set.contains(a)));
    return isWhole ? [...found] : undefined;
  }
}

/** The MagicDNS name without the domain, which all devices of a tailnet share. */
export function shortName({ name, id }: Device): string {
  return /^([^.]+)\..*\.ts\.net\.?$/.exec(name)?.[1] ?? (name === '' ? id : name);
}

function* addressesIn(set: AddressSet): Generator<Address> {
  for (const family of [4, 6] as const satisfies readonly Family[]) {
    for (const [low, high] of (family === 4 ? set.v4 : set.v6).intervals) {
      for (let value = low; value <= high; value++) yield { family, value };
    }
  }
}
