import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/proof/report.ts';
import { jsonReport } from '../../src/report/json.ts';
import { textReport } from '../../src/report/text.ts';
import { compared } from '../support/compare.ts';
import { TODAY } from '../support/evidence.ts';
import { homelab } from '../support/ruleset-edits.ts';
import { expectGolden } from '../topology/support.ts';
import { claimsOf, EMPTY, reports, wide } from './reports.ts';

/** ESC, which begins every colour. */
const ESCAPE = '\u001b';

describe('a report', () => {
  it.each(Object.entries(reports))('of %s, as text', (name, report) => {
    const text = textReport(report, { color: false, verbose: name === 'isolated' });
    expect(text).not.toContain(ESCAPE);
    expectGolden(new URL(`golden/${name}.txt`, import.meta.url), text);
  });

  it.each(Object.entries(reports))('of %s, as JSON', (name, report) => {
    const text = jsonReport(report);
    // What this version decides is a list of its own, and no part of what was found.
    const { coverage, ...rest } = JSON.parse(text);
    const { decided, ...looked } = coverage;
    expect(decided.length).toBeGreaterThan(20);
    expectGolden(
      new URL(`golden/${name}.json`, import.meta.url),
      `${JSON.stringify({ ...rest, coverage: looked }, null, 2)}\n`,
    );
  });

  it.each(Object.entries(reports))('of %s is the same twice, and tells no time', (_name, report) => {
    for (const render of [jsonReport, (r: Report) => textReport(r, { color: false, verbose: true })]) {
      expect(render(structuredClone(report))).toBe(render(report));
      expect(render(report)).not.toMatch(/\d{2}:\d{2}:\d{2}|\d+ ?ms\b/);
    }
  });

  it.each(Object.entries(reports))('of %s in colour has the same words', (_name, report) => {
    const colored = textReport(report, { color: true, verbose: true });
    const plain = colored.replaceAll(new RegExp(`${ESCAPE}\\[[0-9;]*m`, 'g'), '');
    expect(plain).toBe(textReport(report, { color: false, verbose: true }));
  });

  it('says the same of the same evidence, proved again', () => {
    const again = { ...claimsOf(homelab, wide), comparison: compared(homelab, homelab.evidence, wide) };
    expect(jsonReport(again)).toBe(jsonReport(reports['wide-policy'] ?? again));
  });
});

describe('the JSON of a report', () => {
  const json = (name: string) => JSON.parse(jsonReport(reports[name] ?? { claims: [], coverage: EMPTY }));
  const CLAIM = ['claim', 'subject', 'state', 'causes', 'witness', 'blame', 'missing', 'waiver'];
  const CHANGE = [
    'kind',
    'relation',
    'src',
    'dst',
    'packets',
    'count',
    'witness',
    'blame',
    'layer',
    'capability',
    'login',
    'gate',
  ];

  it('has the envelope first, and only the parts that were asked for', () => {
    expect(Object.keys(json('isolated'))).toEqual(['schemaVersion', 'verdict', 'claims', 'coverage']);
    expect(Object.keys(json('same-policy'))).toEqual([
      'schemaVersion',
      'summary',
      'changes',
      'cosmetic',
      'missing',
      'coverage',
    ]);
    expect(Object.keys(json('wide-policy'))).toEqual([
      'schemaVersion',
      'verdict',
      'claims',
      'summary',
      'changes',
      'cosmetic',
      'missing',
      'coverage',
    ]);
    expect(json('isolated').schemaVersion).toBe(1);
  });

  it('has claims of one shape', () => {
    for (const claim of Object.keys(reports).flatMap((name) => json(name).claims ?? [])) {
      expect(CLAIM).toEqual(expect.arrayContaining(Object.keys(claim)));
      expect(Object.keys(claim)).toEqual(
        expect.arrayContaining(['claim', 'subject', 'state', 'causes', 'blame', 'missing']),
      );
      expect(['holds', 'violated', 'unknown']).toContain(claim.state);
      if (claim.state !== 'violated') expect([claim.causes, claim.blame, claim.witness]).toEqual([[], [], undefined]);
      if (claim.state === 'holds') expect(claim.missing).toEqual([]);
      if (claim.state === 'unknown') expect(claim.missing.length).toBeGreaterThan(0);
      for (const b of claim.blame)
        expect(['source', 'line', 'column', 'rule', 'text', 'origin']).toEqual(expect.arrayContaining(Object.keys(b)));
      for (const m of claim.missing) expect(Object.keys(m).sort()).toEqual(['source', 'why']);
    }
  });

  it('has changes of one shape', () => {
    for (const change of Object.keys(reports).flatMap((name) => json(name).changes ?? [])) {
      expect(CHANGE).toEqual(expect.arrayContaining(Object.keys(change)));
      expect(['gain', 'lose']).toContain(change.kind);
      expect(['reach', 'residue', 'knows', 'becomes', 'ssh', 'capability']).toContain(change.relation);
      for (const party of [change.src, change.dst]) expect(Object.keys(party).sort()).toEqual(['members', 'selector']);
      for (const p of change.packets) {
        expect(Object.keys(p).sort()).toEqual(['ports', 'proto']);
        for (const range of p.ports) expect(range).toEqual([expect.any(Number), expect.any(Number)]);
      }
      expect(change.count).toBeGreaterThan(0);
      expect(['src', 'dst', 'proto', 'sport', 'dport']).toEqual(expect.arrayContaining(Object.keys(change.witness)));
      for (const b of change.blame) {
        expect(['a', 'b']).toContain(b.side);
        expect([typeof b.file, typeof b.line, typeof b.column]).toEqual(['string', 'number', 'number']);
      }
    }
  });
});

it('the day of the tests is no part of a report', () => {
  for (const report of Object.values(reports)) expect(jsonReport(report)).not.toContain(TODAY);
});
