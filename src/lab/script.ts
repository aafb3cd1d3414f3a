import { ADDRESS_BITS, formatAddress } from '../net/address.ts';
import { formatPrefix } from '../net/prefix.ts';
import { type LabHost, type LabLayout, tailnetOf } from './layout.ts';

/** Kernel settings below /proc/sys/net that are written before any link exists, so that links are born with them. */
export interface KernelSettings {
  /** Set to 0. */
  readonly zero: readonly string[];
  /** Set to 1. */
  readonly one: readonly string[];
}

/** Bridged frames must not be shown to nftables as well, or the hub would judge what belongs to the hosts alone. */
const BRIDGE_NETFILTER = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables', 'bridge-nf-call-arptables'];

/** The hub has no address, not even a link-local one: it is a cable, nobody's neighbour. */
export const HUB_SETTINGS: KernelSettings = {
  zero: ['ipv4/ip_forward'],
  one: ['ipv6/conf/all/disable_ipv6', 'ipv6/conf/default/disable_ipv6'],
};

/** Set to 0 in the hub where the kernel has them: they come with the module br_netfilter. */
export const HUB_BRIDGE_SETTINGS: readonly string[] = BRIDGE_NETFILTER.map((name) => `bridge/${name}`);

/**
 * A new namespace takes its IPv4 settings from the machine (Documentation/admin-guide/sysctl/net.rst,
 * devconf_inherit_init_net), so what the answers depend on is set either way. Forwarding is on in routers: only their
 * firewall keeps others out. Without duplicate address detection an address can be used at once.
 */
export function hostSettings(host: { readonly forwards: boolean }): KernelSettings {
  const perInterface = ['ipv6/conf/X/disable_ipv6', 'ipv6/conf/X/accept_dad', 'ipv4/conf/X/rp_filter'];
  const zero = perInterface.flatMap((path) => ['all', 'default'].map((name) => path.replace('X', name)));
  const forwarding = ['ipv4/ip_forward', 'ipv6/conf/all/forwarding'];
  // Forwarding first: the kernel resets other settings when it changes (ip-sysctl.rst, ip_forward).
  return host.forwards ? { zero, one: forwarding } : { zero: [...forwarding, ...zero], one: [] };
}

/** `ip -batch` lines for the machine: the namespaces, and nothing else. */
export function namespaceLines(namespaces: readonly string[]): readonly string[] {
  return namespaces.map((name) => `netns add ${name}`);
}

/** `ip -batch` lines for the hub: the bridges. Without multicast snooping, neighbour discovery needs no reports. */
export function bridgeLines(layout: LabLayout): readonly string[] {
  return layout.networks.flatMap(({ bridge }) => [
    `link add name ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
    `link set dev ${bridge} up`,
  ]);
}

/** `ip -batch` lines for the hub: a host's links, each with one end on its bridge and the other in the host. */
export function plugLines(layout: LabLayout, host: LabHost): readonly string[] {
  return host.links.flatMap((link) => {
    const bridge = layout.networks.find((n) => n.name === link.network)?.bridge;
    const peer = `peer name ${link.name} address ${link.mac} netns ${host.namespace}`;
    return [
      `link add name ${link.hubPort} type veth ${peer}`,
      `link set dev ${link.hubPort} ${bridge === undefined ? '' : `master ${bridge} `}up`,
    ];
  });
}

/** `ip -batch` lines for a host's own namespace: addresses and routes. */
export function hostLines(host: LabHost): readonly string[] {
  const lines: string[] = [];
  for (const link of host.links) {
    lines.push(`link set dev ${link.name} addrgenmode eui64`, `link set dev ${link.name} up`);
    for (const a of link.addresses) lines.push(`address add ${formatAddress(a.address)}/${a.length} dev ${link.name}`);
  }
  if (host.tailnet !== undefined) {
    // No tailnet daemon runs in the lab. A bridge without ports stands in for its TUN device, so that the name in the
    // rules exists and the kernel answers for the tailnet addresses; nothing travels through it. (A device of type dummy
    // would do as well, but not every kernel has one, and bridges are needed anyway.)
    lines.push('link add name tailscale0 type bridge mcast_snooping 0');
    // `ip` would bring it up before the mode counts, were it one line.
    lines.push('link set dev tailscale0 addrgenmode none', 'link set dev tailscale0 up');
    for (const a of tailnetOf(host))
      lines.push(`address add ${formatAddress(a)}/${ADDRESS_BITS[a.family]} dev tailscale0`);
  }
  for (const route of host.routes)
    lines.push(`route replace ${formatPrefix(route.prefix)} via ${formatAddress(route.via)}`);
  return lines;
}
