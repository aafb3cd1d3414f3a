import { PacketSet } from '../../net/packet-set.ts';
import type { ResolvedRule } from '../compile/rules.ts';
import type { Policy, PolicyRule, SelectorRef } from '../policy/policy.ts';
import { coveredOnes, RuleCoverage } from './coverage.ts';
import { finding, type LintFinding } from './finding.ts';

/**
 * Rules and entries that admit no packet beyond what stays when they go, by meaning and whatever devices there are or
 * will be. Silent where that is not certain: rules with capabilities or `via`, and shadows cast by what is only bounded
 * from above.
 */
export function coveredFindings(policy: Policy): LintFinding[] {
  const coverage = new RuleCoverage(policy);
  const rules = coverage.rules.filter((r) => r.section !== 'default');
  const written = new Map(policy.rules.map((r) => [nameOf(r), r]));
  const covered = coveredOnes(
    rules.map((rule) => {
      const { sure, upper } = coverage.rule(rule);
      // What a capability gives is not packets: such a rule covers others and is never covered.
      return { sure, upper: rule.app.length > 0 ? PacketSet.none : upper };
    }),
  );
  const gone = new Set(covered.flatMap(({ index }) => (rules[index] === undefined ? [] : nameOf(rules[index]))));
  return [
    ...rules
      .filter((rule) => coverage.isEmptyByFamily(rule))
      .flatMap((rule) => familyFinding(written.get(nameOf(rule)))),
    ...covered.flatMap(({ index, by }) => ruleFinding(rules, written, index, by)),
    ...policy.rules.filter((rule) => !gone.has(nameOf(rule))).flatMap((rule) => entryFindings(coverage, rule)),
  ];
}

function nameOf({ section, index }: Pick<ResolvedRule, 'section' | 'index'>): string {
  return `${section}[${index}]`;
}

function ruleFinding(
  rules: readonly ResolvedRule[],
  written: ReadonlyMap<string, PolicyRule>,
  index: number,
  by: readonly number[],
): LintFinding[] {
  const at = (i: number) => {
    const rule = rules[i];
    return rule === undefined ? undefined : written.get(nameOf(rule));
  };
  const rule = at(index);
  if (rule === undefined) return [];
  const others = by.flatMap((i) => at(i) ?? []);
  const names = others.map(nameOf).join(', ');
  const related = others.map((o) => ({ span: o.span, message: `${nameOf(o)} stands here` }));
  if (others.length === 1) {
    const message = `${nameOf(rule)} admits nothing that ${names} does not admit`;
    return [finding('shadowed-rule', rule.span, message, 'remove it, or narrow the wider rule', related)];
  }
  const message = `${nameOf(rule)} admits nothing that ${names} do not admit together`;
  return [finding('redundant-rule', rule.span, message, 'remove it, or narrow the others', related)];
}

function familyFinding(rule: PolicyRule | undefined): LintFinding[] {
  if (rule === undefined) return [];
  const message = `${nameOf(rule)}: sources and destinations have no address family in common, so no packet passes`;
  return [finding('families-apart', rule.span, message, 'name the addresses of the other family as well')];
}

/** Entries of one rule that the others of the same side include. */
function entryFindings(coverage: RuleCoverage, rule: PolicyRule): LintFinding[] {
  return (['src', 'dst'] as const).flatMap((side) => {
    const refs: readonly SelectorRef[] = rule[side];
    if (refs.length < 2) return [];
    return coveredOnes(coverage.entries(rule, side)).map(({ index, by }) => {
      const names = [...new Set(by.map((i) => JSON.stringify(refs[i]?.text.trim())))].join(', ');
      const place = refs[index] ?? rule;
      const message = `${nameOf(rule)}: ${JSON.stringify(refs[index]?.text.trim())} in ${side} is part of ${names}`;
      return finding('redundant-entry', place.span, message, 'remove it: it changes nothing');
    });
  });
}
