import type { Address } from '../../net/address.ts';

/** An address as a key: cheaper than its text where there are many. */
export function addressKey({ family, value }: Address): string {
  return `${family} ${value.toString(36)}`;
}
