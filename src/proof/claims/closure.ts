import type { Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { unmodelledMissing } from './missing.ts';

/**
 * `closure`: every construct of the policy is one that the model interprets. What is in force but not modelled is listed
 * with its place, whatever it could touch.
 */
export function closureClaim(context: ProofContext): Claim {
  const { tailnet } = context;
  const missing = tailnet.known ? tailnet.value.compiled.unmodelled.map(unmodelledMissing) : tailnet.missing;
  return {
    claim: 'closure',
    subject: 'tailnet/policy',
    state: missing.length > 0 ? 'unknown' : 'holds',
    causes: [],
    blame: [],
    missing,
  };
}
