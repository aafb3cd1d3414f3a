import type { z } from 'zod';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import { ProviderError } from '../grpc/errors.ts';
import { checkedInputs, plainInputs } from './inputs.ts';
import type { PolicyParts } from './policy-inputs.ts';
import { checkPolicy, diffPolicy, isKnown, policyInputs } from './policy-inputs.ts';
import type { ResourceType } from './resource.ts';

/**
 * `cordon:index:PolicyInPlace`: stands behind the policy resource and fails unless the live policy is the declared one.
 * Tailscale's provider compares the declared text with what it wrote last, not with the tailnet, so an update can succeed
 * without writing over an edit it has not seen; and somebody may write right after it.
 */
export function policyInPlace(parts: PolicyParts): ResourceType {
  const expectInPlace = async (inputs: z.output<typeof policyInputs>): Promise<void> => {
    const live = await parts.readLivePolicy(inputs);
    if (isKnown(live, [policyEtag(inputs.policy)])) return;
    const difference = parts.describeDifference(live.text, inputs.policy).trimEnd();
    throw new ProviderError(`the live policy of tailnet ${inputs.tailnet} is not the declared one after this update.

${difference}

Read the live policy first, so that it is written:
  pulumi up --refresh`);
  };
  return {
    async check({ news }) {
      return checkPolicy(policyInputs, plainInputs(news));
    },

    async diff({ olds, news }) {
      return diffPolicy(plainInputs(olds), plainInputs(news), ['baseUrl', 'policy']);
    },

    async create({ properties, preview }) {
      if (preview) return { id: '', properties, refreshBeforeUpdate: true };
      const inputs = checkedInputs(policyInputs, properties);
      await expectInPlace(inputs);
      return { id: `policy:${inputs.tailnet}`, properties, refreshBeforeUpdate: true };
    },

    async update({ news, preview }) {
      if (!preview) await expectInPlace(checkedInputs(policyInputs, news));
      return { properties: news, refreshBeforeUpdate: true };
    },

    async read({ id, properties, inputs }) {
      if (properties === undefined || inputs === undefined || Object.keys(inputs).length === 0) {
        throw new ProviderError('the check of a policy holds nothing that could be imported');
      }
      const live = await parts.readLivePolicy(checkedInputs(policyInputs, inputs));
      return {
        id,
        properties: { ...plainInputs(properties), liveEtag: policyEtag(live.text) },
        inputs: plainInputs(inputs),
        refreshBeforeUpdate: true,
      };
    },

    // It made nothing, so there is nothing to take away.
    async delete() {},
  };
}
