import type { Evidence } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import { type Known, unknown } from '../state/known.ts';
import type { State } from '../state/state.ts';
import type { Topology } from '../topology/model.ts';
import type { Claim } from './claim.ts';
import { deviceClaims } from './claims/authority.ts';
import { ownershipClaim } from './claims/authority-policy.ts';
import { holdersClaim, settingsClaim } from './claims/authority-tailnet.ts';
import { baseClaim } from './claims/base.ts';
import { closureClaim } from './claims/closure.ts';
import { evidenceClaims } from './claims/evidence.ts';
import { flowClaims } from './claims/flow.ts';
import { isolationClaims } from './claims/isolation.ts';
import { withWaivers } from './claims/waivers.ts';
import { proofContext } from './context.ts';
import { strangeSources } from './strange.ts';

/** What `prove` can be told beside the state. */
export interface ProveOptions {
  /** What the topology compiles to; lets blame name the line that is missing. */
  readonly declared?: State;
  /** Today, ISO date: waivers end. */
  readonly today: string;
}

/**
 * Decides every claim of a topology on evidence, declared or observed.
 * @returns the claims in a stable order: evidence, closure, authority, then per host, then per flow
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
  const context = proofContext(topology, trusted(topology, evidence, state), options.declared);
  const claims = [
    ...evidenceClaims(topology, evidence, context.state),
    closureClaim(context),
    settingsClaim(context),
    ownershipClaim(context),
    holdersClaim(context),
    ...deviceClaims(context),
    ...isolationClaims(context),
    ...flowClaims(context),
    ...baseClaim(context),
  ];
  return withWaivers(topology, claims, options.today);
}

/** The state without what cannot be this topology's: answers of another tailnet, another host's ruleset. */
function trusted(topology: Topology, evidence: Evidence, state: State): State {
  const strange = strangeSources(topology, evidence, state);
  const keep = <T>(source: string, value: Known<T>): Known<T> => {
    const why = strange.get(source);
    return why === undefined || !value.known ? value : unknown({ source, why });
  };
  const { policy, devices, settings } = state.tailnet;
  return {
    tailnet: {
      policy: keep('tailnet/policy', policy),
      devices: keep('tailnet/devices', devices),
      settings: keep('tailnet/settings', settings),
    },
    hosts: new Map(
      [...state.hosts].map(([name, host]) => [name, { ...host, ruleset: keep(`host/${name}/nft.txt`, host.ruleset) }]),
    ),
  };
}
