import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/proof/report.ts';
import { findingsOf } from '../../src/report/findings.ts';
import { githubReport } from '../../src/report/github.ts';
import { junitReport } from '../../src/report/junit.ts';
import { COMMENT_MARK, markdownReport } from '../../src/report/markdown.ts';
import { sarifReport } from '../../src/report/sarif.ts';
import { expectGolden } from '../topology/support.ts';
import { EMPTY, reports } from './reports.ts';

const file = 'cordon.yaml';
/** The sides of the compared policies are called so. */
const isFile = (name: string) => ['a', 'b'].includes(name);
const FLOWS = [{ from: 'tag:orchestrator', to: 'tag:model', what: 'tcp 11434' }];
const render = {
  sarif: (r: Report) => sarifReport(r, { version: '0.0.0', file, isFile }),
  junit: junitReport,
  github: (r: Report) => githubReport(r, { file, isFile }),
  markdown: (r: Report) => markdownReport(r, { flows: FLOWS }),
};
const SHOWN = ['empty', 'isolated', 'several-faults', 'waived', 'mixed-policy', 'unknown-only'] as const;
const ENDING = { sarif: 'sarif', junit: 'xml', github: 'annotations.txt', markdown: 'md' } as const;
const all = Object.entries(reports);

/** A claim that says what nobody should be able to turn into markup. */
const hostile: Report = {
  verdict: 'violated',
  coverage: EMPTY,
  claims: [
    {
      claim: 'ingress',
      subject: '<b>`|@everyone|`</b>,x:y%0A',
      state: 'violated',
      causes: [],
      blame: [
        {
          source: 'a b#c',
          line: 3,
          column: 4,
          rule: '``x`` ]]> \u0000 \u001b',
          origin: { file: './a b/c,d:e', line: 7, column: 2 },
        },
      ],
      missing: [],
    },
  ],
};

describe.each(Object.keys(render) as (keyof typeof render)[])('the format %s', (format) => {
  it.each(SHOWN)('shows %s as it always did', (name) => {
    const report = reports[name];
    if (report === undefined) throw new Error(`no report ${name}`);
    expectGolden(new URL(`golden/${name}.${ENDING[format]}`, import.meta.url), render[format](report));
  });

  it.each(all)('is the same twice for %s', (_name, report) => {
    expect(render[format](structuredClone(report))).toBe(render[format](report));
  });

  it.each(all)('names every subject of %s that is violated or unknown', (_name, report) => {
    const text = render[format](report);
    for (const claim of report.claims) {
      if (claim.state !== 'holds') expect(text).toContain(claim.subject);
    }
  });
});

describe('findings', () => {
  it.each(all)('of %s leave out nothing but what holds', (_name, report) => {
    const found = findingsOf(report, isFile);
    const wrong = report.claims.filter((c) => c.state !== 'holds').length;
    const gaps = (report.comparison?.missing.length ?? 0) + report.coverage.unobserved.length;
    expect(found.length).toBeGreaterThanOrEqual(wrong + gaps + (report.comparison?.changes.length ? 1 : 0));
    expect(found.filter((f) => f.level === 'error').length > 0).toBe(
      report.claims.some((c) => c.state === 'violated' && c.waiver === undefined) ||
        (report.comparison?.changes ?? []).some((c) => c.kind === 'gain'),
    );
    expect(new Set(found.map((f) => f.fingerprint)).size).toBe(found.length);
  });
});

