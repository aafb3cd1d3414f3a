import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../src/proof/claim.ts';
import type { Report } from '../../src/proof/report.ts';
import { jsonReport } from '../../src/report/json.ts';
import { textReport } from '../../src/report/text.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { interpret } from '../../src/state/interpret.ts';
import { compared, comparedPolicies, device } from '../support/compare.ts';
import {
  plainWorld,
  proved,
  TODAY,
  type World,
  withDevice,
  withGrant,
  withPolicy,
  withRules,
  withSource,
} from '../support/evidence.ts';
import { homelab, inOutput } from '../support/ruleset-edits.ts';
import { expectGolden } from '../topology/support.ts';

const EMPTY: Report['coverage'] = { observed: [], unobserved: [] };

function claimsOf(world: World, evidence: Evidence): Report {
  const claims = proved(world, evidence, { declared: interpret(world.evidence) });
  const sources = Object.entries(evidence.sources);
  return {
    verdict: verdictOf(claims),
    claims,
    coverage: {
      observed: sources.filter(([, e]) => e.status === 'ok').map(([name]) => name),
      unobserved: sources.filter(([, e]) => e.status !== 'ok').map(([source, e]) => ({ source, why: e.status })),
    },
  };
}

const wide = withGrant(homelab.evidence, { src: ['*'], dst: ['*'], ip: ['*'] });
const flushed = withRules(homelab.evidence, 'ollama-1', /^[\s\S]*$/, '');
const silent = withSource(
  withSource(homelab.evidence, 'host/gw-1/nft.txt', { status: 'late', why: 'no answer after 10 s' }),
  'tailnet/settings',
  { status: 'denied', why: 'HTTP 403: missing scope' },
);
const several = withDevice(
  withPolicy(
    withRules(homelab.evidence, 'exec-1', 'chain ingress {\n', 'chain ingress {\n\t\ttcp dport 22 accept\n'),
    /"tag:orchestrator":\s*\["group:ops"\]/,
    '"tag:orchestrator": ["group:ops", "autogroup:member"]',
  ),
  'nGw1DemoCNTRL',
  { tags: [], user: 'kim@example.com' },
);

const waived = plainWorld((t) => {
  t.tailnet.base = './base.hujson';
  t.waivers = ['TS-ACL-02', 'TS-ACL-26'].map((id) => ({
    id,
    owner: 'ops',
    reason: 'until the move',
    expires: '2026-12-31',
  }));
}, '{"tagOwners": {"tag:ci": ["ops@example.com"]}, "grants": [{"src": ["tag:ci"], "dst": ["tag:gateway"], "ip": ["tcp:22"]}]}');
const expired = plainWorld((t) => {
  t.waivers = [{ id: 'TS-SET-03', owner: 'ops', reason: 'x', expires: '2026-11-23' }];
});

const DEVICES = [
  device('web', ['tag:web'], 10),
  device('db1', ['tag:db'], 20),
  device('db2', ['tag:db'], 21),
  device('kim', [], 30),
];
const policy = (grants: readonly object[], more: object = {}) =>
  JSON.stringify({ tagOwners: { 'tag:web': [], 'tag:db': [] }, grants, ...more }, null, 1);

const reports: Readonly<Record<string, Report>> = {
  empty: { claims: [], coverage: EMPTY },
  'nothing-claimed': { verdict: 'holds', claims: [], coverage: EMPTY },
  isolated: claimsOf(homelab, homelab.evidence),
  'unknown-only': claimsOf(homelab, silent),
  'wide-policy': { ...claimsOf(homelab, wide), comparison: compared(homelab, homelab.evidence, wide) },
  'flushed-ruleset': { ...claimsOf(homelab, flushed), comparison: compared(homelab, homelab.evidence, flushed) },
  'several-faults': { ...claimsOf(homelab, several), comparison: compared(homelab, homelab.evidence, several) },
  waived: claimsOf(waived, waived.evidence),
  'expired-waiver': claimsOf(expired, expired.evidence),
  'same-policy': { claims: [], coverage: EMPTY, comparison: comparedPolicies(policy([]), policy([])) },
  'cosmetic-policy': { claims: [], coverage: EMPTY, comparison: comparedPolicies(policy([]), `// why\n${policy([])}`) },
  'mixed-policy': {
    claims: [],
    coverage: EMPTY,
    comparison: comparedPolicies(
      policy([{ src: ['tag:web'], dst: ['tag:db'], ip: ['tcp:5432'] }]),
      policy(
        [
          { src: ['tag:web', 'kim@example.com'], dst: ['tag:db'], ip: ['tcp:5433-5440', 'udp:53'] },
          { src: ['kim@example.com'], dst: ['tag:db'], app: { 'example.com/cap/x': [] } },
        ],
        {
          tagOwners: { 'tag:web': ['kim@example.com'], 'tag:db': [] },
          autoApprovers: { routes: { '10.0.0.0/8': ['tag:web'] } },
        },
      ),
      DEVICES,
    ),
  },
  'unknown-policy': {
    claims: [],
    coverage: EMPTY,
    comparison: comparedPolicies(
      policy([]),
      policy([], { ssh: [{ action: 'accept', src: ['*'], dst: ['tag:db'], users: ['root'] }] }),
      DEVICES,
    ),
  },
  'one-gate': {
    claims: [],
    coverage: EMPTY,
    comparison: compared(
      homelab,
      homelab.evidence,
      withRules(
        homelab.evidence,
        'exec-1',
        inOutput(homelab, 'exec-1', 'tcp dport 80 accept').from,
        inOutput(homelab, 'exec-1', 'tcp dport 80 accept').to,
      ),
    ),
  },
};

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
        expect(['source', 'line', 'column', 'rule', 'text']).toEqual(expect.arrayContaining(Object.keys(b)));
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
