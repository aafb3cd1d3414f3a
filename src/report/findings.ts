import { causeOf } from '../proof/causes.ts';
import type { Claim, Place } from '../proof/claim.ts';
import type { Report } from '../proof/report.ts';
import type { Missing } from '../state/known.ts';
import { type ChangeGroup, groupChanges } from './change-groups.ts';
import { describeGroup } from './change-words.ts';
import { witnessWords } from './packet-words.ts';

/** One thing that a tool other than a terminal shows by itself: a line of a code review, a row of a dashboard. */
export interface Finding {
  /** Id of the catalogue, or the claim or change where it has none. */
  readonly rule: string;
  readonly level: (typeof LEVELS)[number];
  /** One line. */
  readonly title: string;
  /** What shows it and what ends it, line by line. */
  readonly details: readonly string[];
  /** Where a person wrote it. */
  readonly places: readonly Place[];
  /** What it is about, in the source's words, where no file has it. */
  readonly subjects: readonly string[];
  /** The same for the same finding in every run. */
  readonly fingerprint: string;
}

/**
 * A report as a list, most important first: violations, then gains, losses, what is unknown, and what was waived.
 * Nothing that the report says is wrong or unknown is left out; claims that hold and cosmetic differences are.
 * @param isFile tells names of files from those of sources; a place in a live policy or a ruleset is in no file
 */
export function findingsOf(report: Report, isFile: (name: string) => boolean): readonly Finding[] {
  const { claims, comparison, coverage } = report;
  const found = [
    ...claims.filter((c) => c.state !== 'holds').map(claimFinding),
    ...claims.flatMap((c) => c.assumed ?? []).map((m) => missingFinding('assumption', 'note', m)),
    ...groupChanges(comparison?.changes ?? []).map((g) => changeFinding(g, isFile)),
    ...(comparison?.missing ?? []).map((m) => missingFinding('comparison', 'warning', m)),
    ...coverage.unobserved.map((m) => missingFinding('observation', 'warning', m)),
  ];
  return LEVELS.flatMap((level) => found.filter((f) => f.level === level));
}

const LEVELS = ['error', 'warning', 'note'] as const;

function claimFinding(claim: Claim): Finding {
  const { witness, waiver, missing, blame } = claim;
  const name = `${claim.claim} ${claim.subject}`;
  const causes = claim.causes.flatMap((id) => causeOf(id) ?? []);
  const [first] = causes;
  const title =
    claim.state === 'unknown'
      ? `${name} is unknown: ${missing[0] === undefined ? 'something is missing' : `${missing[0].source}: ${missing[0].why}`}`
      : `${name} is violated${waiver === undefined ? '' : ' (waived)'}${first === undefined ? '' : `: ${first.sentence}`}`;
  const details = [
    ...(witness === undefined
      ? []
      : [
          `packet ${witnessWords(witness.packet)}, from ${witness.from} to ${witness.to}`,
          `decided by ${witness.layer}`,
        ]),
    ...blame.map((b) => `because of ${sourcePlace(b)}${b.rule === undefined ? '' : ` (${b.rule})`}`),
    ...causes.map((c) => `${c.id} (${c.severity}): ${c.sentence} ${c.fix}`),
    ...missing.map((m) => `missing ${m.source}: ${m.why}`),
    ...(waiver === undefined ? [] : [`waived by ${waiver.owner} until ${waiver.expires}: ${waiver.reason}`]),
  ];
  return {
    rule: claim.causes[0] ?? `claim-${claim.claim}`,
    level: waiver !== undefined ? 'note' : claim.state === 'violated' ? 'error' : 'warning',
    title,
    details,
    places: blame.flatMap((b) => b.origin ?? []),
    subjects: blame.length > 0 ? blame.map(sourcePlace) : [name],
    fingerprint: `${name} ${claim.state} ${claim.causes.join()}`,
  };
}

function changeFinding(group: ChangeGroup, isFile: (name: string) => boolean): Finding {
  const { who, what, witness, blame } = describeGroup(group);
  return {
    rule: `change-${group.example.relation}`,
    level: group.kind === 'gain' ? 'error' : 'note',
    title: `${group.kind === 'gain' ? 'gains' : 'loses'}: ${who}: ${what}`,
    details: [...(witness === undefined ? [] : [`packet ${witness}`]), ...blame],
    places: group.example.blame.filter((b) => isFile(b.file)).map(({ file, line, column }) => ({ file, line, column })),
    subjects: [who],
    fingerprint: `${group.kind} ${who} ${what}`,
  };
}

function missingFinding(
  what: 'comparison' | 'observation' | 'assumption',
  level: Finding['level'],
  { source, why }: Missing,
): Finding {
  return {
    rule: `unknown-${what}`,
    level,
    title: level === 'note' ? `${source}: ${why}` : `${source} is not known: ${why}`,
    details: [],
    places: [],
    subjects: [source],
    fingerprint: `unknown ${source} ${why}`,
  };
}

function sourcePlace({ source, line, column }: { source: string; line?: number; column?: number }): string {
  return line === undefined ? source : `${source}:${line}${column === undefined ? '' : `:${column}`}`;
}
