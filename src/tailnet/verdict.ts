import type { TailnetFacts } from './compile.ts';
import { faultText, scanHujson } from './hujson/scan.ts';
import { checkPolicy } from './policy/check.ts';
import { parsePolicy } from './policy/parse.ts';
import { runPolicyTests } from './policy-tests.ts';
import { runSshTests } from './ssh/tests.ts';

/** What the API says about a policy: an answer to `POST /tailnet/{t}/acl`. */
export type ApiVerdict =
  | {
      readonly ok: true;
      /** What the real API would have checked besides and we cannot: then its answer may differ. */
      readonly unchecked: readonly string[];
    }
  | {
      readonly ok: false;
      readonly message: string;
      /** For failed tests, one entry for each. */
      readonly data: readonly { readonly user: string; readonly errors: readonly string[] }[];
    };

/**
 * Accepts or refuses a policy as the control plane does, with its message (HTTP 400). Of several faults the first in
 * the order of the file's sections is named; tests run only when all else is well.
 */
export function apiVerdict(text: string, facts: TailnetFacts): ApiVerdict {
  const scanned = scanHujson(text);
  if (!scanned.ok) return { ok: false, message: faultText(text, scanned.fault), data: [] };
  const parsed = parsePolicy('policy', text);
  if (!parsed.ok) {
    const first = parsed.diagnostics[0];
    const place = first === undefined ? '' : `line ${first.span.line}, column ${first.span.column}: ${first.message}`;
    return { ok: false, message: place, data: [] };
  }
  const refusal = checkPolicy(parsed.value, facts)[0];
  if (refusal !== undefined) return { ok: false, message: refusal.message, data: [] };
  const failures = [...runPolicyTests(parsed.value, facts), ...runSshTests(parsed.value, facts)];
  if (failures.length > 0) {
    return { ok: false, message: 'test(s) failed', data: failures.map((f) => ({ user: f.src, errors: f.errors })) };
  }
  const { tests, sshTests } = parsed.value;
  const strange = [...tests, ...sshTests].flatMap((test) => test.unknownKeys);
  return {
    ok: true,
    unchecked: strange.map((key) => `a test has the key ${JSON.stringify(key.text)}, which is not looked at`),
  };
}