describe('SARIF', () => {
  const schemas = createRequire(import.meta.url).resolve('schemastore/package.json');
  const schema = JSON.parse(readFileSync(new URL('./schemas/json/sarif-2.1.0.json', `file://${schemas}`), 'utf8'));
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);

  it.each([...all, ['hostile texts', hostile] as const])('is valid for %s', (_name, report) => {
    expect(validate(JSON.parse(render.sarif(report))), JSON.stringify(validate.errors)).toBe(true);
  });

  it('is checked by a schema that can refuse', () => {
    const log = JSON.parse(render.sarif(hostile));
    delete log.runs[0].tool;
    expect(validate(log)).toBe(false);
  });

  it('points at the file that a person wrote, and at the topology where there is none', () => {
    const uris = (report: Report) =>
      JSON.parse(render.sarif(report)).runs[0].results.map(
        (r: { locations: { physicalLocation: { artifactLocation: { uri: string }; region: object } }[] }) =>
          r.locations.map((l) => [l.physicalLocation.artifactLocation.uri, l.physicalLocation.region]),
      );
    expect(uris(hostile)).toEqual([[['a%20b/c%2Cd%3Ae', { startLine: 7, startColumn: 2 }]]]);
    expect(uris(reports['unknown-only'] ?? hostile)[0]).toEqual([[file, { startLine: 1, startColumn: 1 }]]);
  });

  it('says that a run which could not look everywhere did not succeed', () => {
    const success = (name: string) =>
      JSON.parse(render.sarif(reports[name] ?? hostile)).runs[0].invocations[0].executionSuccessful;
    expect([success('isolated'), success('unknown-only')]).toEqual([true, false]);
  });
});

describe('JUnit', () => {
  const parser = new XMLParser({ ignoreAttributes: false, isArray: (name) => name.startsWith('test') });

  it.each([...all, ['hostile texts', hostile] as const])(
    'is well formed for %s and counts every claim',
    (_n, report) => {
      const xml = render.junit(report);
      expect(XMLValidator.validate(xml)).toBe(true);
      for (const character of ['\u0000', '\u001b']) expect(xml).not.toContain(character);
      const suites = parser.parse(xml).testsuites[0].testsuite ?? [];
      const claims = suites.find((s: Record<string, string>) => s['@_name'] === 'claims');
      const count = (state: string) => report.claims.filter((c) => c.waiver === undefined && c.state === state).length;
      expect(Number(claims?.['@_tests'] ?? 0)).toBe(report.claims.length);
      expect(Number(claims?.['@_failures'] ?? 0)).toBe(count('violated'));
      expect(Number(claims?.['@_errors'] ?? 0)).toBe(count('unknown'));
    },
  );
});

describe('annotations', () => {
  it('are one line each, with the place escaped', () => {
    const text = render.github(hostile);
    expect(text.trimEnd().split('\n')).toHaveLength(1);
    expect(text).toContain('file=a b/c%2Cd%3Ae,line=7,col=2,title=claim-ingress::');
    expect(text).toContain('x:y%250A');
  });
});

describe('Markdown', () => {
  it('lets no text of a policy become markup', () => {
    const text = render.markdown(hostile);
    expect(text).not.toContain('<b>');
    expect(text).not.toContain('@everyone|');
    expect(text).toContain('```` because of a b#c:3:4 (``x`` ]]>'.slice(0, 3));
  });

  it.each([3_000, 10_000, 65_536])('fits %i characters and counts what did not fit', (limit) => {
    const { claims = [] } = reports['several-faults'] ?? {};
    const many = { ...hostile, claims: Array.from({ length: 300 }, () => claims).flat() };
    const text = markdownReport(many, { flows: FLOWS, limit });
    expect(text.length).toBeLessThanOrEqual(limit);
    expect(text.startsWith(COMMENT_MARK)).toBe(true);
    expect(text).toContain('Not isolated');
    const parts = findingsOf(many, isFile).length + 1;
    const left = Number(/\*\*(\d+) of (\d+) parts did not fit/.exec(text)?.[1]);
    expect(left).toBe(parts - [...text.matchAll(/<details>|```mermaid/g)].length);
  });

  it('says nothing of parts left out where none are', () => {
    for (const [, report] of all) expect(render.markdown(report)).not.toContain('did not fit');
  });

  it('draws what is gained thick, what is lost dotted, and what is declared thin', () => {
    const text = render.markdown(reports['mixed-policy'] ?? hostile);
    expect(text).toMatch(/-->\|"tcp 11434"\|/);
    expect(text).toMatch(/==>\|"\+ tcp 5433-5440/);
    expect(text).toMatch(/-\.->\|"- tcp 5432"\|/);
  });
});
