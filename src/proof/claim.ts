import type { Missing } from '../state/known.ts';

/** The properties that are decided; more come as rows of a table, not as new shapes. */
export type ClaimName = 'ingress' | 'egress' | 'flow' | 'authority' | 'evidence' | 'closure' | 'waiver';

export type ClaimState = 'holds' | 'violated' | 'unknown';

/** One decided property of one subject. */
export interface Claim {
  readonly claim: ClaimName;
  /** Host name, flow id, source name or `topology`. */
  readonly subject: string;
  readonly state: ClaimState;
  /** Ids of the escape-route catalogue; only of a violated claim. */
  readonly causes: readonly string[];
  /** What shows the violation. */
  readonly witness?: Witness;
  readonly blame: readonly Blame[];
  readonly missing: readonly Missing[];
  /** What the claim rests on that no capture shows, only documentation: bounded from above, so nothing is missed by it. */
  readonly assumed?: readonly Missing[];
  readonly waiver?: { readonly id: string; readonly owner: string; readonly reason: string; readonly expires: string };
}

/** A concrete packet that gets through (or, for a flow, does not), and the layer that decides. */
export interface Witness {
  readonly packet: WitnessPacket;
  /** Who sends it and who receives it, in the operator's words. */
  readonly from: string;
  readonly to: string;
  /** What lets it through: the tailnet's packet filter, or a hook of a host's ruleset. */
  readonly layer: string;
}

/** A packet in the JSON shape of reports. */
export interface WitnessPacket {
  readonly src: string;
  readonly dst: string;
  readonly proto: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** Interface through which it enters the host, or leaves it where the host sends it; empty for one that nobody named. */
  readonly interface?: string;
  /** Interface through which the host forwards it. */
  readonly outInterface?: string;
  /** What connection tracking would say of it. */
  readonly ct?: string;
  /** User id of the process that sends it; only of packets that leave the host. */
  readonly uid?: number;
  /** Packet mark, where it is not 0. */
  readonly mark?: number;
}

/** The line, rule or field to blame. */
export interface Blame {
  /** Name of the evidence source; lines are those of its text. */
  readonly source: string;
  readonly line?: number;
  readonly column?: number;
  readonly rule?: string;
  readonly text?: string;
  /** Where a person wrote it, if that is another file than the source. */
  readonly origin?: Place;
}

/** A place in a file that a person edits. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Verdict of a whole run: one violated claim outranks any unknown, and unknown outranks holds. A waived violation does
 * not count, but what is missing beside it does: behind that could be more than was waived.
 */
export function verdictOf(claims: readonly Claim[]): ClaimState {
  if (claims.some((c) => c.state === 'violated' && c.waiver === undefined)) return 'violated';
  if (claims.some((c) => c.state === 'unknown' || c.missing.length > 0)) return 'unknown';
  return 'holds';
}
