import type { Finding } from '../../openclaw/line.ts';
import { redact } from '../../topology/load/secrets.ts';

/** The fields of a finding that other programs read. */
export function findingJson(finding: Finding): Record<string, unknown> {
  const { path, agent, state, causes, expected, effective, source } = finding;
  return { path, ...(agent === undefined ? {} : { agent }), state, causes, expected, effective, source };
}

/** JSON text in which nothing that looks like a credential is left, wherever it came from. */
export function safeJson(value: unknown): string {
  return `${redact(JSON.stringify(value, null, 2))}\n`;
}
