import { formatSpan } from '../../source/diagnostic.ts';
import type { Missing } from '../../state/known.ts';
import type { Unmodelled } from '../../tailnet/policy/policy.ts';

/** Each entry once, in the order of their first mention. */
export function uniqueMissing(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((m) => [`${m.source} ${m.why}`, m])).values()];
}

/** A construct of the tailnet that is in force but not modelled, or only assumed, with its place. */
export function unmodelledMissing(u: Unmodelled): Missing {
  return {
    source: u.span === undefined ? 'tailnet' : formatSpan(u.span),
    why: `${u.kind === 'assumed' ? 'assumed' : 'not modelled'}: ${u.what}`,
  };
}
