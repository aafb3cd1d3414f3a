import type { Comparison, Report } from '../proof/report.ts';

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

/**
 * Exit code of a report: what was found outranks what is unknown. Cosmetic differences are not drift. A source that was
 * asked and did not answer is something unknown, whether or not a claim of this version depends on it.
 */
export function exitCodeOf(report: Report): ExitCode {
  const { verdict, comparison, coverage } = report;
  if (verdict === 'violated' || (comparison?.changes.length ?? 0) > 0) return EXIT.found;
  const isUnknown = verdict === 'unknown' || comparison?.summary === 'unknown' || coverage.unobserved.length > 0;
  return isUnknown ? EXIT.unknown : EXIT.clean;
}

/** Which changes `cordon diff` is to fail on; undefined = none. */
export type FailOn = 'widening' | 'any' | undefined;

/**
 * Exit code of a comparison by itself. A change that is certain counts although something else is unknown; one that is
 * mixed with losses counts as widening.
 */
export function exitCodeOfDiff({ summary, changes }: Comparison, failOn: FailOn): ExitCode {
  const counted = failOn === 'any' ? changes : changes.filter((c) => failOn === 'widening' && c.kind === 'gain');
  if (counted.length > 0) return EXIT.found;
  return summary === 'unknown' ? EXIT.unknown : EXIT.clean;
}
