import { PacketSet } from '../../net/packet-set.ts';
import type { Policy, PolicyRule, SelectorRef } from '../policy/policy.ts';
import { type Admitted, coveredOnes, RuleCoverage } from './coverage.ts';
import { finding, type LintFinding } from './finding.ts';

/** A rule without which nothing changes, and those that admit what it does. */
interface CoveredRule {
  readonly rule: PolicyRule;
  readonly by: readonly PolicyRule[];
}

/**
 * Rules and entries that admit no packet beyond what stays when they go, by meaning and whatever devices there are or
 * will be. Silent where that is not certain: rules with capabilities or `via`, and shadows cast by what is only bounded
 * from above.
 */
export function coveredFindings(policy: Policy): LintFinding[] {
  const coverage = new RuleCoverage(policy);
  const covered = coveredRules(policy, coverage);
  const gone = new Set(covered.map((c) => c.rule));
  return [
    ...policy.rules.filter((rule) => coverage.isEmptyByFamily(rule)).map(familyFinding),
    ...covered.map(ruleFinding),
    ...policy.rules.filter((rule) => !gone.has(rule)).flatMap((rule) => entryFindings(coverage, rule)),
  ];
}

/**
 * Two rules with the same posture admit the same part of their sources. So each rule is held against those with its
 * posture, and those without any.
 */
function coveredRules(policy: Policy, coverage: RuleCoverage): CoveredRule[] {
  const admitted = new Map(policy.rules.map((rule) => [rule, coverage.rule(rule)]));
  const keys = [...new Set(policy.rules.map((rule) => postureOf(policy, rule)))];
  return keys.flatMap((key) => {
    const list = policy.rules.filter((rule) => [key, ''].includes(postureOf(policy, rule)));
    const sets = list.map((rule): Admitted => {
      const { sure, upper } = admitted.get(rule) ?? { sure: PacketSet.none, upper: PacketSet.none };
      // What a capability gives is not packets: such a rule covers others and is never covered.
      const isAsked = postureOf(policy, rule) === key && rule.app.length === 0;
      return { sure, upper: isAsked ? upper : PacketSet.none };
    });
    return coveredOnes(sets).flatMap(({ index, by }) => {
      const rule = list[index];
      return rule === undefined ? [] : [{ rule, by: by.flatMap((i) => list[i] ?? []) }];
    });
  });
}

function postureOf(policy: Policy, rule: PolicyRule): string {
  const posture = rule.posture.length > 0 ? rule.posture : policy.defaultPosture;
  return [...new Set(posture.map((p) => p.text))].sort().join(' ');
}

function nameOf({ section, index }: PolicyRule): string {
  return `${section}[${index}]`;
}

function ruleFinding({ rule, by }: CoveredRule): LintFinding {
  const names = by.map(nameOf).join(', ');
  const related = by.map((o) => ({ span: o.span, message: `${nameOf(o)} stands here` }));
  if (by.length === 1) {
    const message = `${nameOf(rule)} admits nothing that ${names} does not admit`;
    return finding('shadowed-rule', rule.span, message, 'remove it, or narrow the wider rule', related);
  }
  const message = `${nameOf(rule)} admits nothing that ${names} do not admit together`;
  return finding('redundant-rule', rule.span, message, 'remove it, or narrow the others', related);
}

function familyFinding(rule: PolicyRule): LintFinding {
  const message = `${nameOf(rule)}: sources and destinations have no address family in common, so no packet passes`;
  return finding('families-apart', rule.span, message, 'name the addresses of the other family as well');
}

/** Entries of one rule that the others of the same side include. */
function entryFindings(coverage: RuleCoverage, rule: PolicyRule): LintFinding[] {
  return (['src', 'dst'] as const).flatMap((side) => {
    const refs: readonly SelectorRef[] = rule[side];
    if (refs.length < 2 || !coverage.hasOverlap(rule, side)) return [];
    return coveredOnes(coverage.entries(rule, side)).map(({ index, by }) => {
      const names = [...new Set(by.map((i) => JSON.stringify(refs[i]?.text.trim())))].join(', ');
      const place = refs[index] ?? rule;
      const message = `${nameOf(rule)}: ${JSON.stringify(refs[index]?.text.trim())} in ${side} is part of ${names}`;
      return finding('redundant-entry', place.span, message, 'remove it: it changes nothing');
    });
  });
}
