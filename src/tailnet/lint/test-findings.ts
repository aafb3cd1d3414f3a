import { Resolver } from '../compile/resolver.ts';
import type { Device } from '../device.ts';
import type { Policy, PolicyTest } from '../policy/policy.ts';
import { isIdentity, parseSelector } from '../policy/selector.ts';
import { finding, type LintFinding } from './finding.ts';

/** Tests that would pass whatever the rules say, or that are not there. */
export function testFindings(policy: Policy, devices: readonly Device[] | undefined): LintFinding[] {
  return [
    ...missingTests(policy),
    ...policy.tests.flatMap((test, i) => emptyTest(test, i)),
    ...duplicates(policy.tests),
    ...(devices === undefined ? [] : idleTests(policy, devices)),
  ];
}

function missingTests({ rules, tests }: Policy): LintFinding[] {
  const [rule] = rules;
  if (rule !== undefined && tests.length === 0) {
    const message = 'there are rules and no tests: no change of the rules is ever refused';
    return [finding('no-tests', rule.span, message, 'add tests for what must work and for what must not')];
  }
  const [first] = tests;
  if (first === undefined || tests.some((t) => t.deny.length > 0)) return [];
  const message = 'no test denies anything: a rule that allows everything would pass them all';
  return [finding('no-deny-test', first.span, message, 'add "deny" for what must stay closed')];
}

function emptyTest(test: PolicyTest, index: number): LintFinding[] {
  if (test.accept.length + test.deny.length > 0) return [];
  const message = `tests[${index}] has neither accept nor deny, and fails for it`;
  return [finding('empty-test', test.span, message, 'say what the source may or may not reach')];
}

function duplicates(tests: readonly PolicyTest[]): LintFinding[] {
  const first = new Map<string, { readonly test: PolicyTest; readonly index: number }>();
  return tests.flatMap((test, index) => {
    const texts = (list: PolicyTest['accept']) => [...new Set(list.map((t) => t.text.trim()))].sort();
    const key = JSON.stringify([test.src?.text.trim(), test.proto?.text, texts(test.accept), texts(test.deny)]);
    const known = first.get(key);
    if (known === undefined) {
      first.set(key, { test, index });
      return [];
    }
    const message = `tests[${index}] says what tests[${known.index}] says`;
    const related = [{ span: known.test.span, message: `tests[${known.index}] stands here` }];
    return [finding('duplicate-test', test.span, message, 'remove one of them', related)];
  });
}

/** What nobody sends is denied by every policy. */
function idleTests(policy: Policy, devices: readonly Device[]): LintFinding[] {
  const resolver = new Resolver(policy, devices);
  return policy.tests.flatMap((test, index) => {
    if (test.src === undefined || test.deny.length === 0) return [];
    const selector = parseSelector(test.src.text);
    if (!isIdentity(selector)) return [];
    if (resolver.resolve({ text: test.src.text, selector }).devices.length > 0) return [];
    const message = `tests[${index}]: no device is meant by ${JSON.stringify(test.src.text)}, so what it denies asserts nothing`;
    return [finding('idle-test', test.src.span, message, 'test a source that devices have')];
  });
}
