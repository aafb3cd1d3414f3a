import { createHash } from 'node:crypto';
import { formatHujson } from '../hujson/format.ts';

/**
 * The ETag that the control plane gives a tailnet policy: lower-case hex SHA-256 of its canonical text
 * (tailscale/tailscale cmd/gitops-pusher/gitops-pusher.go:sumFile). Without the quotes of the HTTP header.
 */
export function policyEtag(text: string): string {
  return createHash('sha256').update(formatHujson(text), 'utf8').digest('hex');
}
