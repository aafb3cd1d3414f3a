import { TestRunner } from 'vitest';

/**
 * For tests that need something of the machine (root, nft, an engine); call it first in the test. Without it the test
 * counts as skipped and says why in one line; with CI=true, where a test that did not run must not look like one that
 * passed, it fails.
 */
export function requireOrSkip(condition: boolean, why: string): asserts condition {
  if (condition) return;
  const test = TestRunner.getCurrentTest();
  if (test === undefined) throw new Error(`requireOrSkip is for the inside of a test (${why})`);
  if (process.env['CI'] === 'true') throw new Error(`with CI=true this test must run, but: ${why}`);
  process.stderr.write(`skipped: ${test.name}: ${why}\n`);
  test.context.skip(why);
}
