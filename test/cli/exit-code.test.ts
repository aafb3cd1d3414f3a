import { describe, expect, it } from 'vitest';
import { exitCodeOf, exitCodeOfDiff, type FailOn } from '../../src/cli/exit-code.ts';
import { driftReport } from '../../src/cli/findings.ts';
import { readDeclared } from '../../src/cli/topology-file.ts';
import type { Change, Summary } from '../../src/proof/changes/change.ts';
import type { Report } from '../../src/proof/report.ts';
import { HOMELAB } from './program.ts';

const change = (kind: Change['kind']): Change => ({
  kind,
  relation: 'reach',
  layer: 'tailnet',
  src: { selector: 'tag:a', members: [] },
  dst: { selector: 'tag:b', members: [] },
  packets: [],
  count: 1,
  witness: { src: '', dst: '', proto: 'tcp' },
  blame: [],
});
const GAIN = change('gain');
const LOSS = change('lose');

function report(
  verdict: Report['verdict'],
  summary?: Summary,
  changes: readonly Change[] = [],
  unobserved = 0,
): Report {
  const missing = Array.from({ length: unobserved }, (_, i) => ({ source: `tailnet/${i}`, why: 'denied' }));
  return {
    ...(verdict === undefined ? {} : { verdict }),
    claims: [],
    ...(summary === undefined ? {} : { comparison: { summary, changes, cosmetic: [], missing: [] } }),
    coverage: { observed: [], unobserved: missing },
  };
}

describe('exit code of a report', () => {
  it.each([
    // Complete and nothing wrong; other text with the same meaning is nothing wrong.
    [0, report('holds')],
    [0, report('holds', 'none')],
    [0, report('holds', 'cosmetic')],
    // Drift in either direction.
    [2, report('holds', 'widening', [GAIN])],
    [2, report('holds', 'narrowing', [LOSS])],
    [2, report('holds', 'mixed', [GAIN, LOSS])],
    [2, report('violated')],
    [2, report('violated', 'none')],
    // Something is unknown: a claim, the comparison, or a source that was asked.
    [3, report('unknown')],
    [3, report('unknown', 'none')],
    [3, report('holds', 'unknown')],
    [3, report('holds', 'none', [], 1)],
    // What was found outranks what is unknown.
    [2, report('violated', 'unknown', [], 3)],
    [2, report('unknown', 'unknown', [GAIN], 3)],
    [2, report('holds', 'unknown', [LOSS])],
  ] as const)('%i', (code, given) => {
    expect(exitCodeOf(given)).toBe(code);
  });
});

describe('exit code of a difference', () => {
  const rows: readonly (readonly [Summary, readonly Change[], FailOn, number])[] = [
    ['none', [], 'any', 0],
    ['cosmetic', [], 'any', 0],
    ['widening', [GAIN], undefined, 0],
    ['widening', [GAIN], 'widening', 2],
    ['widening', [GAIN], 'any', 2],
    ['narrowing', [LOSS], undefined, 0],
    ['narrowing', [LOSS], 'widening', 0],
    ['narrowing', [LOSS], 'any', 2],
    ['mixed', [LOSS, GAIN], undefined, 0],
    ['mixed', [LOSS, GAIN], 'widening', 2],
    ['mixed', [LOSS, GAIN], 'any', 2],
    ['unknown', [], undefined, 3],
    ['unknown', [], 'widening', 3],
    ['unknown', [GAIN], undefined, 3],
    ['unknown', [GAIN], 'widening', 2],
    ['unknown', [LOSS], 'widening', 3],
    ['unknown', [LOSS], 'any', 2],
  ];
  it.each(rows)('%s with %j, --fail-on %s', (summary, changes, failOn, code) => {
    expect(exitCodeOfDiff({ summary, changes, cosmetic: [], missing: [] }, failOn)).toBe(code);
  });
});

describe('the verdict of a report', () => {
  const declared = readDeclared(HOMELAB);
  const withSource = (entry: object) => ({
    sources: { ...declared.evidence.sources, 'tailnet/keys': entry as never },
  });

  it('holds where every source that was asked answered', () => {
    const { verdict } = driftReport(declared, withSource({ status: 'ok', body: { keys: [] } }), '2026-11-24');
    expect(verdict).toBe('holds');
  });

  it.each(['denied', 'failed', 'late', 'partial', 'absent'])(
    'is unknown where one that no claim asks for was %s, and says which',
    (status) => {
      const report = driftReport(declared, withSource({ status, why: 'HTTP 403' }), '2026-11-24');
      expect(report.verdict).toBe('unknown');
      expect(report.coverage.unobserved).toEqual([{ source: 'tailnet/keys', why: `${status}: HTTP 403` }]);
    },
  );
});
