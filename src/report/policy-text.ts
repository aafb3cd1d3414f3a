import { createColors } from 'picocolors';
import { formatDiagnostic, formatSpan } from '../source/diagnostic.ts';
import type { LintFinding, LintSeverity } from '../tailnet/lint/finding.ts';
import type { LintResult } from '../tailnet/lint/lint.ts';
import type { Judgement } from '../tailnet/policy/judge.ts';

/** `cordon policy check` for people: the verdict, then everything that is wrong, then what is not decided. */
export function checkText(file: string, judged: Judgement, options: { readonly color: boolean }): string {
  const c = createColors(options.color);
  const { state, message, problems, undecided } = judged;
  const badge = {
    holds: c.green(c.bold('ACCEPTED')),
    violated: c.red(c.bold('REFUSED')),
    unknown: c.yellow(c.bold('UNKNOWN')),
  }[state];
  const lines = [`${badge} ${file}${message === undefined ? '' : `: the API answers: ${message}`}`];
  if (problems.length > 0) lines.push('', ...problems.map(formatDiagnostic));
  if (undecided.length > 0) lines.push('', `Not decided (${undecided.length}):`);
  for (const { span, why } of undecided) lines.push(`  ${span === undefined ? file : formatSpan(span)}: ${why}`);
  return `${lines.join('\n')}\n`;
}

/** `cordon policy lint` for people: the counts, then each finding with what to do about it. */
export function lintText(file: string, result: LintResult, options: { readonly color: boolean }): string {
  const c = createColors(options.color);
  const { findings, skipped } = result;
  const paint = { error: c.red, warning: c.yellow, note: c.dim };
  const lines = [`${file}: ${countsOf(findings)}`];
  for (const f of findings) {
    lines.push('', `${formatSpan(f.span)}: ${paint[f.severity](f.severity)}: ${f.message} [${f.rule}]`);
    for (const r of f.related) lines.push(c.dim(`  ${formatSpan(r.span)}: ${r.message}`));
    lines.push(`  hint: ${f.hint}`);
  }
  if (skipped.length > 0) lines.push('', `Not looked at: ${skipped.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

function countsOf(findings: readonly LintFinding[]): string {
  const severities: readonly LintSeverity[] = ['error', 'warning', 'note'];
  const counts = severities.flatMap((severity) => {
    const n = findings.filter((f) => f.severity === severity).length;
    return n === 0 ? [] : [`${n} ${severity}${n === 1 ? '' : 's'}`];
  });
  return counts.length === 0 ? 'nothing to say' : counts.join(', ');
}
