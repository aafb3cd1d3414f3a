import junit, { type TestCase } from 'junit-report-builder';
import type { Report } from '../proof/report.ts';
import { type Finding, findingsOf } from './findings.ts';

/** Node gives the package's one export as the default; its types say that the default is inside of it. */
const builder = junit as unknown as typeof junit.default;

/**
 * The report as JUnit XML, so that a pipeline lists claims as it lists tests: one case for each claim, difference and
 * source that did not answer. Violated is a failure, unknown an error (the question could not be decided), waived is
 * skipped.
 */
export function junitReport(report: Report): string {
  const { claims, comparison, coverage } = report;
  const xml = builder.newBuilder().name('cordon');
  const none = { observed: [], unobserved: [] };
  if (claims.length > 0) {
    const suite = xml.testSuite().name('claims');
    for (const claim of claims) {
      const test = suite.testCase().className(claim.claim).name(printable(claim.subject));
      for (const finding of findingsOf({ claims: [claim], coverage: none }, noFile)) fill(test, finding);
    }
  }
  const others = findingsOf({ claims: [], ...(comparison === undefined ? {} : { comparison }), coverage }, noFile);
  if (others.length > 0) {
    const suite = xml.testSuite().name('differences and sources');
    for (const finding of others) {
      fill(
        suite
          .testCase()
          .className(finding.rule)
          .name(printable(finding.subjects.join(', '))),
        finding,
      );
    }
  }
  return xml.build();
}

/** Cases are not shown at places. */
const noFile = () => false;

function fill(test: TestCase, { level, title, details }: Finding): void {
  const text = printable(details.join('\n'));
  const message = printable(title);
  switch (level) {
    case 'error':
      test.failure(message, 'violated').stacktrace(text);
      break;
    case 'warning':
      test.error(message, 'unknown', text);
      break;
    case 'note':
      test.skipped().standardOutput(`${message}\n${text}`);
      break;
  }
}

/** Texts of a policy or a ruleset may hold characters that no XML document may (XML 1.0, production 2 Char). */
function printable(text: string): string {
  return text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}
