import { createColors } from 'picocolors';
import type { CellVerdict, LabCell, LabFinding, LabReport } from './lab-report.ts';
import { endpoint } from './packet-words.ts';

type Colors = ReturnType<typeof createColors>;

/** The worst first: it stands for a pair of hosts in the matrix. */
const SYMBOLS: readonly (readonly [CellVerdict, string, string])[] = [
  ['disagrees', '!', 'not what the proof predicts'],
  ['open', 'X', 'arrives and is not declared'],
  ['broken', 'x', 'declared and does not work'],
  ['unknown', '?', 'could not be tried or predicted'],
  ['works', 'o', 'declared and works'],
  ['policy-only', 'p', 'stopped by the tailnet policy alone'],
  ['closed', '.', 'closed'],
];

/** So many findings are shown one by one; the JSON has them all. */
const SHOWN = 25;

/** The lab's report for people: the verdict, who reaches whom, what works, and cell by cell what is not as it should be. */
export function labText(report: LabReport, options: { readonly color: boolean }): string {
  const c = createColors(options.color);
  const flows = flowLines(c, report.cells);
  const lines = [headline(c, report), '', ...matrixLines(c, report), ...(flows.length > 0 ? ['', ...flows] : [])];
  for (const finding of report.findings.slice(0, SHOWN)) lines.push('', ...findingLines(c, finding));
  const left = report.findings.length - SHOWN;
  if (left > 0) lines.push('', `  and ${left} more, all of them with --format json`);
  for (const m of report.missing) lines.push('', `  ${c.yellow('missing')}    ${m}`);
  return `${lines.join('\n')}\n`;
}

function headline(c: Colors, { verdict, hosts, strangers, cells }: LabReport): string {
  const count = (...of: CellVerdict[]) => cells.filter((cell) => of.includes(cell.verdict)).length;
  const words = {
    holds: c.green(c.bold('AS PROVED AND DECLARED')),
    violated: c.red(c.bold('NOT AS PROVED OR DECLARED')),
    unknown: c.yellow(c.bold('UNKNOWN')),
  };
  const parts = [
    `${plural(hosts.length - strangers.length, 'host')} and ${plural(strangers.length, 'stranger')}`,
    `${cells.length} attempts`,
    `${count('works')} declared and working`,
    `${count('closed', 'policy-only')} closed`,
    `${count('open', 'broken')} not as declared`,
    `${count('disagrees')} not as proved`,
    `${count('unknown')} unknown`,
  ];
  return `${words[verdict]} ${parts.join(', ')}`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function matrixLines(c: Colors, { hosts, cells }: LabReport): string[] {
  const paint: Readonly<Record<CellVerdict, (text: string) => string>> = {
    disagrees: c.red,
    open: c.red,
    broken: c.red,
    unknown: c.yellow,
    works: c.green,
    'policy-only': c.cyan,
    closed: c.dim,
  };
  const pairs = Map.groupBy(cells, (cell) => `${cell.from} ${cell.to}`);
  const width = Math.max(4, ...hosts.map((h) => h.length));
  const used = new Set<CellVerdict>();
  const rows = hosts.map((from, row) => {
    const symbols = hosts.map((to) => {
      const verdicts = new Set((pairs.get(`${from} ${to}`) ?? []).map((cell) => cell.verdict));
      const worst = SYMBOLS.find(([verdict]) => verdicts.has(verdict));
      if (worst === undefined) return ' ';
      used.add(worst[0]);
      return paint[worst[0]](worst[1]);
    });
    return `  ${from.padEnd(width)} ${String(row + 1).padStart(3)}  ${symbols.map((s) => ` ${s} `).join('')}`;
  });
  const head = `  ${'from'.padEnd(width)}   to ${hosts
    .map((_, i) =>
      String(i + 1)
        .padStart(2)
        .padEnd(3),
    )
    .join('')}`;
  const legend = SYMBOLS.filter(([verdict]) => used.has(verdict)).map(
    ([v, symbol, words]) => `${paint[v](symbol)} ${words}`,
  );
  return [head, ...rows, `  ${legend.join('   ')}`];
}

/** Each declared flow once for each pair of hosts, and what only the tailnet policy stops. */
function flowLines(c: Colors, cells: readonly LabCell[]): string[] {
  const told = (verdict: CellVerdict, words: (cell: LabCell) => string) => {
    const of = cells.filter((cell) => cell.verdict === verdict);
    const groups = Map.groupBy(of, (cell) => `${cell.from} -> ${cell.to} ${cell.proto} ${cell.port}${words(cell)}`);
    return [...groups].map(([text, group]) => `${text} at ${[...new Set(group.map((g) => g.dst))].join(', ')}`);
  };
  return [
    ...told('works', (cell) => ` (${cell.flows.join(', ')})`).map((t) => `  ${c.green('works')}      ${t}`),
    ...told('policy-only', () => '').map((t) => `  ${c.cyan('policy')}     ${t}: no host's ruleset stops it`),
  ];
}

const WORDS: Readonly<Record<string, string>> = {
  disagrees: 'not as proved',
  open: 'undeclared',
  broken: 'broken',
  unknown: 'unknown',
};

function findingLines(c: Colors, { cell, decisions }: LabFinding): string[] {
  const paint = cell.verdict === 'unknown' ? c.yellow : c.red;
  const through = cell.through.length === 0 ? '' : ` through ${cell.through.join(', ')}`;
  const { predicted, observed } = cell;
  const seen =
    observed === undefined
      ? 'did not get through without rules either, so nothing can be said'
      : `${words(observed.delivered, observed.answered)} (${observed.outcome})`;
  return [
    `  ${paint(WORDS[cell.verdict] ?? cell.verdict)}  ${c.bold(`${cell.from} -> ${cell.to}`)} ${cell.proto} ${cell.port}`,
    `    packet     ${cell.src} -> ${endpoint(cell.dst, cell.port)} over ${cell.device}${through}${cell.uid === 0 ? '' : ` as user ${cell.uid}`}`,
    `    predicted  ${words(predicted.delivered, predicted.answered)}`,
    `    observed   ${seen}`,
    `    declared   ${cell.flows.length === 0 ? 'no flow' : cell.flows.join(', ')}${cell.policy === undefined ? '' : `; the tailnet policy ${policyWords(cell.policy)}`}`,
    ...decisions.map((d) =>
      c.dim(`    ${d.verdict.padEnd(10)} ${d.host} ${d.hook}: ${d.rule} (${d.table} ${d.chain})`),
    ),
  ];
}

function policyWords(policy: NonNullable<LabCell['policy']>): string {
  if (policy === 'unknown') return 'may or may not let it through';
  return policy === 'yes' ? 'lets it through' : 'stops it';
}

function words(delivered: boolean | string, answered: boolean | string): string {
  const isYes = (value: boolean | string) => value === true || value === 'yes';
  if (isYes(answered)) return 'arrives and is answered';
  if (isYes(delivered))
    return answered === 'unknown' ? 'arrives, and may be answered' : 'arrives, and no answer comes back';
  return delivered === 'unknown' ? 'may or may not arrive' : 'does not arrive';
}
