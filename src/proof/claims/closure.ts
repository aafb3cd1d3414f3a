import { missingOf } from '../../state/known.ts';
import type { Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';

/**
 * `closure`: every construct of the policy is one that the model interprets. What is in force but not modelled is listed
 * with its place, whatever it could touch.
 */
export function closureClaim(context: ProofContext): Claim {
  const { tailnet } = context;
  const missing = tailnet.known
    ? tailnet.value.compiled.unmodelled.map((u) => ({
        source: u.span === undefined ? 'tailnet' : `${u.span.file}:${u.span.line}:${u.span.column}`,
        why: `not modelled: ${u.what}`,
      }))
    : missingOf(tailnet);
  return {
    claim: 'closure',
    subject: 'tailnet/policy',
    state: missing.length > 0 ? 'unknown' : 'holds',
    causes: [],
    blame: [],
    missing,
  };
}
