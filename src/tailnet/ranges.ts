import { AddressSet } from '../net/address-set.ts';
import { type Prefix, parsePrefix, TAILNET_V4, TAILNET_V6 } from '../net/prefix.ts';

function prefixes(...texts: readonly string[]): AddressSet {
  return AddressSet.ofPrefixes(
    ...texts.flatMap((t): Prefix[] => [parsePrefix(t)?.prefix].filter((p) => p !== undefined)),
  );
}

/** Both tailnet ranges in full. */
export const TAILNET: AddressSet = AddressSet.ofPrefixes(TAILNET_V4, TAILNET_V6);

/**
 * What `*` means as a source, apart from approved subnet routes: the tailnet ranges without the block that ChromeOS
 * keeps for itself (tailscale/tailscale net/tsaddr: ChromeOSVMRange). Seen in captures of the control plane.
 */
export const WILDCARD_SOURCE: AddressSet = TAILNET.subtract(prefixes('100.115.92.0/23'));

/**
 * `autogroup:internet`: everything but RFC 1918, link-local, the tailnet ranges and IPv6 outside 2000::/3. Loopback,
 * documentation and multicast ranges are in. Seen in captures of the control plane.
 */
export const INTERNET: AddressSet = prefixes('0.0.0.0/0', '2000::/3').subtract(
  prefixes('10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'),
);

/**
 * Destinations that a node's filter drops before any rule: multicast, and link-local unicast but for the metadata
 * address of cloud providers. IPv4 in IPv6 counts as what it stands for, without that exception
 * (tailscale/tailscale wgengine/filter/filter.go: pre, isAllowedLinkLocal; Go net/netip: IsMulticast).
 */
export const MULTICAST: AddressSet = prefixes('224.0.0.0/4', 'ff00::/8', '::ffff:224.0.0.0/100');
export const LINK_LOCAL: AddressSet = prefixes('169.254.0.0/16', 'fe80::/10', '::ffff:169.254.0.0/112').subtract(
  prefixes('169.254.169.254'),
);

/** Both: no packet reaches these addresses through a tailnet. */
export const NEVER_DELIVERED: AddressSet = MULTICAST.union(LINK_LOCAL);
