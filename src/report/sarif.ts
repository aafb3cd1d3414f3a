import { SarifBuilder, SarifResultBuilder, SarifRuleBuilder, SarifRunBuilder } from 'node-sarif-builder';
import { causeOf } from '../proof/causes.ts';
import type { Place } from '../proof/claim.ts';
import type { Report } from '../proof/report.ts';
import { type Finding, findingsOf } from './findings.ts';
import { hash } from './fingerprint.ts';

/** What a SARIF log says beside the findings. */
export interface SarifOptions {
  readonly version: string;
  /** The file that a finding without a place of its own is shown at: code scanning shows nothing without one. */
  readonly file: string;
  readonly isFile: (name: string) => boolean;
}

/** The results as SARIF 2.1.0 (OASIS Standard, 27 March 2020), one run, one rule for each id that occurs. */
export function sarifReport(report: Report, { version, file, isFile }: SarifOptions): string {
  const findings = findingsOf(report, isFile);
  const run = new SarifRunBuilder().initSimple({ toolDriverName: 'cordon', toolDriverVersion: version });
  for (const id of new Set(findings.map((f) => f.rule))) run.addRule(ruleOf(id));
  for (const finding of findings) run.addResult(resultOf(finding, file));
  // Columns are those of JavaScript strings (3.14.17), and a run that could not look everywhere must say so (3.20.9).
  run.run.columnKind = 'utf16CodeUnits';
  run.run.invocations = [{ executionSuccessful: report.coverage.unobserved.length === 0 }];
  const log = new SarifBuilder();
  log.addRun(run);
  return `${log.buildSarifJsonString({ indent: true })}\n`;
}

function ruleOf(id: string): SarifRuleBuilder {
  const cause = causeOf(id);
  const rule = new SarifRuleBuilder().initSimple({
    ruleId: id,
    shortDescriptionText: cause?.sentence ?? RULES[id] ?? `The claim ${id.replace(/^claim-/, '')} has to hold.`,
  });
  if (cause !== undefined) {
    rule.rule.help = { text: cause.fix };
    rule.rule.properties = { 'security-severity': SECURITY_SEVERITY[cause.severity], tags: ['security'] };
  }
  return rule;
}

/** Rules that are no causes of the catalogue. */
const RULES: Readonly<Record<string, string>> = {
  'change-reach': 'Somebody gains or loses packets to somebody.',
  'change-residue': 'Somebody gains or loses packets that open no flow.',
  'change-knows': 'Somebody sees more or less of the network.',
  'change-becomes': 'Somebody can take or no longer take an identity.',
  'change-ssh': 'Somebody gains or loses SSH sessions.',
  'change-capability': 'Somebody gains or loses an application capability.',
  'unknown-assumption': 'A construct is bounded from above by documentation, and no capture shows what it does.',
  'unknown-comparison': 'Something could not be interpreted, so the difference is not known.',
  'unknown-observation': 'A source was asked and did not answer completely.',
};

/** Middle of the bands in which code scanning shows a security severity. */
const SECURITY_SEVERITY = { critical: '9.5', high: '8.0', medium: '5.5', low: '2.0' } as const;

function resultOf(finding: Finding, file: string): SarifResultBuilder {
  const [place = { file, line: 1, column: 1 }] = finding.places;
  const result = new SarifResultBuilder().initSimple({
    level: finding.level,
    messageText: [finding.title, ...finding.details].join('\n'),
    ruleId: finding.rule,
  });
  // The builder gives every region an end; where the finding ends is not known.
  const logicalLocations = [...new Set(finding.subjects)].map((fullyQualifiedName) => ({ fullyQualifiedName }));
  result.result.locations = [{ ...physical(place), logicalLocations }];
  const related = finding.places.slice(1);
  if (related.length > 0) {
    result.result.relatedLocations = related.map((p, id) => ({ id, ...physical(p) }));
  }
  result.result.partialFingerprints = { 'cordon/v1': hash(finding.fingerprint) };
  return result;
}

function physical({ file, line, column }: Place) {
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(file) },
      region: { startLine: line, startColumn: column },
    },
  };
}

/** A URI reference (RFC 3986, RFC 8089): names of sources may hold blanks and colons. */
function uriOf(file: string): string {
  const path = file.replace(/^\.\//, '').split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? `file://${path}` : path;
}
