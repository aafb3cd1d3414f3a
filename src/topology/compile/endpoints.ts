import { type Address, compareAddresses } from '../../net/address.ts';
import { containsAddress, containsPrefix, type Prefix, TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import type { Host, Segment } from '../model.ts';

/** Where a device can be when its addresses are not declared: anywhere on the tailnet, both families. */
export const TAILNET_RANGES: readonly Prefix[] = [TAILNET_V4, TAILNET_V6];

/** The host's own addresses inside a segment, sorted. */
export function segmentAddresses(host: Host, segment: Segment): Address[] {
  return host.addresses.filter((a) => segment.prefixes.some((p) => containsAddress(p, a))).toSorted(compareAddresses);
}

/** Same addresses, written once: sorted, and nothing that another entry contains. */
export function canonicalPrefixes(prefixes: Iterable<Prefix>): Prefix[] {
  const sorted = [...prefixes].sort(comparePrefixes);
  const result: Prefix[] = [];
  for (const prefix of sorted) {
    // Sorted by first address, then shorter length first: a prefix that contains this one came just before it.
    const last = result.at(-1);
    if (last === undefined || !containsPrefix(last, prefix)) result.push(prefix);
  }
  return result;
}

function comparePrefixes(a: Prefix, b: Prefix): number {
  return (
    compareAddresses({ family: a.family, value: a.first }, { family: b.family, value: b.first }) || a.length - b.length
  );
}

/** True when the lists have an address family in common; an empty list is not pinned and has both. */
export function shareFamily(a: readonly { family: 4 | 6 }[], b: readonly { family: 4 | 6 }[]): boolean {
  return a.length === 0 || b.length === 0 || a.some((x) => b.some((y) => x.family === y.family));
}
