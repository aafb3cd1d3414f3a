/** How sure a prediction is. */
export type Truth = 'yes' | 'no' | 'unknown';

/** One real packet or connection attempt of the lab, what was predicted of it and what came of it. */
export interface LabCell {
  readonly from: string;
  readonly to: string;
  /** Interface that it left through, and the hosts that forwarded it. */
  readonly device: string;
  readonly through: readonly string[];
  readonly src: string;
  readonly dst: string;
  readonly proto: 'tcp' | 'udp';
  readonly port: number;
  /** Who sends it. */
  readonly uid: number;
  /** By the rulesets alone, as the proof evaluates them. */
  readonly predicted: { readonly delivered: Truth; readonly answered: Truth };
  /** Undefined when the lab did not get it through without any rules either, so that "blocked" would say nothing. */
  readonly observed: { readonly delivered: boolean; readonly answered: boolean; readonly outcome: string } | undefined;
  /** Ids of the declared flows that it belongs to. */
  readonly flows: readonly string[];
  /** Whether the tailnet policy lets it through; undefined where it does not travel over the tailnet. */
  readonly policy: Truth | undefined;
  readonly verdict: CellVerdict;
}

/**
 * What a cell says of the declared isolation.
 * - `works`: declared, and it works. `closed`: not declared, and nothing arrives.
 * - `policy-only`: not declared; the rulesets let it through, and the tailnet policy alone stops it.
 * - `broken`: declared, and it does not work. `open`: not declared, and it arrives.
 * - `disagrees`: it is not what the proof predicts. `unknown`: it could not be predicted, or not be tried.
 */
export type CellVerdict = 'works' | 'closed' | 'policy-only' | 'broken' | 'open' | 'disagrees' | 'unknown';

/** A rule that decides about a cell, in the order in which the packet meets them. */
export interface LabDecision {
  readonly host: string;
  readonly hook: string;
  readonly verdict: 'accept' | 'drop' | 'unknown';
  readonly table: string;
  readonly chain: string;
  /** The rule as nft prints it, or the chain's policy. */
  readonly rule: string;
}

/** A cell that is worth looking at. */
export interface LabFinding {
  readonly cell: LabCell;
  readonly decisions: readonly LabDecision[];
}

/** What `cordon lab` found out. */
export interface LabReport {
  readonly verdict: 'holds' | 'violated' | 'unknown';
  /** Rows and columns of the matrix, the strangers among them. */
  readonly hosts: readonly string[];
  /** Machines without rules that nobody declared: they try and are tried as everybody else. */
  readonly strangers: readonly string[];
  readonly cells: readonly LabCell[];
  /** Every cell whose verdict is `broken`, `open`, `disagrees` or `unknown`, with the rules that decide. */
  readonly findings: readonly LabFinding[];
  /** What the lab did not try, or could not, in words. */
  readonly missing: readonly string[];
}
