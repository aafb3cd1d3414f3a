import type { Report } from '../proof/report.ts';

/** The exit codes, part of the contract (docs/cli.md). A crashed Node process also exits 1, so 1 is never a finding. */
export const EXIT = {
  /** Complete, nothing wrong. */
  clean: 0,
  /** No answer at all: usage, invalid input, our own bug. */
  noAnswer: 1,
  /** Drift, a violation, or a widening that was to fail. */
  found: 2,
  /** Nothing wrong found, but something is unknown. */
  unknown: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Exit code of a report: what was found outranks what is unknown. Cosmetic differences are not drift. */
export function exitCodeOf(report: Report): ExitCode {
  const summary = report.comparison?.summary;
  const changed = report.comparison !== undefined && report.comparison.changes.length > 0;
  if (report.verdict === 'violated' || changed) return EXIT.found;
  if (report.verdict === 'unknown' || summary === 'unknown') return EXIT.unknown;
  return EXIT.clean;
}
