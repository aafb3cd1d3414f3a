import { type Address, parseAddress } from '../net/address.ts';
import { containsAddress, overlaps, type Prefix, parsePrefix, TAILNET_V4, TAILNET_V6 } from '../net/prefix.ts';

/** True for addresses that only the control plane gives out. */
export function isTailnetAddress(address: Address): boolean {
  return containsAddress(TAILNET_V4, address) || containsAddress(TAILNET_V6, address);
}

/** True when a prefix shares addresses with the tailnet's ranges. */
export function touchesTailnet(prefix: Prefix): boolean {
  return overlaps(TAILNET_V4, prefix) || overlaps(TAILNET_V6, prefix);
}

/** Ranges no host can have an address of its own in, and no segment can be (IANA special-purpose registries, RFC 6890). */
const RESERVED: readonly { readonly what: string; readonly prefix: Prefix }[] = (
  [
    ['0.0.0.0/8', 'means "this network"'],
    ['127.0.0.0/8', 'is loopback'],
    ['169.254.0.0/16', 'is link-local'],
    ['224.0.0.0/4', 'is multicast'],
    ['240.0.0.0/4', 'is reserved'],
    ['100.100.100.100/32', 'is the tailnet’s own service address'],
    ['::/128', 'means "no address"'],
    ['::1/128', 'is loopback'],
    ['::ffff:0:0/96', 'is an IPv4 address in IPv6 form'],
    ['fe80::/10', 'is link-local'],
    ['ff00::/8', 'is multicast'],
    ['fd7a:115c:a1e0::53/128', 'is the tailnet’s own service address'],
  ] as const
).flatMap(([text, what]) => {
  const parsed = parsePrefix(text);
  return parsed === undefined ? [] : [{ what, prefix: parsed.prefix }];
});

/** Why an address cannot be a host's own, as the end of a sentence; undefined when it can. */
export function reservedAddress(address: Address): string | undefined {
  return RESERVED.find(({ prefix }) => containsAddress(prefix, address))?.what;
}

/** Why a prefix cannot be a segment, as the end of a sentence about a part of it; undefined when it can. */
export function reservedPart(prefix: Prefix): string | undefined {
  return RESERVED.find((r) => overlaps(r.prefix, prefix))?.what;
}

/** Addresses of a prefix that no host may have: network and broadcast (IPv4), subnet-router anycast (RFC 4291, 2.6.1). */
export function isSubnetReserved(prefix: Prefix, address: Address): boolean {
  const bits = prefix.family === 4 ? 32 : 128;
  if (!containsAddress(prefix, address) || bits - prefix.length < 2) return false;
  if (address.value === prefix.first) return true;
  return prefix.family === 4 && address.value === prefix.first + (1n << BigInt(bits - prefix.length)) - 1n;
}

/** Reads `address/length`; the length is not optional, unlike in `parsePrefix`. */
export function parseSegmentPrefix(text: string): { prefix: Prefix; hostBits: boolean } | undefined {
  return text.includes('/') ? parsePrefix(text) : undefined;
}

/** Reads an address as a person writes it in a file. */
export function parseHostAddress(text: string): Address | undefined {
  return parseAddress(text);
}
