import { z } from 'zod';
import { ApiError } from './api-error.ts';

/**
 * Takes a reply apart.
 * @throws ApiError if it has another shape, as Go's JSON decoder does (the text names the place, not Go's types)
 */
export function decode<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new ApiError(`json: cannot unmarshal reply: ${z.prettifyError(result.error)}`);
}

/** What the resources need of a device; a list may be absent or null. */
export const deviceReply = z.looseObject({
  authorized: z.boolean().nullish(),
  keyExpiryDisabled: z.boolean().nullish(),
  tags: z.array(z.string()).nullish(),
});

export const routesReply = z.looseObject({ enabledRoutes: z.array(z.string()).nullish() });

export const dnsPreferencesReply = z.looseObject({ magicDNS: z.boolean().nullish() });
