import { type AuditRun, auditFindings, readAudit } from './audit.ts';
import { baselineOf } from './baseline.ts';
import { compareConfig } from './compare.ts';
import type { Deployment } from './deployment.ts';
import { explainFindings } from './explain.ts';
import { isRecord, valueAt } from './keys.ts';
import type { Finding } from './line.ts';
import type { Override } from './overrides.ts';
import { shown } from './show.ts';
import { knowledgeOf, type VersionKnowledge } from './version.ts';

/** What was read of one gateway; a source that gave nothing says why. */
export interface Observation {
  /** Version that answered. */
  readonly version: unknown;
  readonly config: Source<unknown>;
  readonly audit: Source<AuditRun>;
  /** Answers of `openclaw sandbox explain`, one for each agent that was asked. */
  readonly explain: Source<readonly unknown[]>;
}

export type Source<T> =
  | { readonly kind: 'read'; readonly value: T }
  /** Not asked, where nothing was promised of it. */
  | { readonly kind: 'not-asked' }
  | { readonly kind: 'failed'; readonly why: string };

/** What a gateway is to be. */
export interface Declaration {
  /** Name in `PRESETS`. */
  readonly preset: string;
  readonly deployment: Deployment;
  readonly overrides: readonly Override[];
}

/**
 * Decides a baseline on what was read of one gateway. The comparison of the configuration is what counts; the audit and
 * `sandbox explain` add what it cannot see, and can only take certainty away.
 * @returns every line, those that hold included; findings of one key are merged, the worst first
 */
export function assess(declaration: Declaration, observation: Observation): Finding[] {
  const version = knowledgeOf(observation.version);
  const { config, audit, explain } = observation;
  if (config.kind !== 'read' || !isRecord(config.value)) {
    const why = config.kind === 'failed' ? config.why : 'there is no configuration that can be read';
    return merged([...doubts(version), failed('config', why)]);
  }
  const { deployment, overrides, preset } = declaration;
  const baseline = baselineOf(preset, deployment, overrides, version.family);
  const compared = compareConfig(baseline, config.value, version).map((f) => withDoubt(f, version));
  return merged([
    ...doubts(version),
    ...compared,
    ...auditPart(audit, compared, config.value),
    ...explainPart(explain, config.value, version),
  ]);
}

function auditPart(audit: Source<AuditRun>, compared: readonly Finding[], config: unknown): Finding[] {
  if (audit.kind !== 'read') return [failed('audit', audit.kind === 'failed' ? audit.why : 'the audit was not asked')];
  const report = readAudit(audit.value);
  if (report.kind === 'unknown') return [failed('audit', report.why)];
  if (report.kind === 'invalid') return report.keys.map((key) => invalid(key, config));
  const isMissing = (id: string) => !report.findings.some((f) => f.checkId === id);
  return [
    ...auditFindings(report.findings, compared),
    ...(expectsProxyWarning(config) && isMissing('gateway.trusted_proxies_missing')
      ? [failed('audit', 'the audit does not say of this configuration what it has to: it read another one')]
      : []),
  ];
}

/**
 * The audit warns of every loopback gateway that trusts no proxy and serves the control page (openclaw
 * `src/security/audit.ts`); a report without that warning is about something else.
 */
function expectsProxyWarning(config: unknown): boolean {
  const at = (...path: string[]) => valueAt(config, ['gateway', ...path]);
  const proxies = at('trustedProxies');
  return (
    (at('bind') === undefined || at('bind') === 'loopback') &&
    (proxies === undefined || (Array.isArray(proxies) && proxies.length === 0)) &&
    at('controlUi', 'enabled') !== false
  );
}

function explainPart(explain: Source<readonly unknown[]>, config: unknown, version: VersionKnowledge): Finding[] {
  if (explain.kind === 'not-asked') return [];
  if (explain.kind === 'failed') return [failed('explain', explain.why)];
  return explain.value.flatMap((answer) => explainFindings(answer, config, version));
}

/** A key for which the gateway refuses the whole file: it is not in effect, and what is in effect is not known. */
function invalid(path: string, config: unknown): Finding {
  return {
    path,
    state: 'invalid',
    causes: [],
    severity: 'high',
    section: '',
    expected: null,
    effective: shown(valueAt(config, path.split('.'))),
    source: 'audit',
    fix: 'Correct the key: a gateway does not start with this file, and one that runs keeps its last good one.',
  };
}

/** A source without an answer: nothing that rests on it holds. */
function failed(path: string, why: string): Finding {
  return {
    path,
    state: 'unknown',
    causes: [],
    severity: 'medium',
    section: '7',
    expected: null,
    effective: null,
    source: why,
    fix: 'Ask the gateway again, with a longer time limit if it was late.',
  };
}

function doubts(version: VersionKnowledge): Finding[] {
  if (version.doubt === undefined) return [];
  const { doubt, text } = version;
  return [{ ...failed('openclaw', doubt), effective: text === '' ? null : text, fix: `The version is ${doubt}.` }];
}

/** What deviates does so in any release; what holds would have to be known of this one. */
function withDoubt(finding: Finding, version: VersionKnowledge): Finding {
  if (version.doubt === undefined || finding.state !== 'holds') return finding;
  return { ...finding, state: 'unknown', source: `${finding.source}; the release is not known` };
}

const ORDER = ['invalid', 'violated', 'unknown', 'holds'] as const;

/** One finding for each key and agent: the worst that was found. */
function merged(findings: readonly Finding[]): Finding[] {
  const byKey = new Map<string, Finding>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.path, finding.agent]);
    const before = byKey.get(key);
    if (before === undefined || ORDER.indexOf(finding.state) < ORDER.indexOf(before.state)) {
      byKey.set(key, before === undefined ? finding : { ...finding, causes: union(before.causes, finding.causes) });
    }
  }
  return [...byKey.values()];
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}
