import type { Diagnostic } from '../../source/diagnostic.ts';
import { listUnmodelled } from '../compile/unmodelled.ts';
import type { TailnetFacts } from '../compile.ts';
import { checkPolicy } from '../policy/check.ts';
import { parsePolicy } from '../policy/parse.ts';
import type { Policy } from '../policy/policy.ts';
import { coveredFindings } from './covered-rules.ts';
import { definitionFindings } from './definitions.ts';
import { finding, LINT_RULES, type LintFinding, type LintRuleId } from './finding.ts';
import { holderFindings } from './holders.ts';
import { layoutFindings } from './layout.ts';
import { testFindings } from './test-findings.ts';
import { wideFindings } from './wide.ts';

/** What the linter says of one policy. */
export interface LintResult {
  /** By place, then by rule: the same text and devices give the same list. */
  readonly findings: readonly LintFinding[];
  /** Rules that were not looked at, because the devices are not known or the text is ambiguous. */
  readonly skipped: readonly LintRuleId[];
}

/**
 * Looks for what is probably not meant in a policy: what is open to everybody, what adds nothing, what nobody holds.
 * @param file name for the places
 * @param facts devices and users; undefined for the policy alone, then rules about devices are skipped
 * @returns the diagnostics of a text that cannot be read at all
 */
export function lintPolicy(
  file: string,
  text: string,
  facts: TailnetFacts | undefined,
):
  | { readonly ok: true; readonly value: LintResult }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] } {
  const parsed = parsePolicy(file, text);
  if (parsed.ok) return { ok: true, value: lint(parsed.value, text, facts) };
  const isAmbiguous = parsed.diagnostics.every((d) => /duplicate-key$/.test(d.code));
  if (!isAmbiguous) return { ok: false, diagnostics: parsed.diagnostics };
  // Which of the two counts is not known, so nothing else can be said.
  const findings = parsed.diagnostics.map((d) =>
    finding('ambiguous-key', d.span, d.message, d.hint ?? 'keep one of them', d.related),
  );
  const others = (Object.keys(LINT_RULES) as LintRuleId[]).filter((id) => id !== 'ambiguous-key');
  return { ok: true, value: { findings: inOrder(findings), skipped: others } };
}

function lint(policy: Policy, text: string, facts: TailnetFacts | undefined): LintResult {
  const devices = facts?.devices;
  const findings = [
    ...refusals(policy, facts),
    ...wideFindings(policy, devices),
    ...coveredFindings(policy),
    ...definitionFindings(policy, devices),
    ...(devices === undefined ? [] : holderFindings(policy, devices)),
    ...testFindings(policy, devices),
    ...layoutFindings(policy.file, text),
    ...doubts(policy, facts),
  ];
  const skipped = (Object.keys(LINT_RULES) as LintRuleId[]).filter(
    (id) => LINT_RULES[id].needsDevices && devices === undefined,
  );
  return { findings: inOrder(findings), skipped };
}

function refusals(policy: Policy, facts: TailnetFacts | undefined): LintFinding[] {
  return checkPolicy(policy, facts ?? { devices: [], users: [] }).map((d) =>
    finding('refused', d.span, `the API refuses this: ${d.message}`, d.hint ?? 'correct it'),
  );
}

function doubts(policy: Policy, facts: TailnetFacts | undefined): LintFinding[] {
  const whole = { file: policy.file, line: 1, column: 1, offset: 0, length: 0 };
  return listUnmodelled(policy, facts?.devices ?? []).map(({ kind, span, what }) =>
    kind === 'assumed'
      ? finding('assumed', span ?? whole, what, 'nothing to do: what is proved about it holds for the bound')
      : finding('unmodelled', span ?? whole, what, 'nothing that this could touch is proved; do without it if you can'),
  );
}

function inOrder(findings: readonly LintFinding[]): LintFinding[] {
  const key = (f: LintFinding) => [f.rule, f.message].join(' ');
  return [...findings].sort(
    (a, b) => a.span.offset - b.span.offset || (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0),
  );
}
