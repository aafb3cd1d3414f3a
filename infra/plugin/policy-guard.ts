import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import { ProviderError } from '../grpc/errors.ts';
import type { PropertyObject } from '../grpc/property-value.ts';
import { hasUnknowns } from '../grpc/property-value.ts';
import type { DiffKind, DiffResult } from '../grpc/provider.ts';
import { checkedInputs, plainInputs, shapeFailures } from './inputs.ts';
import { isDefaultPolicy } from './policy-default.ts';
import type { ResourceType } from './resource.ts';

/** The policy as the tailnet holds it. */
export interface LivePolicy {
  readonly text: string;
  /** As the API gave it, without quotes. */
  readonly etag: string;
}

/** What the guard needs of the world. */
export interface PolicyGuardParts {
  /**
   * Reads the live policy.
   * @throws CordonError when it cannot be read: then nothing is known, and nothing may be written
   */
  readonly readLivePolicy: (api: { readonly baseUrl: string; readonly tailnet: string }) => Promise<LivePolicy>;
  /** What the declared policy would change about the live one, for a person who has to decide. */
  readonly describeDifference: (liveText: string, declaredText: string) => string;
}

const guardInputs = z.strictObject({
  /** Where the API is, without `/api/v2`. */
  baseUrl: z.url({ protocol: /^https?$/, error: 'baseUrl must be an http or https URL' }),
  tailnet: z.string().min(1, 'tailnet must name the tailnet'),
  /** The policy that is about to be written. */
  policy: z.string('policy must be a text').min(1, 'policy must not be empty'),
  /** ETag of a live policy that somebody has looked at and agreed to overwrite. */
  reviewedEtag: z
    .string('reviewedEtag must be a text')
    .regex(/^[0-9a-f]{64}$/, 'reviewedEtag must be 64 hex digits, as the refusal prints them')
    .optional(),
});

type GuardInputs = z.output<typeof guardInputs>;

/** What state remembers beside the inputs. */
const guardState = z.object({
  /** ETag of the policy that the last update was to write. */
  declaredEtag: z.string(),
  /** ETag of the live policy that it was allowed to replace; gone once the declared one was seen in place. */
  replacedEtag: z.string().optional(),
  /** ETag of the live policy when it was last read; right after an update, the one that was to be written. */
  liveEtag: z.string(),
});

/**
 * `cordon:index:PolicyGuard`: stands before the policy resource and fails when the live policy is none that cordon knows,
 * because Tailscale's provider overwrites whatever it finds (its updates send no If-Match). Known are: the policy of the
 * last update, the declared one, the one somebody reviewed, and on a first update the untouched default. It narrows the
 * race with the admin console to the moment between guard and write, and cannot end it.
 */
export function policyGuard(parts: PolicyGuardParts): ResourceType {
  return {
    async check({ news }) {
      const inputs = plainInputs(news);
      return { inputs, failures: shapeFailures(guardInputs, inputs) };
    },

    async diff({ olds, news }) {
      return diffGuard(plainInputs(olds), plainInputs(news));
    },

    async create({ properties, preview }) {
      if (preview) return { id: '', properties: planned(properties), refreshBeforeUpdate: true };
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
      if (preview) return { properties: planned(news), refreshBeforeUpdate: true };
      const inputs = checkedInputs(guardInputs, news);
      const before = guardState.parse(plainInputs(olds));
      const live = await parts.readLivePolicy(inputs);
      const known = [policyEtag(inputs.policy), inputs.reviewedEtag, before.declaredEtag, before.replacedEtag];
      if (!isKnown(live, known)) throw refusal(parts, inputs, live);
      return { properties: passed(news, inputs, live), refreshBeforeUpdate: true };
    },

    async read({ id, properties, inputs }) {
      if (properties === undefined || inputs === undefined || Object.keys(inputs).length === 0) {
        throw new ProviderError('a policy guard holds nothing that could be imported');
      }
      const state = guardState.parse(plainInputs(properties));
      const live = await parts.readLivePolicy(checkedInputs(guardInputs, inputs));
      const settled = isKnown(live, [state.declaredEtag]);
      const { replacedEtag: _, ...rest } = plainInputs(properties);
      const outputs = settled
        ? { ...rest, liveEtag: state.declaredEtag }
        : { ...plainInputs(properties), liveEtag: live.etag };
      return { id, properties: outputs, inputs: plainInputs(inputs), refreshBeforeUpdate: true };
    },

    // It made nothing, so there is nothing to take away.
    async delete() {},
  };
}

function diffGuard(olds: PropertyObject, news: PropertyObject): DiffResult {
  const detailed: Record<string, { kind: DiffKind }> = {};
  const replaces: string[] = [];
  for (const name of ['baseUrl', 'policy', 'reviewedEtag'] as const) {
    if (isDeepStrictEqual(olds[name] ?? null, news[name] ?? null)) continue;
    const kind = olds[name] === undefined ? 'add' : news[name] === undefined ? 'delete' : 'update';
    detailed[name] = { kind };
  }
  if (!isDeepStrictEqual(olds['tailnet'], news['tailnet'])) {
    detailed['tailnet'] = { kind: 'update-replace' };
    replaces.push('tailnet');
  }
  // Somebody changed the live policy since: look at it before anything is written, even if nothing else changed.
  if (!hasUnknowns(news['policy'] ?? null) && olds['liveEtag'] !== policyEtag(String(news['policy']))) {
    detailed['liveEtag'] = { kind: 'update' };
  }
  const diffs = Object.keys(detailed);
  return { changes: diffs.length > 0 ? 'some' : 'none', diffs, replaces, detailedDiff: detailed };
}

function isKnown(live: LivePolicy, etags: readonly (string | undefined)[]): boolean {
  // The text is the authority; the API's own ETag counts too, should it ever be computed in another way than ours.
  return etags.includes(policyEtag(live.text)) || etags.includes(live.etag);
}

function planned(inputs: PropertyObject): PropertyObject {
  const { policy } = plainInputs(inputs);
  if (typeof policy !== 'string') return inputs;
  return { ...inputs, declaredEtag: policyEtag(policy), liveEtag: policyEtag(policy) };
}

function passed(properties: PropertyObject, inputs: GuardInputs, live: LivePolicy): PropertyObject {
  const declaredEtag = policyEtag(inputs.policy);
  const replaced = isKnown(live, [declaredEtag]) ? {} : { replacedEtag: policyEtag(live.text) };
  return { ...plainInputs(properties), ...replaced, declaredEtag, liveEtag: declaredEtag };
}

function refusal(parts: PolicyGuardParts, inputs: GuardInputs, live: LivePolicy): ProviderError {
  const etag = policyEtag(live.text);
  return new ProviderError(`the live policy of tailnet ${inputs.tailnet} is not one that cordon knows: this update would overwrite it.

${parts.describeDifference(live.text, inputs.policy).trimEnd()}

If that is what should happen:
  pulumi config set cordon:reviewedEtag ${etag}
  pulumi up --refresh
If not, put what is missing into the topology or its base policy first.`);
}
