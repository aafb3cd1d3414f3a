import type { Unmodelled } from '../../tailnet/policy/policy.ts';
import type { Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { unmodelledMissing } from './missing.ts';

/**
 * `closure`: every construct of the policy is one that the model interprets, or bounds from above by what documentation
 * says (`assumed`). What is in force but not modelled is listed with its place, whatever it could touch.
 */
export function closureClaim(context: ProofContext): Claim {
  const { tailnet } = context;
  const constructs = tailnet.known ? tailnet.value.compiled.unmodelled : [];
  const listed = (kind: Unmodelled['kind']) => constructs.filter((u) => u.kind === kind).map(unmodelledMissing);
  const missing = tailnet.known ? listed('unmodelled') : tailnet.missing;
  const assumed = listed('assumed');
  return {
    claim: 'closure',
    subject: 'tailnet/policy',
    state: missing.length > 0 ? 'unknown' : 'holds',
    causes: [],
    blame: [],
    missing,
    ...(assumed.length === 0 ? {} : { assumed }),
  };
}
