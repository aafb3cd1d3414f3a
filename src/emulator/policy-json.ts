import { parseHujson } from '../tailnet/hujson/parse.ts';
import { plainValue } from '../tailnet/hujson/plain-value.ts';

/** What `Accept: application/json` gets, and the first complaint where the text cannot be read. */
export type PolicyJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/**
 * The JSON view of a policy text.
 * A complaint carries `line N, column M:`, which gitops-pusher looks for in the service's messages.
 */
export function policyJson(text: string): PolicyJson {
  const parsed = parseHujson('policy', text);
  if (parsed.ok) return { ok: true, value: plainValue(parsed.value) };
  const first = parsed.diagnostics[0];
  const message =
    first === undefined ? 'unreadable' : `line ${first.span.line}, column ${first.span.column}: ${first.message}`;
  return { ok: false, message };
}
