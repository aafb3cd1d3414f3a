import { describe, expect, it } from 'vitest';
import { loadCases } from './case.ts';
import { capturedBoxes, firstDifference } from './meaning.ts';
import { attributeMutants } from './mutants/attributes.ts';
import { ruleMutants } from './mutants/rules.ts';
import { sshMutants } from './mutants/ssh.ts';
import { verdictMutants } from './mutants/verdicts.ts';
import { visibilityMutants } from './mutants/visibility.ts';
import { answerOf, cordon, runCase } from './run.ts';

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

/** Compilers and judges that are wrong in one way each. A comparison that lets one of them pass is worth nothing. */
const wrongCompilers = { ...ruleMutants, ...visibilityMutants, ...sshMutants, ...attributeMutants };

describe('the comparison notices', () => {
  it.each(Object.entries(wrongCompilers))('a compiler in which %s', (_, compile) => {
    const noticed = accepted.find((c) => runCase(c, { verdict: cordon.verdict, compile }).length > 0);
    expect(noticed?.id).toBeDefined();
  });

  it.each(Object.entries(verdictMutants))('a judge for whom %s', (_, verdict) => {
    const noticed = captures.find((c) => runCase(c, { verdict, compile: cordon.compile }).length > 0);
    expect(noticed?.id).toBeDefined();
  });

  it('more than a few of them', () => {
    expect(Object.keys(wrongCompilers).length + Object.keys(verdictMutants).length).toBeGreaterThanOrEqual(60);
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
