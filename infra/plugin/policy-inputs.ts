import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { policyEtag } from '../../src/tailnet/policy/etag.ts';
import type { PropertyObject } from '../grpc/property-value.ts';
import { hasUnknowns } from '../grpc/property-value.ts';
import type { CheckResult, DiffKind, DiffResult } from '../grpc/provider.ts';
import { shapeFailures } from './inputs.ts';

/** The policy as the tailnet holds it. */
export interface LivePolicy {
  readonly text: string;
  /** As the API gave it, without quotes. */
  readonly etag: string;
}

/** What the resources around the policy need of the world. */
export interface PolicyParts {
  /**
   * Reads the live policy.
   * @throws CordonError when it cannot be read: then nothing is known, and nothing may be written
   */
  readonly readLivePolicy: (api: { readonly baseUrl: string; readonly tailnet: string }) => Promise<LivePolicy>;
  /** What the declared policy would change about the live one, for a person who has to decide. */
  readonly describeDifference: (liveText: string, declaredText: string) => string;
}

/** Inputs that both the guard before the policy and the check behind it have. */
export const policyInputs = z.strictObject({
  /** Where the API is, without `/api/v2`. */
  baseUrl: z.url({ protocol: /^https?$/, error: 'baseUrl must be an http or https URL' }),
  tailnet: z.string('tailnet must name the tailnet').min(1, 'tailnet must name the tailnet'),
  /** The declared policy. */
  policy: z.string('policy must be a text').min(1, 'policy must not be empty'),
  /**
   * ETag that the live policy has to have in the end. Made from `policy` by Check; in state it is the one that the live
   * policy was last seen with, so that a difference between the two shows up in every preview.
   */
  liveEtag: z.unknown().optional(),
});

/** Checks inputs, all at once, and adds `liveEtag`. */
export function checkPolicy(schema: z.ZodType, inputs: PropertyObject): CheckResult {
  const failures = shapeFailures(schema, inputs);
  const { policy } = inputs;
  return { inputs: typeof policy === 'string' ? { ...inputs, liveEtag: policyEtag(policy) } : inputs, failures };
}

/**
 * Compares state with inputs. Another tailnet is another resource.
 * @param names inputs that are updated in place
 */
export function diffPolicy(olds: PropertyObject, news: PropertyObject, names: readonly string[]): DiffResult {
  const detailed: Record<string, { kind: DiffKind }> = {};
  for (const name of names) {
    const [old, now] = [olds[name] ?? null, news[name] ?? null];
    if (!isDeepStrictEqual(old, now)) {
      detailed[name] = { kind: old === null ? 'add' : now === null ? 'delete' : 'update' };
    }
  }
  // Somebody changed the live policy: that has to be looked at, even if nothing else changed.
  if (!hasUnknowns(news['policy'] ?? null) && olds['liveEtag'] !== news['liveEtag']) {
    detailed['liveEtag'] = { kind: 'update' };
  }
  const isMoved = !isDeepStrictEqual(olds['tailnet'], news['tailnet']);
  if (isMoved) detailed['tailnet'] = { kind: 'update-replace' };
  const diffs = Object.keys(detailed);
  return {
    changes: diffs.length > 0 ? 'some' : 'none',
    diffs,
    replaces: isMoved ? ['tailnet'] : [],
    detailedDiff: detailed,
  };
}

/** Whether the live policy has one of these ETags. */
export function isKnown(live: LivePolicy, etags: readonly (string | undefined)[]): boolean {
  // The text is the authority; the API's own ETag counts too, should it ever be computed in another way than ours.
  return etags.includes(policyEtag(live.text)) || etags.includes(live.etag);
}
