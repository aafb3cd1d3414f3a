import { describe, expect, it } from 'vitest';
import { assess, type Observation } from '../../src/openclaw/assess.ts';
import { observationOfRecord } from '../../src/openclaw/record.ts';
import { knowledgeOf } from '../../src/openclaw/version.ts';
import { declaration, findingsOf, pathsOf, type Recording, recorded, VERSIONS } from './support.ts';

/** Each must leave something unknown; nothing may become a violation that is not there. */
const FAULTS: Readonly<Record<string, (r: Recording) => unknown>> = {
  'the audit is missing': (r) => delete r.audit,
  'the audit is null': (r) => (r.audit = null),
  'the audit is a text': (r) => (r.audit = '{"findings": ['),
  'the audit was stopped': (r) => (r.exit = 'timeout'),
  'the audit ended with 1 and said nothing': (r) => Object.assign(r, { exit: 1, audit: null, stderr: '' }),
  'the audit ended with 1 and JSON that is no error': (r) => (r.exit = 1),
  'no exit status': (r) => delete r.exit,
  'no summary': (r) => delete r.audit.summary,
  'the summary counts more': (r) => r.audit.summary.critical++,
  'the summary counts less': (r) => (r.audit.summary.warn = 0),
  'a finding was lost': (r) => r.audit.findings.pop(),
  'a finding without severity': (r) => delete r.audit.findings[0].severity,
  'a severity that nobody knows': (r) => (r.audit.findings[0].severity = 'fatal'),
  'findings are no list': (r) => (r.audit.findings = {}),
  'a check that nobody knows': (r) => (r.audit.findings[0].checkId = 'gateway.something_new'),
  'the audit of another configuration': (r) =>
    Object.assign(r.audit, { findings: r.audit.findings.slice(0, 1), summary: { critical: 0, warn: 0, info: 1 } }),
  'the configuration is missing': (r) => delete r.config,
  'the configuration is a list': (r) => (r.config = []),
  'the configuration is a text': (r) => (r.config = '{}'),
  'no version': (r) => delete r.openclaw,
  'a version that is a number': (r) => (r.openclaw = 2026.9),
  'a newer version': (r) => (r.openclaw = '2027.1.1'),
  'an older version': (r) => (r.openclaw = '2026.1.9'),
  'a version between the two': (r) => (r.openclaw = '2026.4.23'),
  'a preview of a known version': (r) => (r.openclaw = '2026.9.6-beta.1'),
  'explain is null': (r) => (r.sandboxExplain = null),
  'explain says another mode': (r) => (r.sandboxExplain = { agentId: 'main', sandbox: { mode: 'off' } }),
  'explain answers for an agent that is not there': (r) =>
    (r.sandboxExplainAgentX = { agentId: 'x', sandbox: { mode: 'all', workspaceAccess: 'none' } }),
};

describe.each(VERSIONS)('%s', (version) => {
  it.each(Object.keys(FAULTS))('%s: unknown', (name) => {
    const record = recorded(version, 'hardened');
    FAULTS[name]?.(record);
    const findings = findingsOf(record);
    expect(findings.map((f) => f.state)).toContain('unknown');
    const wrong = findings.filter((f) => f.state !== 'unknown');
    // Another release's names and defaults may find something, nothing else may.
    if (!name.includes('version')) expect(wrong).toEqual([]);
  });

  it('is not green with the other release’s audit and name', () => {
    const [other] = VERSIONS.filter((v) => v !== version);
    const record = { ...recorded(version, 'hardened'), openclaw: other };
    expect(findingsOf(record).length).toBeGreaterThan(0);
  });

  it('still finds what deviates when it does not know the release', () => {
    const record = { ...recorded(version, 'bind-lan'), openclaw: '2027.1.1' };
    expect(findingsOf(record).find((f) => f.path === 'gateway.bind')?.state).toBe('violated');
  });

  it('still finds what deviates when the audit failed', () => {
    const record = { ...recorded(version, 'bind-lan'), audit: undefined, exit: 'timeout' };
    expect(findingsOf(record).map((f) => [f.path, f.state])).toEqual(
      expect.arrayContaining([
        ['gateway.bind', 'violated'],
        ['audit', 'unknown'],
      ]),
    );
  });
});

it.each([undefined, null, 17, 'x', [], true])('the record %j: unknown', (record) => {
  expect(findingsOf(record).map((f) => f.state)).toEqual(['unknown', 'unknown']);
});

