import { CAUSES } from '../proof/causes.ts';
import type { Report } from '../proof/report.ts';

/**
 * The JSON envelope of every command: `schemaVersion`, then `verdict` and `claims` where something was proved, then
 * `summary`, `changes`, `cosmetic` and `missing` where something was compared, then `coverage`.
 */
export function jsonReport(report: Report): string {
  const { verdict, claims, comparison, coverage } = report;
  const body = {
    schemaVersion: 1,
    ...(verdict === undefined ? {} : { verdict, claims }),
    ...(comparison === undefined ? {} : comparison),
    coverage: { ...coverage, decided: CAUSES.map((c) => c.id) },
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}
