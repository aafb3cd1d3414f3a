import { readdirSync, readFileSync } from 'node:fs';
import { assess, type Declaration } from '../../src/openclaw/assess.ts';
import { type Deployment, REFERENCE_DEPLOYMENT } from '../../src/openclaw/deployment.ts';
import { isRecord } from '../../src/openclaw/keys.ts';
import type { Finding } from '../../src/openclaw/line.ts';
import { type Override, overridesOf } from '../../src/openclaw/overrides.ts';
import { observationOfRecord } from '../../src/openclaw/record.ts';

export const VERSIONS = ['2026.9.6', '2026.2.26'] as const;

export type Version = (typeof VERSIONS)[number];

const RECORDED = new URL('./fixtures/recorded/', import.meta.url);

/** A recorded run; every call gives a copy of its own. */
// biome-ignore lint/suspicious/noExplicitAny: tests change what a foreign program wrote
export type Recording = any;

/** Names of what was recorded of a release. */
export function recordedNames(version: Version): string[] {
  const names = readdirSync(new URL(`./${version}/drift/`, RECORDED)).map((file) => file.replace(/\.json$/, ''));
  if (names.length < 20) throw new Error(`only ${names.length} records of ${version}`);
  return names.sort();
}

export function recorded(version: Version, name: string): Recording {
  return JSON.parse(readFileSync(new URL(`./${version}/drift/${name}.json`, RECORDED), 'utf8'));
}

export function declaration(
  deployment: Deployment = REFERENCE_DEPLOYMENT,
  overrides: Readonly<Record<string, unknown>> = {},
): Declaration & { readonly overrides: readonly Override[] } {
  return { preset: 'hardened-2026-02', deployment, overrides: overridesOf(overrides) };
}

/** What does not hold of a record. */
export function findingsOf(record: unknown, declared: Declaration = declaration()): Finding[] {
  return assess(declared, observationOfRecord(record)).filter((f) => f.state !== 'holds');
}

/** The hardened record with its configuration changed, and the audit kept as an honest one would be of it. */
export function hardenedWith(version: Version, edit: (config: Recording) => void): Recording {
  const record = recorded(version, 'hardened');
  edit(record.config);
  return withHonestProxyWarning(record);
}

/** The audit's one finding about the configuration itself: it has to be there exactly where it belongs. */
export function withHonestProxyWarning(record: Recording): Recording {
  const gateway = isRecord(record.config?.gateway) ? record.config.gateway : {};
  const proxies = gateway.trustedProxies ?? [];
  const warns = (gateway.bind ?? 'loopback') === 'loopback' && Array.isArray(proxies) && proxies.length === 0;
  if (warns) return record;
  record.audit.findings = record.audit.findings.filter(
    (f: { checkId: string }) => f.checkId !== 'gateway.trusted_proxies_missing',
  );
  record.audit.summary.warn = record.audit.findings.filter((f: { severity: string }) => f.severity === 'warn').length;
  return record;
}

export function pathsOf(findings: readonly Finding[]): string[] {
  return findings.map((f) => f.path);
}
