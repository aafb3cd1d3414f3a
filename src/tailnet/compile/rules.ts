import { AddressSet } from '../../net/address-set.ts';
import type { Span } from '../../source/span.ts';
import type { AppCapability, Policy, PolicyRule, Target } from '../policy/policy.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS, type IpSpec, ipSpec } from '../policy/ports.ts';
import { parseSelector } from '../policy/selector.ts';
import type { Resolved, Resolver } from './resolver.ts';

/** Where a rule comes from; `default` is the allow-all of a policy with neither `acls` nor `grants`. */
export type RuleSection = 'acls' | 'grants' | 'default';

/** A rule with its selectors resolved, the same for all devices. */
export interface ResolvedRule {
  readonly section: RuleSection;
  readonly index: number;
  /** Undefined for allow-all by missing keys: no line says it. */
  readonly span: Span | undefined;
  readonly src: readonly Resolved[];
  readonly dst: readonly ResolvedTarget[];
  readonly hasIp: boolean;
  readonly app: readonly AppCapability[];
  /** Tags of a via grant; undefined without `via`. */
  readonly via: readonly Resolved[] | undefined;
  /** False: the whole rule is an upper bound (posture, unknown key, a value that does not parse, …). */
  readonly exact: boolean;
}

export interface ResolvedTarget {
  readonly name: Resolved;
  readonly ip: readonly IpSpec[];
}

const ANYTHING: readonly IpSpec[] = [ipSpec(DEFAULT_PROTOCOLS, ALL_PORTS)];

/** Every protocol number, for rules of which nothing is known. */
const UNBOUNDED: readonly IpSpec[] = [
  { protocols: Array.from({ length: 254 }, (_, i) => i + 1), ports: ALL_PORTS, validated: false },
];

/** Resolves all rules of a policy, the built-in one included. */
export function resolveRules(policy: Policy, resolver: Resolver): ResolvedRule[] {
  const rules = policy.rules.map((rule) => resolveRule(policy, rule, resolver));
  const builtIn = defaultRule(policy, resolver);
  return builtIn === undefined ? rules : [builtIn, ...rules];
}

/**
 * Without `acls` and `grants` everything is allowed; an empty `grants` list without `acls` allows nothing (captures of the
 * control plane). That an empty `acls` list allows nothing is only reported (juanfont/headscale#3211), so it is treated as
 * perhaps allowing everything.
 */
function defaultRule(policy: Policy, resolver: Resolver): ResolvedRule | undefined {
  const { acls, grants } = policy.sections;
  if (acls === 'present' || grants === 'present' || allowsNothing(policy)) return undefined;
  const any = resolver.resolve({ text: '*', selector: { kind: 'any' } });
  return {
    section: 'default',
    index: 0,
    span: undefined,
    src: [any],
    dst: [{ name: any, ip: ANYTHING }],
    hasIp: true,
    app: [],
    via: undefined,
    exact: acls === 'absent' && grants === 'absent',
  };
}

/** True for a policy whose empty `grants` list is its only rule section. */
export function allowsNothing({ sections }: Policy): boolean {
  return sections.grants === 'empty' && sections.acls === 'absent';
}

function resolveRule(policy: Policy, rule: PolicyRule, resolver: Resolver): ResolvedRule {
  const { section, index, span, app } = rule;
  if (rule.unknownKeys.length > 0) {
    const all = resolver.resolve({ text: 'autogroup:danger-all', selector: parseSelector('autogroup:danger-all') });
    const any = resolver.resolve({ text: '*', selector: { kind: 'any' } });
    const dst = [{ name: any, ip: UNBOUNDED }];
    return { section, index, span, src: [all], dst, hasIp: true, app, via: undefined, exact: false };
  }
  const accepted = rule.section === 'grants' || rule.action?.text === 'accept';
  const dst = rule.dst.flatMap((t: Target) => resolver.resolveDestination(t).map((name) => ({ name, ip: t.ip })));
  return {
    section,
    index,
    span,
    src: distinct(rule.src.map((ref) => resolver.resolve(ref))),
    dst,
    hasIp: rule.hasIp,
    app,
    via: rule.via.length === 0 ? undefined : rule.via.map((ref) => resolver.resolve(ref)),
    exact:
      accepted &&
      rule.posture.length === 0 &&
      policy.defaultPosture.length === 0 &&
      rule.faults.length === 0 &&
      // Where it is placed, the internet counts as certain; as part of an IP set it is not.
      !rule.dst.some((t) => t.selector.kind === 'ipset' && resolver.resolveDestination(t).some(isInternet)),
  };
}

function isInternet({ selector }: Resolved): boolean {
  return selector.kind === 'internet';
}

function distinct(list: readonly Resolved[]): Resolved[] {
  return [...new Map(list.map((r) => [r.id, r])).values()].sort((a, b) => a.id - b.id);
}

/** Addresses of several selectors together, one set for each combination of selectors. */
export class SourceSets {
  readonly #memo = new Map<string, AddressSet>();

  of(sources: readonly Resolved[]): AddressSet {
    const key = sources.map((s) => s.id).join(',');
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const set = sources.reduce((sum, s) => sum.union(s.addresses), AddressSet.empty);
    this.#memo.set(key, set);
    return set;
  }
}
