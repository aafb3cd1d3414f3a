import type { Family } from '../../net/address.ts';
import type { AddressSet } from '../../net/address-set.ts';
import type { Device } from '../device.ts';

/** Finds the devices whose addresses lie in a set, without looking at every device. */
export class DeviceIndex {
  readonly #sorted: Readonly<Record<Family, readonly { readonly value: bigint; readonly device: number }[]>>;

  constructor(devices: readonly Device[]) {
    const of = (family: Family) =>
      devices
        .flatMap((d, device) => d.addresses.filter((a) => a.family === family).map((a) => ({ value: a.value, device })))
        .sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
    this.#sorted = { 4: of(4), 6: of(6) };
  }

  /** Positions of the devices that have an address in the set, ascending, each once. */
  within(set: AddressSet): number[] {
    const found = new Set<number>();
    for (const family of [4, 6] as const) {
      const sorted = this.#sorted[family];
      for (const [low, high] of (family === 4 ? set.v4 : set.v6).intervals) {
        for (let i = this.#lowerBound(family, low); i < sorted.length; i++) {
          const entry = sorted[i];
          if (entry === undefined || entry.value > high) break;
          found.add(entry.device);
        }
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  #lowerBound(family: Family, value: bigint): number {
    const sorted = this.#sorted[family];
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle]?.value ?? value) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
