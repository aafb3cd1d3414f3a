import { createColors } from 'picocolors';
import { causeOf } from '../proof/causes.ts';
import type { Blame, Claim, ClaimState } from '../proof/claim.ts';
import type { Comparison, Coverage, Report } from '../proof/report.ts';
import { type ChangeGroup, groupChanges } from './change-groups.ts';
import { describeGroup, SUMMARY_WORDS } from './change-words.ts';
import { witnessWords } from './packet-words.ts';

type Colors = ReturnType<typeof createColors>;

/**
 * The report for people: the verdict first, then the evidence, then what to do.
 * @param options.color whether to use ANSI colours
 * @param options.verbose also list the claims that hold
 */
export function textReport(report: Report, options: { color: boolean; verbose: boolean }): string {
  const c = createColors(options.color);
  const lines: string[] = [];
  if (report.verdict !== undefined) lines.push(...verdictLines(c, report.verdict, report.claims, options.verbose));
  if (report.comparison !== undefined) lines.push(...comparisonLines(c, report.comparison));
  lines.push(...coverageLines(c, report.coverage));
  return `${lines.join('\n')}\n`;
}

function verdictLines(c: Colors, verdict: ClaimState, claims: readonly Claim[], verbose: boolean): string[] {
  const count = (state: ClaimState) => claims.filter((k) => k.state === state).length;
  const waived = claims.filter((k) => k.waiver !== undefined).length;
  const violated = `${count('violated')} violated${waived > 0 ? ` (${waived} waived)` : ''}`;
  const lines = [
    `${badge(c, verdict, waived)} ${claims.length} claims: ${count('holds')} hold, ${violated}, ${count('unknown')} unknown`,
  ];
  for (const state of ['violated', 'unknown'] as const) {
    for (const claim of claims.filter((k) => k.state === state)) lines.push('', ...claimLines(c, claim));
  }
  const assumed = claims.flatMap((k) => k.assumed ?? []);
  if (assumed.length > 0) lines.push('', ...assumed.map((m) => c.dim(`  ${m.source}: ${m.why}`)));
  if (verbose) {
    lines.push('');
    for (const claim of claims.filter((k) => k.state === 'holds'))
      lines.push(`  ${c.green('holds')}  ${claim.claim} ${claim.subject}`);
  }
  return lines;
}

function badge(c: Colors, state: ClaimState, waived: number): string {
  if (state === 'holds') return waived > 0 ? c.yellow(c.bold('ISOLATED BUT FOR WAIVERS')) : c.green(c.bold('ISOLATED'));
  return state === 'violated' ? c.red(c.bold('NOT ISOLATED')) : c.yellow(c.bold('UNKNOWN'));
}

function claimLines(c: Colors, claim: Claim): string[] {
  const state = claim.state === 'violated' ? c.red('violated') : c.yellow('unknown ');
  const lines = [`  ${state} ${c.bold(claim.claim)} ${claim.subject}`];
  if (claim.witness !== undefined) {
    const w = claim.witness;
    lines.push(`    packet   ${witnessWords(w.packet)}`);
    lines.push(`             from ${w.from} to ${w.to}`);
    lines.push(`    layer    ${w.layer}`);
  }
  for (const b of claim.blame) lines.push(...blameLines(c, b));
  for (const m of claim.missing) lines.push(`    missing  ${m.source}: ${m.why}`);
  for (const id of claim.causes) {
    const cause = causeOf(id);
    lines.push(`    cause    ${id}${cause === undefined ? '' : ` (${cause.severity}): ${cause.sentence}`}`);
    if (cause !== undefined) lines.push(c.dim(`             ${cause.fix}`));
  }
  if (claim.waiver !== undefined) {
    lines.push(`    waived   by ${claim.waiver.owner} until ${claim.waiver.expires}: ${claim.waiver.reason}`);
  }
  return lines;
}

function blameLines(c: Colors, b: Blame): string[] {
  const place =
    b.line === undefined ? b.source : `${b.source}:${b.line}${b.column === undefined ? '' : `:${b.column}`}`;
  const lines = [`    blame    ${place}${b.rule === undefined ? '' : ` (${b.rule})`}`];
  if (b.origin !== undefined) lines.push(`    written  ${b.origin.file}:${b.origin.line}:${b.origin.column}`);
  if (b.text !== undefined) lines.push(...b.text.split('\n').map((t) => c.dim(`             | ${t.trimEnd()}`)));
  return lines;
}

function comparisonLines(c: Colors, comparison: Comparison): string[] {
  const { summary, changes, cosmetic, missing } = comparison;
  const paint =
    summary === 'none' || summary === 'cosmetic'
      ? c.green
      : summary === 'narrowing' || summary === 'unknown'
        ? c.yellow
        : c.red;
  const lines = ['', `${c.bold('Difference')} ${paint(summary)}: ${SUMMARY_WORDS[summary]}`];
  for (const group of groupChanges(changes)) lines.push(...groupLines(c, group));
  for (const text of cosmetic) lines.push(c.dim(`  same meaning: ${text}`));
  for (const m of missing) lines.push(`  ${c.yellow('not known')} ${m.source}: ${m.why}`);
  return lines;
}

function groupLines(c: Colors, group: ChangeGroup): string[] {
  const mark = group.kind === 'gain' ? c.red('+ gains') : c.yellow('- loses');
  const { who, what, witness, blame } = describeGroup(group);
  return [
    `  ${mark} ${c.bold(who)}`,
    `          ${what}`,
    ...(witness === undefined ? [] : [`          packet ${witness}`]),
    ...blame.map((b) => c.dim(`          ${b}`)),
  ];
}

function coverageLines(c: Colors, coverage: Coverage): string[] {
  if (coverage.unobserved.length === 0) return [];
  return [
    '',
    c.yellow(
      `Not observed (${coverage.unobserved.length} of ${coverage.observed.length + coverage.unobserved.length} sources):`,
    ),
    ...coverage.unobserved.map((m) => `  ${m.source}: ${m.why}`),
  ];
}
