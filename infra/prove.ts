import { verdictOf } from '../src/proof/claim.ts';
import { prove } from '../src/proof/prove.ts';
import { textReport } from '../src/report/text.ts';
import type { Evidence } from '../src/state/evidence.ts';
import type { Topology } from '../src/topology/model.ts';

/** Outcome of proving a declaration. */
export interface DeclaredProof {
  /** Every claim holds, or is violated with a waiver that has not expired. Unknown is not ok. */
  readonly ok: boolean;
  /** What was found, for people. */
  readonly text: string;
}

/**
 * Proves the claims of a topology on the evidence it compiles to, or that resources are about to make true.
 * @param today ISO date: waivers end
 */
export function proveDeclared(topology: Topology, evidence: Evidence, today: string): DeclaredProof {
  const claims = prove(topology, evidence, { today });
  const verdict = verdictOf(claims);
  const coverage = { observed: Object.keys(evidence.sources), unobserved: [] };
  return { ok: verdict === 'holds', text: textReport({ verdict, claims, coverage }, { color: false, verbose: false }) };
}
