/** Who gains or loses which packets to whom, at one layer. */
export interface Change {
  readonly kind: 'gain' | 'lose';
  readonly relation: 'reach' | 'residue' | 'knows' | 'becomes' | 'ssh' | 'capability';
  /** What decides it: the tailnet's packet filter, or one hook of one host's ruleset. */
  readonly layer: 'tailnet' | `host/${string}`;
  readonly src: Party;
  readonly dst: Party;
  /** Empty for relations that are no packets. */
  readonly packets: readonly PacketRange[];
  /** Ordered pairs of devices. */
  readonly count: number;
  readonly witness: ChangeWitness;
  /** Only for `capability`: its name. */
  readonly capability?: string;
  /** Only for `ssh`: as whom, and whether after a check. */
  readonly login?: string;
  /** Only where one hook of a host changed and another still decides: the hook. */
  readonly gate?: string;
  readonly blame: readonly ChangeBlame[];
}

/** One class of principals: how they are selected, and who is in it today. */
export interface Party {
  readonly selector: string;
  readonly members: readonly string[];
}

export interface PacketRange {
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, an IP protocol number, or `all`. */
  readonly proto: string;
  /** Inclusive destination port ranges; empty for protocols without ports. */
  readonly ports: readonly (readonly [number, number])[];
}

/** A packet; for relations that are no packets an example of who gets what, with the protocol `none`. */
export interface ChangeWitness {
  readonly src: string;
  readonly dst: string;
  readonly proto: string;
  readonly sport?: number;
  readonly dport?: number;
}

export interface ChangeBlame {
  readonly side: 'a' | 'b';
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text?: string;
}

/**
 * `none` = same bytes; `cosmetic` = other bytes, equal relations; `mixed` = gains and losses; `unknown` outranks all,
 * because something on either side could not be interpreted.
 */
export type Summary = 'none' | 'cosmetic' | 'narrowing' | 'widening' | 'mixed' | 'unknown';
