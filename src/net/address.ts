import { Address4, Address6 } from 'ip-address';

/** IP version. */
export type Family = 4 | 6;

/** An IP address as a number: 0..2^32-1 for family 4, 0..2^128-1 for family 6. No zone. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** Number of bits of an address. */
export const ADDRESS_BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** The highest address of a family (all ones). */
export const LAST_VALUE: Readonly<Record<Family, bigint>> = { 4: (1n << 32n) - 1n, 6: (1n << 128n) - 1n };

/** RFC 4291 section 2.5.5.2: `::ffff:0:0/96`. */
const MAPPED_HIGH_BITS = 0xffffn;

/**
 * Reads one address.
 *
 * Dotted quads need four decimal parts without leading zeros (RFC 6943 section 3.1.1: other readings differ between
 * programs). An IPv4-mapped IPv6 address (`::ffff:1.2.3.4`) stays IPv6, as in Go's `netip.ParseAddr`: rules for one
 * family do not apply to the other. Zones, masks, brackets and surrounding white space are refused.
 * @returns undefined when `text` is not exactly one address
 */
export function parseAddress(text: string): Address | undefined {
  if (text.includes('/') || text.includes('%')) return undefined;
  try {
    if (text.includes(':')) return { family: 6, value: new Address6(text).bigInt() };
    return { family: 4, value: new Address4(text).bigInt() };
  } catch {
    return undefined;
  }
}

/** Canonical text: dotted quad, or RFC 5952 (lower case, longest zero run elided, IPv4-mapped in mixed notation). */
export function formatAddress(a: Address): string {
  if (a.family === 4) return formatV4(a.value);
  if (a.value >> 32n === MAPPED_HIGH_BITS) return `::ffff:${formatV4(a.value & LAST_VALUE[4])}`;
  return Address6.fromBigInt(a.value).correctForm();
}

function formatV4(value: bigint): string {
  return Address4.fromBigInt(value).correctForm();
}

/** Order for sorting: IPv4 before IPv6, then by number. Negative, zero or positive. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.value === b.value) return 0;
  return a.value < b.value ? -1 : 1;
}
