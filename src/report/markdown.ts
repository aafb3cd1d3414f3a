import type { Claim, ClaimState } from '../proof/claim.ts';
import type { Comparison, Report } from '../proof/report.ts';
import { type ChangeGroup, groupChanges } from './change-groups.ts';
import { describeGroup, SUMMARY_WORDS } from './change-words.ts';
import { type Finding, findingsOf } from './findings.ts';
import { type DrawnFlow, flowChart } from './mermaid.ts';

/** What a comment says beside the report. */
export interface MarkdownOptions {
  /** The declared flows, for the picture; none = the picture shows the changes alone. */
  readonly flows: readonly DrawnFlow[];
  /** Longest text; GitHub refuses comments of more than 65,536 characters. */
  readonly limit?: number;
}

const GITHUB_LIMIT = 65_536;
/** Room for the line that says what was left out. */
const RESERVE = 300;

/** Lets a workflow find the comment that it wrote before, and rewrite it instead of adding another. */
export const COMMENT_MARK = '<!-- cordon report -->';

/**
 * The report for a pull request: verdict and counts, what changes, a picture, then each finding behind a fold, most
 * important first. What does not fit is counted and named as left out, never dropped in silence.
 */
export function markdownReport(report: Report, { flows, limit = GITHUB_LIMIT }: MarkdownOptions): string {
  const head = [
    COMMENT_MARK,
    ...(report.verdict === undefined ? [] : [verdictLine(report.verdict, report.claims)]),
    ...(report.comparison === undefined ? [] : [summaryLine(report.comparison)]),
  ];
  const changes = report.comparison?.changes ?? [];
  const groups = groupChanges(changes);
  const chart = flowChart(flows, changes);
  const blocks = [
    ...(groups.length > 0 ? [changeTable(groups)] : []),
    ...(chart === undefined ? [] : [`\`\`\`mermaid\n${chart}\`\`\``]),
    ...findingsOf(report, () => false).map(fold),
    ...(report.comparison?.cosmetic ?? []).map((text) => `- same meaning: ${inline(text)}`),
  ];
  return `${fitting(head, blocks, limit).join('\n\n')}\n`;
}

function fitting(head: readonly string[], blocks: readonly string[], limit: number): string[] {
  const shown = [...head];
  let length = head.join('\n\n').length;
  let left = 0;
  for (const block of blocks) {
    if (length + block.length + 2 > limit - RESERVE) {
      left++;
      continue;
    }
    shown.push(block);
    length += block.length + 2;
  }
  if (left > 0) {
    shown.push(
      `**${left} of ${blocks.length} parts did not fit into this comment.** \`--format json\` has all of them.`,
    );
  }
  return shown;
}

const VERDICT: Readonly<Record<ClaimState, string>> = {
  holds: '✅ **Isolated**',
  violated: '❌ **Not isolated**',
  unknown: '⚠️ **Unknown**',
};

function verdictLine(verdict: ClaimState, claims: readonly Claim[]): string {
  const count = (state: ClaimState) => claims.filter((c) => c.state === state).length;
  const waived = claims.filter((c) => c.waiver !== undefined).length;
  return `## ${VERDICT[verdict]}\n\n${claims.length} claims: ${count('holds')} hold, ${count('violated')} violated${
    waived > 0 ? ` (${waived} waived)` : ''
  }, ${count('unknown')} unknown.`;
}

function summaryLine({ summary }: Comparison): string {
  return `**Difference: ${summary}**: ${SUMMARY_WORDS[summary]}.`;
}

function changeTable(groups: readonly ChangeGroup[]): string {
  const gainsFirst = [...groups.filter((g) => g.kind === 'gain'), ...groups.filter((g) => g.kind === 'lose')];
  const rows = gainsFirst.map((group) => {
    const { who, what, witness } = describeGroup(group);
    const example = witness === undefined ? '' : code(witness);
    return `| ${group.kind === 'gain' ? '➕ gains' : '➖ loses'} | ${cell(who)} | ${cell(what)} | ${cell(example)} |`;
  });
  return ['| | who | what | for example |', '|---|---|---|---|', ...rows].join('\n');
}

const MARK: Readonly<Record<Finding['level'], string>> = { error: '❌', warning: '⚠️', note: 'ℹ️' };

function fold({ level, title, details, places }: Finding): string {
  const where = places.map((p) => `- written at ${code(`${p.file}:${p.line}:${p.column}`)}`);
  const lines = [...details.map((d) => `- ${inline(d)}`), ...where];
  const heading = `${MARK[level]} ${html(title)}`;
  if (lines.length === 0) return `- ${heading}`;
  return `<details><summary>${heading}</summary>\n\n${lines.join('\n')}\n\n</details>`;
}

/** Texts come from policies and rulesets: none may become markup, a mention or a link. */
function inline(text: string): string {
  return code(text.replace(/\s+/g, ' '));
}

/** A code span whose fence is longer than any run of backticks inside (CommonMark 6.1). */
function code(text: string): string {
  const fence = '`'.repeat(1 + Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length)));
  const pad = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${fence}${pad}${text}${pad}${fence}`;
}

function cell(text: string): string {
  const plain = text.startsWith('`') ? text : html(text);
  return plain.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}

function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[@*_`[\]]/g, (c) => `&#${c.charCodeAt(0)};`);
}
