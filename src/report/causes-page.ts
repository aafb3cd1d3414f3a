import { CAUSES } from '../proof/causes.ts';

/** The page `docs/causes.md`, generated so that it cannot say anything else than the reports. */
export function causesPage(): string {
  const rows = CAUSES.map((c) => `| ${c.id} | ${c.severity} | ${c.sentence} | ${c.fix} |`);
  return [
    '# Causes',
    '',
    'What the ids in a report mean and what ends them. Ids never change their meaning.',
    '',
    '| id | severity | what is wrong | what to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
