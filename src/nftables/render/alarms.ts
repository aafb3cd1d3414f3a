import { AddressSet } from '../../net/address-set.ts';
import type { HostPlan } from '../host-plan.ts';
import type { Chain, Rule } from '../ruleset.ts';
import type { AddressPool } from './address-pool.ts';
import { chain } from './common.ts';
import { address, counter, DROP, onInterface, rule } from './statements.ts';

/** Counts what a model host tries here. */
export const FROM_MODEL = 'from_model_denied';
/** Counts what this host tries towards a model host. */
export const TO_MODEL = 'to_model_denied';

/** The two chains that count and drop packets between this host and a model host. */
export interface Alarms {
  readonly chains: readonly Chain[];
  /**
   * True on hosts that have no declared flow with a model host. There the alarms stand in front of the flows, so that a
   * flow whose peers are declared widely (all of the tailnet) does not include the model host; elsewhere behind them.
   */
  readonly beforeFlows: boolean;
}

/** @returns undefined on hosts that know of no model host, such as the model itself */
export function alarms(plan: HostPlan, pool: AddressPool): Alarms | undefined {
  if (plan.modelAddresses.length === 0) return undefined;
  const towards = (field: 'saddr' | 'daddr', name: string): Rule[] =>
    ([4, 6] as const).flatMap((family) => {
      if (!plan.modelAddresses.some((p) => p.family === family)) return [];
      const set = pool.define(family, plan.modelAddresses, `model_any${family}`);
      return [rule([address(family, field, { kind: 'named-set', name: set }), counter(name), DROP])];
    });
  return {
    chains: [
      chain('alarms_in', [...fromLink(plan), ...towards('saddr', FROM_MODEL)]),
      chain('alarms_out', towards('daddr', TO_MODEL)),
    ],
    beforeFlows: !hasModelPeer(plan),
  };
}

/** The orchestrator's link into the model's segment carries nothing else, link-local addresses included. */
function fromLink(plan: HostPlan): Rule[] {
  const { link } = plan;
  if (plan.role !== 'orchestrator' || link === undefined) return [];
  if (plan.daemon?.underlay.includes(link.name) === true) return [];
  return [rule([onInterface('iifname', link.name), counter(FROM_MODEL), DROP])];
}

function hasModelPeer(plan: HostPlan): boolean {
  const models = AddressSet.ofPrefixes(...plan.modelAddresses);
  const peers = [...plan.flows.flatMap((f) => f.remote), ...plan.forwards.flatMap((f) => [...f.from, ...f.to])];
  return peers.some((p) => AddressSet.ofPrefixes(p).isSubsetOf(models));
}
