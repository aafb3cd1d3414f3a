import type { Missing } from '../state/known.ts';
import type { Change, Summary } from './changes/change.ts';
import type { Claim, ClaimState } from './claim.ts';

/** What a run found: the one value that every output format prints. */
export interface Report {
  /** Of the claims alone; absent where the command only compares. */
  readonly verdict?: ClaimState;
  readonly claims: readonly Claim[];
  /** Absent where the command only proves. */
  readonly comparison?: Comparison;
  readonly coverage: Coverage;
}

/** Two states compared: `a` is what should be (or was), `b` is what is (or will be). */
export interface Comparison {
  readonly summary: Summary;
  readonly changes: readonly Change[];
  /** Differences of text that mean nothing, named so that nobody has to search for them. */
  readonly cosmetic: readonly string[];
  /** Why the summary is `unknown`. */
  readonly missing: readonly Missing[];
}

/** What was looked at, and what was not, in every report. */
export interface Coverage {
  /** Sources that answered completely. */
  readonly observed: readonly string[];
  /** Sources that were asked for and did not. */
  readonly unobserved: readonly Missing[];
}
