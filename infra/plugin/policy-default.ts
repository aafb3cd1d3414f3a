import { z } from 'zod';
import { parseHujson } from '../../src/tailnet/hujson/parse.ts';
import { plainValue } from '../../src/tailnet/hujson/plain-value.ts';

const everybody = z.tuple([z.literal('*')]);
const members = z.tuple([z.literal('autogroup:member')]);

/**
 * What Tailscale puts into a new tailnet, over the years: everybody may reach everything, members may use SSH on their
 * own devices, and (2023 and 2024) Funnel. Everything else in the file is commented out.
 */
const defaultPolicy = z.strictObject({
  acls: z
    .array(z.strictObject({ action: z.literal('accept'), src: everybody, dst: z.tuple([z.literal('*:*')]) }))
    .optional(),
  grants: z.array(z.strictObject({ src: everybody, dst: everybody, ip: everybody })).optional(),
  ssh: z
    .array(
      z.strictObject({
        action: z.literal('check'),
        src: members,
        dst: z.tuple([z.literal('autogroup:self')]),
        users: z.array(z.enum(['autogroup:nonroot', 'root'])),
      }),
    )
    .optional(),
  nodeAttrs: z.array(z.strictObject({ target: members, attr: z.tuple([z.literal('funnel')]) })).optional(),
});

/**
 * Whether a policy says nothing beyond what every new tailnet starts with, so that replacing it loses nobody's work.
 * Comments and layout are not looked at: the API has no way to ask whether a policy was ever edited, except by writing.
 */
export function isDefaultPolicy(text: string): boolean {
  const parsed = parseHujson('tailnet/policy', text);
  if (!parsed.ok) return false;
  const value = defaultPolicy.safeParse(plainValue(parsed.value));
  return value.success && (value.data.acls !== undefined || value.data.grants !== undefined);
}
