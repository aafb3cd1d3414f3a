import type { Diagnostic } from '../../source/diagnostic.ts';
import { lineMap } from '../../source/span.ts';

/**
 * Shapes of credentials that must never stand in a file that is committed and printed: Tailscale keys of every type
 * (`tskey-…`, docs "Key prefixes"), PEM private keys, and the tokens of the services such a file is likely to sit next to.
 */
const SECRETS: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a Tailscale key', pattern: /tskey-[A-Za-z0-9_-]*/gi },
  { what: 'a private key', pattern: /-----BEGIN[A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s]*/g },
  { what: 'a node or machine key', pattern: /privkey:[0-9a-f]{16,}/gi },
  { what: 'a GitHub token', pattern: /(?:gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})/g },
  { what: 'an API key', pattern: /\bsk-[A-Za-z0-9_-]{20,}/g },
  { what: 'a Slack token', pattern: /\bxox[abprs]-[A-Za-z0-9-]{10,}/g },
  { what: 'an AWS access key', pattern: /\bA[KS]IA[0-9A-Z]{16}\b/g },
  { what: 'a Pulumi access token', pattern: /\bpul-[0-9a-f]{40}\b/g },
];

/** What takes a secret's place in every message. */
export const REDACTED = '[redacted]';

/** Every place in `text` that looks like a credential, wherever it stands: keys, values, comments. The value is never printed. */
export function findSecrets(file: string, text: string): Diagnostic[] {
  const lines = lineMap(file, text);
  const found: Diagnostic[] = [];
  for (const { what, pattern } of SECRETS) {
    for (const match of text.matchAll(pattern)) {
      found.push(secretDiagnostic(what, lines.span(match.index, match[0].length)));
    }
  }
  return found;
}

/** The kind of credential that `value` holds, for values whose spelling in the file is another (escapes). */
export function secretIn(value: string): string | undefined {
  return SECRETS.find(({ pattern }) => value.search(pattern) >= 0)?.what;
}

/** The finding itself; `span` is where it stands. */
export function secretDiagnostic(what: string, span: Diagnostic['span']): Diagnostic {
  return {
    code: 'topology-secret',
    severity: 'error',
    span,
    message: `this looks like ${what}; the file must not hold secrets`,
    hint: 'remove it here, revoke it (it has been written down), and pass credentials by environment or file',
  };
}

/** `text` with everything that looks like a credential replaced, for messages that quote the file. */
export function redact(text: string): string {
  let result = text;
  for (const { pattern } of SECRETS) result = result.replaceAll(pattern, REDACTED);
  return result;
}