it('sources that were asked and failed are unknown, each with its reason', () => {
  const failed = { kind: 'failed', why: 'late: 20 s' } as const;
  const good = observationOfRecord(recorded('2026.9.6', 'hardened'));
  const without: [string, Observation][] = [
    ['config', { ...good, config: failed }],
    ['audit', { ...good, audit: failed }],
    ['explain', { ...good, explain: failed }],
  ];
  for (const [name, observation] of without) {
    const found = assess(declaration(), observation).filter((f) => f.state !== 'holds');
    expect(found.map((f) => [f.path, f.state, f.source])).toEqual([[name, 'unknown', 'late: 20 s']]);
  }
});

describe('an invalid configuration', () => {
  it.each([
    [
      'an unknown key (JSON)',
      { ok: false, issues: [{ path: 'models.providers.ollama', message: 'Unrecognized key: "baseURL"' }] },
      '',
      'models.providers.ollama.baseURL',
    ],
    [
      'an unknown key at the top',
      { ok: false, issues: [{ path: '', message: 'Unrecognized key: "nodes"' }] },
      '',
      'nodes',
    ],
    [
      'an unknown key (text)',
      null,
      'Problem:\n  - models.providers.ollama: Unrecognized key: "baseURL"\n',
      'models.providers.ollama.baseURL',
    ],
    [
      'a line number before the key',
      null,
      '  - openclaw.json:12 — gateway.bind: Invalid input, got: "x"\n',
      'gateway.bind',
    ],
    [
      'an item of a list',
      { issues: [{ path: 'agents.list[1].sandbox.mode', message: 'Invalid input' }] },
      '',
      'agents.list.1.sandbox.mode',
    ],
  ])('%s', (_name, audit, stderr, path) => {
    const record = { ...recorded('2026.9.6', 'hardened'), exit: 1, audit, stderr };
    expect(findingsOf(record).map((f) => [f.path, f.state])).toEqual([[path, 'invalid']]);
  });

  it('keeps what the file changes besides', () => {
    const record = recorded('2026.9.6', 'bind-lan');
    const issues = [{ path: 'gateway.port', message: 'Invalid input' }];
    const findings = findingsOf({ ...record, exit: 1, audit: { ok: false, issues } });
    expect(findings.map((f) => [f.path, f.state])).toEqual([
      ['gateway.bind', 'violated'],
      ['gateway.port', 'invalid'],
    ]);
  });
});

describe('findings of the audit', () => {
  const withFinding = (checkId: string, severity: 'critical' | 'warn' | 'info') => {
    const record = recorded('2026.9.6', 'hardened');
    record.audit.findings.push({ checkId, severity });
    record.audit.summary[severity]++;
    return findingsOf(record).map((f) => [f.path, f.state]);
  };

  it.each(['fs.synced_dir', 'fs.config.symlink', 'fs.state_dir.perms_world_writable'])('%s is named', (checkId) =>
    expect(withFinding(checkId, 'warn')).toEqual([[checkId, 'violated']]),
  );
  it('a critical finding that no key explains is named', () =>
    expect(withFinding('skills.code_safety', 'critical')).toEqual([['skills.code_safety', 'violated']]));
  it('a warning about something that the baseline does not ask for is not', () =>
    expect(withFinding('skills.code_safety', 'warn')).toEqual([]));
  it('a finding that the configuration suppresses is named as well', () => {
    const record = recorded('2026.9.6', 'hardened');
    record.audit.suppressedFindings = [{ checkId: 'fs.synced_dir', severity: 'warn' }];
    expect(findingsOf(record).map((f) => [f.path, f.state])).toEqual([['fs.synced_dir', 'violated']]);
    record.audit.suppressedFindings = {};
    expect(findingsOf(record).map((f) => [f.path, f.state])).toEqual([['audit', 'unknown']]);
  });
  it('ids that carry names are known', () =>
    expect(withFinding('channels.matrix.dm.open', 'critical')).toEqual([['channels.matrix.dm.open', 'violated']]));
});

describe('versions', () => {
  it.each([
    ['2026.9.6', '2026.9', true],
    [' 2026.2.26\n', '2026.2', true],
    ['2026.9.7', '2026.9', false],
    ['2026.3.1', '2026.2', false],
    ['2025.12.1', '2026.2', false],
    ['2026.9.6-1', '2026.9', false],
    ['v2026.9.6', '2026.9', false],
    ['', '2026.9', false],
    [undefined, '2026.9', false],
  ])('%j', (version, family, isKnown) => {
    const knowledge = knowledgeOf(version);
    expect([knowledge.family, knowledge.doubt === undefined]).toEqual([family, isKnown]);
  });
});

it('an agent of whom explain says the same is no finding', () => {
  const record = recorded('2026.9.6', 'sandbox-tools-deny-unset');
  expect(record.sandboxExplain.agentId).toBe('main');
  expect(pathsOf(findingsOf(record))).toEqual(['tools.sandbox.tools.deny']);
});
