import { ADDRESS_BITS, type Address, type Family, formatAddress, parseAddress } from './address.ts';

/** A CIDR block. `first` has no bits beyond the mask; `length` is 0..32 or 0..128. */
export interface Prefix {
  readonly family: Family;
  readonly first: bigint;
  readonly length: number;
}

/** Tailscale's IPv4 range, the shared address space of RFC 6598 (`net/tsaddr` CGNATRange). */
export const TAILNET_V4: Prefix = { family: 4, first: 0x64400000n, length: 10 };

/** Tailscale's unique local IPv6 range (`net/tsaddr` TailscaleULARange). */
export const TAILNET_V6: Prefix = { family: 6, first: 0xfd7a115ca1e0n << 80n, length: 48 };

/**
 * Reads `address/length`, or a bare address as /32 or /128. The length is decimal without leading zeros or sign, as in
 * Go's `netip.ParsePrefix`; zones and netmask notation are refused.
 * @returns the block with its host bits cleared, and whether any were set, so that callers decide if that is an error;
 * undefined when `text` is not a prefix
 */
export function parsePrefix(text: string): { prefix: Prefix; hostBits: boolean } | undefined {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return { prefix: prefixOf(address), hostBits: false };
  const digits = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(digits)) return undefined;
  const length = Number(digits);
  if (length > ADDRESS_BITS[address.family]) return undefined;
  const first = address.value - (address.value & hostMask(address.family, length));
  return { prefix: { family: address.family, first, length }, hostBits: first !== address.value };
}

/** `address/length`, always with the length, as Go's `netip.Prefix.String`. */
export function formatPrefix(p: Prefix): string {
  return `${formatAddress({ family: p.family, value: p.first })}/${p.length}`;
}

/** The /32 or /128 of one address. */
export function prefixOf(a: Address): Prefix {
  return { family: a.family, first: a.value, length: ADDRESS_BITS[a.family] };
}

/** The highest address of the block. */
export function lastAddress(p: Prefix): Address {
  return { family: p.family, value: p.first + hostMask(p.family, p.length) };
}

/** True when every address of `inner` is in `outer` (equal blocks contain each other). */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && containsAddress(outer, { family: inner.family, value: inner.first });
}

/** True when the block has the address; never across families. */
export function containsAddress(p: Prefix, a: Address): boolean {
  return p.family === a.family && a.value >= p.first && a.value <= lastAddress(p).value;
}

/** True when the blocks share an address: then one contains the other. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return containsPrefix(a, b) || containsPrefix(b, a);
}

/** All ones in the bits beyond the mask. */
function hostMask(family: Family, length: number): bigint {
  return (1n << BigInt(ADDRESS_BITS[family] - length)) - 1n;
}
