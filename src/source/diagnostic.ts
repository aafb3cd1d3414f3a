import type { Span } from './span.ts';

/** One thing wrong with (or worth saying about) an input: data first, text made from it. */
export interface Diagnostic {
  /** Stable, kebab-case, prefixed with its subject: `topology-unknown-key`, `policy-duplicate-key`. */
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly span: Span;
  /** What is wrong, in the operator's words, without the place. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Further places that belong to it, such as the first of two definitions. */
  readonly related?: readonly { readonly span: Span; readonly message: string }[];
}

/** Outcome of reading an input: all diagnostics at once, never the first only. */
export type Result<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** True when at least one diagnostic is an error. */
export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((d) => d.severity === 'error');
}

/** Wraps a value with its diagnostics: not ok as soon as one of them is an error. */
export function resultOf<T>(value: T, diagnostics: readonly Diagnostic[]): Result<T> {
  return hasErrors(diagnostics) ? { ok: false, diagnostics } : { ok: true, value, warnings: diagnostics };
}

/** `file:line:column: error: message [code]`, then the hint and the related places on lines of their own. */
export function formatDiagnostic(d: Diagnostic): string {
  const lines = [`${formatSpan(d.span)}: ${d.severity}: ${d.message} [${d.code}]`];
  for (const r of d.related ?? []) lines.push(`  ${formatSpan(r.span)}: ${r.message}`);
  if (d.hint !== undefined) lines.push(`  hint: ${d.hint}`);
  return lines.join('\n');
}

/** `file:line:column`. */
export function formatSpan(span: Span): string {
  return `${span.file}:${span.line}:${span.column}`;
}
