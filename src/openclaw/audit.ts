import { AUDIT_CHECKS } from './audit-checks.ts';
import { isRecord } from './keys.ts';
import type { Finding } from './line.ts';

/** What a run of `openclaw security audit --json` said. */
export interface AuditRun {
  /** Exit status; undefined when nobody wrote it down, a text such as `timeout` when the program was stopped. */
  readonly exit: unknown;
  /** Its JSON, where there was any. */
  readonly body: unknown;
  readonly stderr: unknown;
}

/** One finding of the audit. */
export interface AuditFinding {
  readonly checkId: string;
  readonly severity: string;
}

/** An audit that answered in full, or why it did not. */
export type AuditReport =
  /** What the configuration suppresses is among the findings: suppressing does not end it. */
  | { readonly kind: 'answered'; readonly findings: readonly AuditFinding[] }
  /** The gateway refuses the configuration: it does not start with it, and keeps the last good one while it runs. */
  | { readonly kind: 'invalid'; readonly keys: readonly string[] }
  | { readonly kind: 'unknown'; readonly why: string };

const SEVERITIES = ['critical', 'warn', 'info'];

/**
 * Reads an audit strictly: a report whose summary does not match its findings, whose exit status does not fit, or that
 * names a check nobody knows is no report. An invalid configuration makes the audit exit with 1 and name the keys, as
 * JSON (2026.9) or as text on stderr.
 */
export function readAudit(run: AuditRun): AuditReport {
  const { exit, body, stderr } = run;
  if (exit !== 0) {
    const keys = [...issueKeys(body), ...(typeof stderr === 'string' ? issueLines(stderr) : [])];
    if (exit === 1 && keys.length > 0) return { kind: 'invalid', keys: [...new Set(keys)] };
    return { kind: 'unknown', why: exit === undefined ? 'no exit status' : 'the audit did not end as it should' };
  }
  if (!isRecord(body)) return { kind: 'unknown', why: 'the audit answered nothing that can be read' };
  const { findings, summary } = body;
  if (!Array.isArray(findings) || !findings.every(isFinding)) {
    return { kind: 'unknown', why: 'the audit has no list of findings, or one that can only be read in part' };
  }
  const isCounted = SEVERITIES.every(
    (severity) => isRecord(summary) && summary[severity] === findings.filter((f) => f.severity === severity).length,
  );
  if (!isCounted) return { kind: 'unknown', why: 'the audit does not have as many findings as it says' };
  const suppressed = body['suppressedFindings'] ?? [];
  if (!Array.isArray(suppressed) || !suppressed.every(isFinding)) {
    return { kind: 'unknown', why: 'the audit has suppressed findings that can only be read in part' };
  }
  return { kind: 'answered', findings: [...findings, ...suppressed] };
}

function isFinding(value: unknown): value is AuditFinding {
  return (
    isRecord(value) &&
    typeof value['checkId'] === 'string' &&
    typeof value['severity'] === 'string' &&
    SEVERITIES.includes(value['severity'])
  );
}

/** Keys of an error answer: `issues[{path, message}]`; a key that the schema does not have is named in the message. */
function issueKeys(body: unknown): string[] {
  if (!isRecord(body) || !Array.isArray(body['issues'])) return [];
  return body['issues'].flatMap((issue: unknown) => {
    if (!isRecord(issue) || typeof issue['path'] !== 'string') return [];
    return keysOf(issue['path'], typeof issue['message'] === 'string' ? issue['message'] : '');
  });
}

/** Keys of the lines `  - [file:line — ]key: message` on stderr, or of `\n- key: message` in one line. */
function issueLines(stderr: string): string[] {
  const lines = stderr.replaceAll('\\n', '\n').split('\n');
  const end = lines.findIndex((line) => /^Legacy config keys/.test(line));
  return lines.slice(0, end < 0 ? lines.length : end).flatMap((line) => {
    const match = /^\s*-\s+(?:\S+:\d+\s+\S\s+)?([A-Za-z$][^\s:]*):\s(.*)$/.exec(line);
    return match === null ? [] : keysOf(match[1] ?? '', match[2] ?? '');
  });
}

function keysOf(path: string, message: string): string[] {
  const unrecognised = /^Unrecognized keys?: (.+?)(?:, got:.*)?$/.exec(message)?.[1];
  const key = path.replaceAll(/\[(\d+)\]/g, '.$1');
  if (unrecognised === undefined) return key === '' ? [] : [key];
  const names = [...unrecognised.matchAll(/"([^"]{1,80})"/g)].map((m) => m[1] ?? '');
  return names.map((name) => (key === '' ? name : `${key}.${name}`));
}

/** Keys that a check is about, by the first word of its id: findings there explain the check. */
const ABOUT: Readonly<Record<string, readonly string[]>> = {
  browser: ['browser', 'tools', 'agents'],
  channels: ['channels', 'session', 'commands'],
  discovery: ['discovery'],
  fs: ['fs'],
  gateway: ['gateway'],
  hooks: ['hooks', 'gateway'],
  logging: ['logging'],
  mcp: ['mcp'],
  models: ['models', 'tools', 'agents'],
  plugins: ['plugins', 'tools', 'agents'],
  sandbox: ['agents', 'tools'],
  skills: ['skills'],
  tools: ['tools', 'agents'],
};

/**
 * What the audit adds to the comparison: file modes, which no key shows; critical findings that no key explains; checks
 * that nobody knows.
 * @param compared what the configuration says, to tell which critical findings it explains
 */
export function auditFindings(findings: readonly AuditFinding[], compared: readonly Finding[]): Finding[] {
  return findings.flatMap((found): Finding[] => {
    const base = {
      path: /^[\w.-]{1,120}$/.test(found.checkId) ? found.checkId : 'audit',
      section: '9',
      expected: null,
      effective: found.severity,
      source: 'audit',
    };
    if (!AUDIT_CHECKS.some((known) => known.test(found.checkId))) {
      const fix = 'Use a cordon that knows this release of OpenClaw; until then read the finding by hand.';
      return [{ ...base, state: 'unknown', causes: [], severity: 'medium', fix }];
    }
    const [family = ''] = found.checkId.split('.');
    if (family === 'fs' && found.severity !== 'info') {
      const fix =
        'Make directories 0700 and files 0600, owned by the service user, without links or synchronised folders.';
      return [{ ...base, state: 'violated', causes: ['OC-21'], severity: 'high', section: '6', fix }];
    }
    if (found.severity !== 'critical' || isExplained(family, compared)) return [];
    const fix = 'Read the finding with `openclaw security audit` and end it.';
    return [{ ...base, state: 'violated', causes: ['OC-22'], severity: 'critical', fix }];
  });
}

function isExplained(family: string, compared: readonly Finding[]): boolean {
  const about = ABOUT[family];
  return compared.some(
    (f) => f.state !== 'holds' && (about === undefined || about.includes(f.path.split('.')[0] ?? '')),
  );
}
