import type { LabCell, LabReport } from './lab-report.ts';

/**
 * The lab's report as JSON: every cell that is not `closed`, and of those how many there are between each pair of hosts.
 * No times in it, so that two runs can be compared.
 */
export function labJson(report: LabReport): string {
  const { verdict, hosts, strangers, cells, findings, missing } = report;
  const counts = (of: readonly LabCell[]) =>
    Object.fromEntries([...Map.groupBy(of, (c) => c.verdict)].map(([name, group]) => [name, group.length]).sort());
  const pairs = [...Map.groupBy(cells, (c) => `${c.from} ${c.to}`).values()].flatMap((group) => {
    const first = group[0];
    return first === undefined ? [] : [{ from: first.from, to: first.to, cells: counts(group) }];
  });
  const body = {
    schemaVersion: 1,
    verdict,
    hosts,
    strangers,
    cells: { total: cells.length, ...counts(cells) },
    pairs,
    open: cells.filter((c) => c.verdict === 'works' || c.verdict === 'policy-only'),
    findings,
    missing,
  };
  return `${JSON.stringify(body, null, 2)}\n`;
}
