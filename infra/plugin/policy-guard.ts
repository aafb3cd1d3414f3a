import { z } from 'zod';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import { ProviderError } from '../grpc/errors.ts';
import type { PropertyObject } from '../grpc/property-value.ts';
import { checkedInputs, plainInputs } from './inputs.ts';
import { isDefaultPolicy } from './policy-default.ts';
import type { LivePolicy, PolicyParts } from './policy-inputs.ts';
import { checkPolicy, diffPolicy, isKnown, policyInputs } from './policy-inputs.ts';
import type { ResourceType } from './resource.ts';

const guardInputs = policyInputs.extend({
  /** ETag of a live policy that somebody has looked at and agreed to overwrite. */
  reviewedEtag: z
    .string('reviewedEtag must be a text')
    .regex(/^[0-9a-f]{64}$/, 'reviewedEtag must be 64 hex digits, as the refusal prints them')
    .optional(),
});

type GuardInputs = z.output<typeof guardInputs>;

/** What state remembers beside the inputs. */
const guardState = z.object({
  /** The policy that the last update was to write. */
  policy: z.string(),
  /** ETag of the live policy that it was allowed to replace; gone once the declared one was seen in place. */
  replacedEtag: z.string().optional(),
});

/**
 * `cordon:index:PolicyGuard`: stands before the policy resource and fails when the live policy is none that cordon knows,
 * because Tailscale's provider overwrites whatever it finds (its updates send no If-Match). Known are: the policy of the
 * last update, the declared one, the one somebody reviewed, and on a first update the untouched default. It narrows the
 * race with the admin console to the moment between guard and write, and cannot end it.
 */
export function policyGuard(parts: PolicyParts): ResourceType {
  return {
    async check({ news }) {
      return checkPolicy(guardInputs, plainInputs(news));
    },

    async diff({ olds, news }) {
      return diffPolicy(plainInputs(olds), plainInputs(news), ['baseUrl', 'policy', 'reviewedEtag']);
    },

    async create({ properties, preview }) {
      if (preview) return { id: '', properties, refreshBeforeUpdate: true };
      const inputs = checkedInputs(guardInputs, properties);
      const live = await parts.readLivePolicy(inputs);
      const known = isKnown(live, [policyEtag(inputs.policy), inputs.reviewedEtag]) || isDefaultPolicy(live.text);
      if (!known) throw refusal(parts, inputs, live);
      return {
        id: `policy:${inputs.tailnet}`,
        properties: passed(properties, inputs, live),
        refreshBeforeUpdate: true,
      };
    },

    async update({ olds, news, preview }) {
      if (preview) return { properties: news, refreshBeforeUpdate: true };
      const inputs = checkedInputs(guardInputs, news);
      const before = guardState.parse(plainInputs(olds));
      const live = await parts.readLivePolicy(inputs);
      const known = [policyEtag(inputs.policy), inputs.reviewedEtag, policyEtag(before.policy), before.replacedEtag];
      if (!isKnown(live, known)) throw refusal(parts, inputs, live);
      return { properties: passed(news, inputs, live), refreshBeforeUpdate: true };
    },

    async read({ id, properties, inputs }) {
      if (properties === undefined || inputs === undefined || Object.keys(inputs).length === 0) {
        throw new ProviderError('a policy guard holds nothing that could be imported');
      }
      const { replacedEtag, ...state } = plainInputs(properties);
      const live = await parts.readLivePolicy(checkedInputs(guardInputs, inputs));
      const isSettled = isKnown(live, [policyEtag(guardState.parse(state).policy)]);
      const outputs = isSettled || replacedEtag === undefined ? state : { ...state, replacedEtag };
      return {
        id,
        properties: { ...outputs, liveEtag: policyEtag(live.text) },
        inputs: plainInputs(inputs),
        refreshBeforeUpdate: true,
      };
    },

    // It made nothing, so there is nothing to take away.
    async delete() {},
  };
}

function passed(properties: PropertyObject, inputs: GuardInputs, live: LivePolicy): PropertyObject {
  const isInPlace = isKnown(live, [policyEtag(inputs.policy)]);
  return { ...plainInputs(properties), ...(isInPlace ? {} : { replacedEtag: policyEtag(live.text) }) };
}

function refusal(parts: PolicyParts, inputs: GuardInputs, live: LivePolicy): ProviderError {
  const etag = policyEtag(live.text);
  return new ProviderError(`the live policy of tailnet ${inputs.tailnet} is not one that cordon knows: this update would overwrite it.

${parts.describeDifference(live.text, inputs.policy).trimEnd()}

If that is what should happen:
  pulumi config set cordon:reviewedEtag ${etag}
  pulumi up --refresh
If not, put what is missing into the topology or its base policy first.`);
}
