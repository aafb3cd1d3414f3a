import type { Evidence } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import type { State } from '../state/state.ts';
import type { Topology } from '../topology/model.ts';
import type { Claim } from './claim.ts';
import { authorityClaims, settingsClaim } from './claims/authority.ts';
import { closureClaim } from './claims/closure.ts';
import { evidenceClaims } from './claims/evidence.ts';
import { flowClaims } from './claims/flow.ts';
import { isolationClaims } from './claims/isolation.ts';
import { withWaivers } from './claims/waivers.ts';
import { proofContext } from './context.ts';

/** What `prove` can be told beside the state. */
export interface ProveOptions {
  /** What the topology compiles to; lets blame name the line that is missing. */
  readonly declared?: State;
  /** Today, ISO date: waivers end. */
  readonly today: string;
}

/**
 * Decides every claim of a topology on evidence, declared or observed.
 * @returns the claims in a stable order: evidence, closure, then per host, then per flow
 */
export function prove(topology: Topology, evidence: Evidence, options: ProveOptions): readonly Claim[] {
  return proveState(topology, evidence, interpret(evidence), options);
}

/** As `prove`, for a caller that has interpreted the evidence already. */
export function proveState(
  topology: Topology,
  evidence: Evidence,
  state: State,
  options: ProveOptions,
): readonly Claim[] {
  const context = proofContext(topology, state);
  const claims = [
    ...evidenceClaims(topology, evidence, state),
    closureClaim(context),
    settingsClaim(context),
    ...authorityClaims(context),
    ...isolationClaims(context, options.declared),
    ...flowClaims(context),
  ];
  return withWaivers(topology, claims, options.today);
}
