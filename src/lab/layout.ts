import { ADDRESS_BITS, type Address, type Family } from '../net/address.ts';
import type { Prefix } from '../net/prefix.ts';

/** Name of the network that carries the hosts' underlay; every other network is a segment and has its name. */
export const UNDERLAY = 'underlay';

/** What the lab is made of: data only, so that it can be looked at before anything exists. */
export interface LabLayout {
  /** Namespace that holds the bridges; nothing in it has an address. */
  readonly hub: string;
  readonly networks: readonly LabNetwork[];
  readonly hosts: readonly LabHost[];
}

/** One broadcast domain: a bridge in the hub. */
export interface LabNetwork {
  /** `underlay`, or the segment's name behind `segment:`. */
  readonly name: string;
  /** Device name in the hub. */
  readonly bridge: string;
  readonly prefixes: readonly Prefix[];
  /** Name of the host that routes into it; undefined for the underlay and where that host is not in the lab. */
  readonly router: string | undefined;
}

/** One namespace with its links: a host of the topology, or an unknown neighbour. */
export interface LabHost {
  readonly kind: 'host' | 'neighbour';
  readonly name: string;
  readonly namespace: string;
  readonly links: readonly LabLink[];
  /** Whether there is a device named tailscale0, and the addresses on it. */
  readonly tailnet: { readonly addresses: readonly Address[] } | undefined;
  /** Whether the kernel forwards between its links. */
  readonly forwards: boolean;
  readonly routes: readonly LabRoute[];
}

/** A veth: `name` in the host's namespace, `hubPort` in the hub, on the bridge of `network`. */
export interface LabLink {
  readonly name: string;
  readonly network: string;
  readonly hubPort: string;
  readonly mac: string;
  /** `length` 32 or 128 marks an address that lies in no prefix of the network. */
  readonly addresses: readonly { readonly address: Address; readonly length: number }[];
  /** The address that the kernel forms from `mac` (RFC 4291 appendix A). */
  readonly linkLocal: Address;
}

export interface LabRoute {
  readonly prefix: Prefix;
  readonly via: Address;
}

/** A host whose routes are not known yet. */
export type HostDraft = Omit<LabHost, 'routes'>;

/** The name of a segment's network; no segment can be mistaken for the underlay. */
export function segmentNetwork(segment: string): string {
  return `segment:${segment}`;
}

/** Every namespace of the layout, the hub first. */
export function namespacesOf(layout: LabLayout): readonly string[] {
  return [layout.hub, ...layout.hosts.map((h) => h.namespace)];
}

/** Every address that the host's kernel answers for, link-local ones included, loopback excluded. */
export function addressesOf(host: LabHost): readonly Address[] {
  return [...host.links.flatMap((l) => [...l.addresses.map((a) => a.address), l.linkLocal]), ...tailnetOf(host)];
}

/** The host's addresses on the device that stands for its tailnet interface. */
export function tailnetOf(host: HostDraft): readonly Address[] {
  return host.tailnet?.addresses ?? [];
}

/** The host's first address on a network that others there have a connected route to. */
export function addressOn(host: HostDraft, network: string, family: Family): Address | undefined {
  return host.links
    .filter((l) => l.network === network)
    .flatMap((l) => l.addresses)
    .find((a) => a.address.family === family && a.length < ADDRESS_BITS[family])?.address;
}
