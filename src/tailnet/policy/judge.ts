import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import { Resolver } from '../compile/resolver.ts';
import { type ResolvedRule, resolveRules } from '../compile/rules.ts';
import type { TailnetFacts } from '../compile.ts';
import { faultText, scanHujson } from '../hujson/scan.ts';
import { references } from '../lint/references.ts';
import { runPolicyTests, type TestFailure } from '../policy-tests.ts';
import { localpartDomain } from '../ssh/logins.ts';
import { SshRules } from '../ssh/rules.ts';
import { runSshTests } from '../ssh/tests.ts';
import { checkPolicy } from './check.ts';
import { parsePolicy } from './parse.ts';
import type { LocatedText, Policy } from './policy.ts';
import { parseSelector } from './selector.ts';

/** Something that the API looks at and that cannot be decided here. */
export interface Undecided {
  readonly span: Span | undefined;
  readonly why: string;
}

/** Whether the API would take a policy, as far as that can be told without asking it. */
export interface Judgement {
  /** `holds`: taken. `violated`: refused. `unknown`: not refused for anything that was found, but not all is decided. */
  readonly state: 'holds' | 'violated' | 'unknown';
  /** What the API answers to a refused policy: one message, of the first fault, without a place. */
  readonly message: string | undefined;
  /** Everything that is wrong, each with its place. */
  readonly problems: readonly Diagnostic[];
  readonly undecided: readonly Undecided[];
}

/**
 * Judges a policy as `POST /tailnet/{t}/acl` does, all faults at once and with their places.
 * @param file name for the places
 * @param facts devices and users of the tailnet; undefined when they are not known, then no test is decided. Without a
 *   user in it, users and their domains are not known.
 */
export function judgePolicy(file: string, text: string, facts: TailnetFacts | undefined): Judgement {
  const parsed = parsePolicy(file, text);
  if (!parsed.ok) return judgement(parsed.diagnostics, [], syntaxMessage(text, parsed.diagnostics));
  const policy = parsed.value;
  const refusals = checkPolicy(policy, facts ?? { devices: [], users: [] });
  // Tests are run only when all else is well (captures of the control plane).
  const tests = refusals.length > 0 ? { failed: [], undecided: [] } : judgeTests(policy, facts);
  const problems = [...refusals, ...tests.failed];
  const message = refusals[0]?.message ?? (tests.failed.length > 0 ? 'test(s) failed' : undefined);
  return judgement(
    problems,
    [...unread(parsed.warnings), ...strangeDomains(policy, facts), ...tests.undecided],
    message,
  );
}

function judgement(problems: readonly Diagnostic[], undecided: readonly Undecided[], message?: string): Judgement {
  const state = problems.length > 0 ? 'violated' : undecided.length > 0 ? 'unknown' : 'holds';
  return { state, message, problems, undecided };
}

/** A syntax fault in upstream's words; what else does not parse has no captured wording. */
function syntaxMessage(text: string, diagnostics: readonly Diagnostic[]): string | undefined {
  const scanned = scanHujson(text);
  return scanned.ok ? diagnostics[0]?.message : faultText(text, scanned.fault);
}

/** What the parser does not know: whether the API does is not known. */
function unread(warnings: readonly Diagnostic[]): Undecided[] {
  return warnings.filter((w) => UNREAD.has(w.code)).map(({ span, message }) => ({ span, why: message }));
}

const UNREAD = new Set(['policy-unknown-section', 'policy-unknown-key']);

/** Domains of which only the user list shows whether they are the tailnet's, each where it is used first. */
function strangeDomains(policy: Policy, facts: TailnetFacts | undefined): Undecided[] {
  if (facts !== undefined && facts.users.length > 0) return [];
  const refs = references(policy).flatMap(({ ref }) =>
    ref.selector.kind === 'domain' ? [{ domain: ref.selector.domain, span: ref.span }] : [],
  );
  const logins = policy.ssh.flatMap((entry) =>
    entry.users.flatMap(({ text, span }) => {
      const domain = localpartDomain(text);
      return domain === undefined ? [] : [{ domain, span }];
    }),
  );
  const first = new Map([...refs, ...logins].reverse().map((use) => [use.domain.toLowerCase(), use]));
  return [...first.values()].reverse().map(({ domain, span }) => ({
    span,
    why: `whether ${domain} belongs to the tailnet is not known: that takes the user list`,
  }));
}

/** A user who owns no device: whether he exists takes the user list. */
function isStranger(src: LocatedText | undefined, { devices, users }: TailnetFacts): boolean {
  const selector = parseSelector(src?.text ?? '');
  if (selector.kind !== 'user' || users.length > 0) return false;
  return !devices.some((d) => d.user?.toLowerCase() === selector.login.toLowerCase());
}

function judgeTests(policy: Policy, facts: TailnetFacts | undefined): { failed: Diagnostic[]; undecided: Undecided[] } {
  const all = [...policy.tests, ...policy.sshTests];
  if (all.length === 0) return { failed: [], undecided: [] };
  if (facts === undefined) {
    const why = `${all.length} test${all.length === 1 ? ' was' : 's were'} not run: they need the device list`;
    return { failed: [], undecided: [{ span: all[0]?.span, why }] };
  }
  const run = (p: Policy) => [...runPolicyTests(p, facts), ...runSshTests(p, facts)];
  const atMost = run(policy);
  const certain = certainPart(policy, facts);
  const atLeast = certain === policy ? atMost : run(certain);
  const failed: Diagnostic[] = [];
  const undecided: Undecided[] = [];
  for (const { span, src, unknownKeys } of all) {
    if (isStranger(src, facts)) {
      undecided.push({ span, why: `whether the user ${src?.text} exists is not known: that takes the user list` });
      continue;
    }
    if (unknownKeys.length > 0) {
      undecided.push({ span, why: 'what this test asks for is not known' });
      continue;
    }
    const [most, least] = [errorsAt(atMost, span), errorsAt(atLeast, span)];
    const sure = most.filter((e) => least.includes(e));
    if (sure.length > 0) {
      failed.push({ code: 'policy-test-failed', severity: 'error', span, message: `test failed: ${sure.join('; ')}` });
    } else if (most.length + least.length > 0) {
      undecided.push({ span, why: 'whether this test passes depends on rules that are only bounded from above' });
    }
  }
  return { failed, undecided };
}

function errorsAt(failures: readonly TestFailure[], span: Span): readonly string[] {
  return failures.find((f) => f.span === span)?.errors ?? [];
}

/** The policy with those rules alone whose whole meaning is certain; the policy itself if that is all of them. */
function certainPart(policy: Policy, facts: TailnetFacts): Policy {
  const resolver = new Resolver(policy, facts.devices);
  const resolved = resolveRules(policy, resolver);
  const certain = new Set(resolved.filter(isCertain).map((r) => `${r.section}[${r.index}]`));
  const rules = policy.rules.filter((r) => certain.has(`${r.section}[${r.index}]`));
  const logins = new SshRules(policy, facts.users, resolver).certain();
  const isWhole = rules.length === policy.rules.length && logins.size === policy.ssh.length;
  return isWhole ? policy : { ...policy, rules, ssh: policy.ssh.filter((entry) => logins.has(entry.index)) };
}

function isCertain(rule: ResolvedRule): boolean {
  const isPlace = new Set(['self', 'internet']);
  return (
    rule.exact &&
    rule.src.every((s) => s.exact) &&
    rule.dst.every(({ name, ip }) => (name.exact || isPlace.has(name.selector.kind)) && ip.every((i) => i.validated))
  );
}
