import type { Address } from '../net/address.ts';
import type { Prefix } from '../net/prefix.ts';

/**
 * What one host's firewall has to let through, with every name already resolved to interfaces, addresses and ports: the
 * input of `renderHost`. Made by the topology compiler; knows nothing of YAML, roles' tags or Pulumi.
 */
export interface HostPlan {
  readonly host: string;
  readonly role: 'model' | 'orchestrator' | 'executor' | 'gateway' | 'node' | 'other';
  /** Real NICs on which the tailnet daemon talks; empty when no daemon runs here. */
  readonly daemon: { readonly underlay: readonly string[]; readonly resolvers: readonly Address[] } | undefined;
  /** Whether the daemon's interface exists on the host, so that tailnet addresses must appear nowhere else. */
  readonly tailnet: boolean;
  /** `private`: the namespace's loopback belongs to the model alone. `shared`: the host's. */
  readonly loopback: 'private' | 'shared';
  /**
   * Numeric user of the model's service where loopback is shared: it opens nothing there but its own runners. Without
   * it, everybody but root is held to that.
   */
  readonly modelUid?: number | undefined;
  /** The link into a segment that this host's rules pin (neighbour discovery is allowed there), with its own addresses. */
  readonly link: { readonly name: string; readonly addresses: readonly Address[] } | undefined;
  /** Close raw sockets on `link` with a netdev egress chain: only where the link is the model's own. */
  readonly closeRawOnLink: boolean;
  /** Flows this host opens or answers; four rules and their IPv6 twins come from each pair of ends. */
  readonly flows: readonly PlannedFlow[];
  /** Flows this host forwards as a segment's router. */
  readonly forwards: readonly PlannedForward[];
  /** Every address of every model host, for the alarm counters; empty on the model itself. */
  readonly modelAddresses: readonly Prefix[];
}

export interface PlannedFlow {
  /** Id from the topology; goes into every rule's comment. */
  readonly id: string;
  readonly side: 'initiator' | 'responder';
  /** Interface the flow's packets cross on this host. */
  readonly iface: string;
  /** This host's own addresses on that interface; empty = not pinned (address not declared). */
  readonly local: readonly Address[];
  /** The peer's addresses, or the tailnet ranges where they are not declared. */
  readonly remote: readonly Prefix[];
  readonly tcp: readonly { readonly first: number; readonly last: number }[];
  readonly udp: readonly { readonly first: number; readonly last: number }[];
  /** Numeric users who may open the flow from this host; absent or empty: everybody. */
  readonly uids?: readonly number[] | undefined;
}

export interface PlannedForward {
  readonly id: string;
  readonly inInterface: string;
  readonly outInterface: string;
  readonly from: readonly Prefix[];
  readonly to: readonly Prefix[];
  readonly tcp: readonly { readonly first: number; readonly last: number }[];
  readonly udp: readonly { readonly first: number; readonly last: number }[];
}
