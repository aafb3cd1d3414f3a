import { createColors } from 'picocolors';
import type { Blame, Claim } from '../../proof/claim.ts';
import type { Report } from '../../proof/report.ts';
import { groupChanges } from '../../report/change-groups.ts';
import { describeGroup } from '../../report/change-words.ts';
import { endpoint } from '../../report/packet-words.ts';

/** How many claims and groups of changes are shown. */
const SHOWN = 2;

/**
 * A report at a glance: the verdict, what gained reach, and the first violations with packet and blame. The whole of it
 * is what `cordon check` prints.
 */
export function briefReport(report: Report, color: boolean): string {
  const c = createColors(color);
  const violated = report.claims.filter((k) => k.state === 'violated');
  const holds = report.claims.filter((k) => k.state === 'holds').length;
  const lines = [
    `${c.red(c.bold('NOT ISOLATED'))} ${violated.length} of ${report.claims.length} claims violated, ${holds} hold`,
  ];
  const groups = groupChanges(report.comparison?.changes ?? []);
  for (const group of groups.slice(0, SHOWN)) {
    const { who, what, witness, blame } = describeGroup(group);
    lines.push(`${group.kind === 'gain' ? c.red('+ gains') : c.yellow('- loses')} ${c.bold(who)}`, `    ${what}`);
    lines.push(`    packet ${witness}`, ...blame.map((b) => c.dim(`    ${b}`)));
  }
  lines.push(...more(groups.length, 'who gain or lose something'));
  for (const claim of mostTelling(violated).slice(0, SHOWN)) lines.push(...claimLines(claim, c));
  lines.push(...more(violated.length, 'violated'));
  return lines.join('\n');
}

/** The model's claims are what people look for first. */
function mostTelling(claims: readonly Claim[]): readonly Claim[] {
  const rank = (k: Claim) => (k.witness === undefined ? 2 : /future/.test(k.witness.from + k.witness.to) ? 1 : 0);
  return [...claims].sort((a, b) => rank(a) - rank(b));
}

function claimLines(claim: Claim, c: ReturnType<typeof createColors>): string[] {
  const lines = [`${c.red('violated')} ${c.bold(`${claim.claim} ${claim.subject}`)}  ${c.dim(claim.causes.join(' '))}`];
  const w = claim.witness;
  if (w !== undefined) {
    const { src, dst, sport, dport, proto } = w.packet;
    lines.push(`    packet ${endpoint(src, sport)} -> ${endpoint(dst, dport)} ${proto}, ${w.from} to ${w.to}`);
  }
  lines.push(...claim.blame.slice(0, SHOWN).map((b) => c.dim(`    blame  ${place(b)}`)));
  return lines;
}

function place(b: Blame): string {
  const at = b.line === undefined ? b.source : `${b.source}:${b.line}${b.column === undefined ? '' : `:${b.column}`}`;
  const text = b.text ?? b.rule;
  return text === undefined ? at : `${at}  ${text}`;
}

function more(total: number, what: string): string[] {
  const rest = total - SHOWN;
  return rest > 0 ? [`    … and ${rest} more ${what}`] : [];
}
