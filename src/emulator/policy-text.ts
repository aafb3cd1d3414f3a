import { formatHujson } from '../tailnet/hujson/format.ts';
import { policyEtag } from '../tailnet/policy/etag.ts';

/** The text as the server keeps it: `hujson.Format` of what was sent, comments included. Broken text is kept as it is. */
export function canonicalPolicy(text: string): string {
  return formatHujson(text);
}

/** The `ETag` header of a policy: the quoted hex SHA-256 of its canonical text (gitops-pusher `sumFile`). */
export function quotedEtag(text: string): string {
  return `"${policyEtag(text)}"`;
}

/**
 * Whether an `If-Match` header lets a write through.
 * @param header as received; quoted or not; `undefined` = no condition, which the provider's updates rely on
 */
export function ifMatchHolds(header: string | undefined, policy: { text: string; isDefault: boolean }): boolean {
  if (header === undefined) return true;
  const wanted = header.trim().replace(/^"(.*)"$/, '$1');
  return wanted === 'ts-default' ? policy.isDefault : wanted === policyEtag(policy.text);
}
