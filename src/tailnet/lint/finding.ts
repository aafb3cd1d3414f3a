import type { Span } from '../../source/span.ts';

/** How much a finding matters: `error` opens or breaks something, `warning` is probably not meant, `note` is tidiness. */
export type LintSeverity = 'error' | 'warning' | 'note';

/** One thing that the linter says about a policy. */
export interface LintFinding {
  readonly rule: LintRuleId;
  readonly severity: LintSeverity;
  readonly span: Span;
  /** What is wrong, in the operator's words, without the place. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
  /** Further places that belong to it. */
  readonly related: readonly { readonly span: Span; readonly message: string }[];
}

interface LintRule {
  readonly severity: LintSeverity;
  /** Whether it is only looked at when the tailnet's devices are known. */
  readonly needsDevices: boolean;
  /** One line for the list of rules. */
  readonly finds: string;
}

function rule(severity: LintSeverity, finds: string, needs?: 'devices'): LintRule {
  return { severity, needsDevices: needs === 'devices', finds };
}

/** The rules by their ids, which never change meaning. */
export const LINT_RULES = {
  'ambiguous-key': rule('error', 'a key that stands twice in one object, or in two spellings'),
  refused: rule('error', 'what the API would refuse'),
  'allow-all-default': rule('error', 'neither `acls` nor `grants`: everybody may reach everything'),
  'allow-all': rule('error', 'a rule that lets everybody reach everything'),
  'danger-all-source': rule('warning', 'a source that is any address at all'),
  'undefined-name': rule('error', 'an IP set or a posture that is not defined'),
  'wildcard-source-routes': rule('warning', '`*` as source, widened by approved subnet routes', 'devices'),
  'wildcard-destination-routes': rule('warning', '`*` as destination, with routers or exit nodes behind it', 'devices'),
  'shadowed-rule': rule('warning', 'a rule that admits nothing beyond another one'),
  'redundant-rule': rule('warning', 'a rule that admits nothing beyond several others together'),
  'redundant-entry': rule('note', 'a source or destination that others of the same rule include'),
  'families-apart': rule('warning', 'a rule whose sources and destinations have no address family in common'),
  'empty-group': rule('note', 'a group without members that is used'),
  'nobody-holds': rule('warning', 'a tag, user or group that no device has', 'devices'),
  'stale-address': rule('warning', 'a tailnet address that no device has', 'devices'),
  'unrouted-address': rule('note', 'a destination that no approved route leads to', 'devices'),
  'unused-definition': rule('note', 'a group, host, IP set, posture or tag that nothing refers to'),
  'no-tests': rule('note', 'rules without a single test'),
  'no-deny-test': rule('note', 'tests that only say what must work'),
  'empty-test': rule('error', 'a test with neither `accept` nor `deny`'),
  'duplicate-test': rule('note', 'a test that says what another one says'),
  'idle-test': rule('warning', 'a test about a source that no device has', 'devices'),
  'legacy-key': rule('note', 'an old spelling of a key'),
  'empty-section': rule('note', 'a section that is there and says nothing'),
  unmodelled: rule('warning', 'something in force whose meaning cordon does not know'),
  assumed: rule('note', 'something that cordon only bounds from above, by what documentation says'),
} as const satisfies Readonly<Record<string, LintRule>>;

export type LintRuleId = keyof typeof LINT_RULES;

/** A finding with the severity of its rule. */
export function finding(
  rule: LintRuleId,
  span: Span,
  message: string,
  hint: string,
  related: LintFinding['related'] = [],
): LintFinding {
  return { rule, severity: LINT_RULES[rule].severity, span, message, hint, related };
}
