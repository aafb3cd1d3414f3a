import { describe, expect, it } from 'vitest';
import { type CaptureCase, loadCases } from './case.ts';
import { capturedBoxes, firstDifference } from './meaning.ts';
import { attributeMutants } from './mutants/attributes.ts';
import { ruleMutants } from './mutants/rules.ts';
import { sshMutants } from './mutants/ssh.ts';
import { verdictMutants } from './mutants/verdicts.ts';
import { visibilityMutants } from './mutants/visibility.ts';
import { answerOf, cordon, runCase, type Subject } from './run.ts';

const captures = loadCases(new URL('./cases/', import.meta.url));
const accepted = captures.filter((c) => c.api?.code === 200);
const refused = captures.filter((c) => c.api?.code === 400);

describe('captures of the control plane', () => {
  it('are there, accepted and refused ones', () => {
    expect(accepted.length).toBeGreaterThanOrEqual(30);
    expect(refused.length).toBeGreaterThanOrEqual(15);
    expect(captures.filter((c) => c.suspect !== undefined || c.unstable !== undefined)).toEqual([]);
  });

  it.each(accepted)('$id: same packets, capabilities, peers and routes on every device', (capture) => {
    expect(runCase(capture)).toEqual([]);
  });

  it.each(refused)('$id: refused, with the same words', (capture) => {
    expect(answerOf(capture).api).toEqual(capture.api);
  });
});

const withSsh = accepted.filter((c) => c.policy['ssh'] !== undefined);
const withCaps = accepted.filter((c) => Object.values(c.expect ?? {}).some((device) => device.caps !== undefined));

/**
 * Compilers and judges that are wrong in one way each, with the captures that are to notice. A comparison that lets one
 * of them pass is worth nothing.
 */
const wrong: readonly (readonly [string, readonly CaptureCase[], Subject])[] = [
  ...Object.entries({ ...ruleMutants, ...visibilityMutants }).map(([w, c]) => [w, accepted, compiler(c)] as const),
  ...Object.entries(sshMutants).map(([w, c]) => [w, withSsh, compiler(c)] as const),
  ...Object.entries(attributeMutants).map(([w, c]) => [w, withCaps, compiler(c)] as const),
  ...Object.entries(verdictMutants).map(([w, verdict]) => [w, captures, { ...cordon, verdict }] as const),
];

function compiler(compile: Subject['compile']): Subject {
  return { ...cordon, compile };
}

describe('the comparison notices', () => {
  it.each(wrong)('that %s', (_, cases, subject) => {
    expect(cases.find((c) => runCase(c, subject).length > 0)?.id).toBeDefined();
  });

  it('more than a few of them', () => {
    expect(wrong.length).toBeGreaterThanOrEqual(70);
    expect([withSsh.length, withCaps.length].every((n) => n >= 5)).toBe(true);
  });
});

describe('comparison by meaning', () => {
  const rule = (src: string[], dst: [string, string][], proto?: number[]) =>
    capturedBoxes([{ src, dst, ...(proto === undefined ? {} : { proto }) }]);

  it('does not see spelling', () => {
    const one = rule(['10.0.0.0/24'], [['*', '80-82']]);
    const other = [
      ...rule(['10.0.0.0-10.0.0.127'], [['*', '80-81']]),
      ...rule(['10.0.0.128/25', '10.0.0.7'], [['0.0.0.0/0', '80-82']]),
      ...rule(['10.0.0.0/25'], [['*', '82']]),
      ...rule(['10.0.0.128/25'], [['::/0', '80-82']]),
    ];
    expect(firstDifference(one, other)).toBeUndefined();
  });

  it.each([
    ['one port', rule(['10.0.0.1'], [['10.0.0.2', '80-81']])],
    ['one address', rule(['10.0.0.0/31'], [['10.0.0.2', '80']])],
    ['the other family', rule(['10.0.0.1', '::1'], [['10.0.0.2', '80']])],
    ['one protocol', rule(['10.0.0.1'], [['10.0.0.2', '80']], [6, 17, 1])],
    ['everything', []],
  ])('sees a difference of %s', (_, other) => {
    const one = rule(['10.0.0.1'], [['10.0.0.2', '80']]);
    expect(firstDifference(one, other)).toBeDefined();
    expect(firstDifference(other, one)).toBeDefined();
  });

  it('tells capability values apart', () => {
    const cap = (values: unknown) =>
      capturedBoxes([{ src: ['*'], cap: [{ dst: ['10.0.0.1/32'], caps: { 'example.com/cap/x': values } }] }]);
    expect(firstDifference(cap([{ a: 1, b: 2 }]), cap([{ b: 2, a: 1 }]))).toBeUndefined();
    expect(firstDifference(cap([]), cap([{}]))).toBeDefined();
  });
});
