import type { Diagnostic } from '../source/diagnostic.ts';
import type { Span } from '../source/span.ts';
import type { LintResult } from '../tailnet/lint/lint.ts';
import type { Judgement } from '../tailnet/policy/judge.ts';
import type { Unmodelled } from '../tailnet/policy/policy.ts';

/** The JSON envelope of `cordon policy`: `schemaVersion`, then what the command answers. */
export function policyEnvelope(body: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ schemaVersion: 1, ...body }, null, 2)}\n`;
}

/** A place as all our JSON has it; undefined where no file says it. */
export function placeJson(span: Span | undefined) {
  return span === undefined ? {} : { file: span.file, line: span.line, column: span.column, length: span.length };
}

/** What is not decided, or only bounded from above. */
export function unmodelledJson({ kind, span, what, touches }: Unmodelled) {
  return { kind, what, touches, ...placeJson(span) };
}

/** `cordon policy check`. */
export function checkJson(file: string, judged: Judgement): string {
  const { state, message, problems, undecided } = judged;
  return policyEnvelope({
    file,
    verdict: state,
    ...(message === undefined ? {} : { api: { message } }),
    problems: problems.map(problemJson),
    undecided: undecided.map(({ span, why }) => ({ why, ...placeJson(span) })),
  });
}

function problemJson({ code, severity, message, hint, span, related }: Diagnostic) {
  return {
    code,
    severity,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...placeJson(span),
    related: (related ?? []).map((r) => ({ message: r.message, ...placeJson(r.span) })),
  };
}

/** `cordon policy lint`. */
export function lintJson(file: string, { findings, skipped }: LintResult): string {
  return policyEnvelope({
    file,
    findings: findings.map(({ rule, severity, message, hint, span, related }) => ({
      rule,
      severity,
      message,
      hint,
      ...placeJson(span),
      related: related.map((r) => ({ message: r.message, ...placeJson(r.span) })),
    })),
    skipped,
  });
}
