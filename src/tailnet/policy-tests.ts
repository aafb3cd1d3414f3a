import type { Address } from '../net/address.ts';
import { ADDRESS_BITS, compareAddresses, formatAddress } from '../net/address.ts';
import { AddressSet } from '../net/address-set.ts';
import { lastAddress, type Prefix } from '../net/prefix.ts';
import type { Span } from '../source/span.ts';
import { type Resolved, Resolver } from './compile/resolver.ts';
import { type ResolvedRule, resolveRules, SourceSets } from './compile/rules.ts';
import type { TailnetFacts } from './compile.ts';
import type { LocatedText, Policy, PolicyTest } from './policy/policy.ts';
import { parseProtocols, splitTarget } from './policy/ports.ts';
import { isIdentity, parseSelector, type Selector } from './policy/selector.ts';
import { INTERNET } from './ranges.ts';

/** One entry of `tests` that does not hold. */
export interface TestFailure {
  readonly span: Span;
  /** The entry's source, as written. */
  readonly src: string;
  /** In the API's words where it has some: `address "100.64.0.1:22": want: Drop, got: Accept`. */
  readonly errors: readonly string[];
}

/** TCP and UDP: what a test without `proto` asks for. */
const UNNAMED_PROTOCOLS = [6, 17];
/** TCP, UDP and SCTP: the only ones that a test may name. */
const TESTABLE_PROTOCOLS = new Set([6, 17, 132]);

/**
 * Runs the tests of a policy as the control plane does: by address against the rules, wherever they are placed. A
 * malformed test fails like a wrong one. `accept` needs every address of the source to be let through, `deny` none.
 * @param tests the policy's own by default
 */
export function runPolicyTests(
  policy: Policy,
  facts: TailnetFacts,
  tests: readonly PolicyTest[] = policy.tests,
): TestFailure[] {
  const resolver = new Resolver(policy, facts.devices);
  const judge = new Judge(policy, resolver, resolveRules(policy, resolver));
  return tests.flatMap((test) => {
    const errors = judge.errors(test, facts);
    return errors.length === 0 ? [] : [{ span: test.span, src: test.src?.text ?? '', errors }];
  });
}

interface Asked {
  readonly rule: ResolvedRule;
  readonly target: Resolved;
}

class Judge {
  readonly #policy: Policy;
  readonly #resolver: Resolver;
  readonly #rules: readonly ResolvedRule[];
  readonly #sources = new SourceSets();

  constructor(policy: Policy, resolver: Resolver, rules: readonly ResolvedRule[]) {
    this.#policy = policy;
    this.#resolver = resolver;
    this.#rules = rules;
  }

  errors(test: PolicyTest, facts: TailnetFacts): string[] {
    const source = knownName(this.#policy, this.#resolver, facts, test.src);
    if (source === undefined) return [`src ${JSON.stringify(test.src?.text ?? '')} is not known`];
    const protocols = testProtocols(test.proto);
    if (protocols === undefined) return [`proto ${JSON.stringify(test.proto?.text)} cannot be tested`];
    if (test.accept.length + test.deny.length === 0) return ['accept and deny are both empty'];
    const run = (list: readonly LocatedText[], want: 'Accept' | 'Drop') =>
      list.flatMap((dst) => this.#destinationErrors(source.addresses, dst, protocols, want));
    return [...run(test.accept, 'Accept'), ...run(test.deny, 'Drop')];
  }

  #destinationErrors(
    source: AddressSet,
    dst: LocatedText,
    protocols: readonly number[],
    want: 'Accept' | 'Drop',
  ): string[] {
    const { name, ports } = splitTarget(dst.text);
    const target = this.#hosts(name);
    const port = ports.ok && ports.value.size() === 1n ? ports.value.min() : undefined;
    if (target === undefined || port === undefined) return [`${JSON.stringify(dst.text)} is not one host and one port`];
    if (target.length === 0) return [`${JSON.stringify(dst.text)} has no address`];
    const asked = this.#asked(port, protocols);
    return target.flatMap((d) => {
      const admitted = this.#admittedTo(d, asked);
      const isAccepted =
        want === 'Accept' ? !source.isEmpty() && source.isSubsetOf(admitted) : source.overlaps(admitted);
      const got = isAccepted ? 'Accept' : 'Drop';
      return got === want ? [] : [`address "${formatAddress(d)}:${port}": want: ${want}, got: ${got}`];
    });
  }

  /** The destinations of the rules that let one of the protocols through at a port. */
  #asked(port: bigint, protocols: readonly number[]): Asked[] {
    return this.#rules.flatMap((rule) => {
      if (!rule.hasIp) return [];
      const targets = rule.dst.filter((t) =>
        t.ip.some((ip) => ip.ports.contains(port) && ip.protocols.some((p) => protocols.includes(p))),
      );
      return targets.map(({ name }) => ({ rule, target: name }));
    });
  }

  /** Every source that the rules let through to one address. */
  #admittedTo(dst: Address, asked: readonly Asked[]): AddressSet {
    const sets = new Set(asked.flatMap(({ rule, target }) => this.#sourcesOf(rule, target, dst) ?? []));
    return [...sets].reduce((sum, set) => sum.union(set), AddressSet.empty);
  }

  /** Sources of a rule for one address, or undefined when the destination is another one. */
  #sourcesOf(rule: ResolvedRule, target: Resolved, dst: Address): AddressSet | undefined {
    const all = this.#sources.of(rule.src);
    switch (target.selector.kind) {
      case 'any':
        return all;
      case 'internet':
        return INTERNET.contains(dst) ? all : undefined;
      case 'self': {
        const owner = this.#resolver.devices.find((d) => d.addresses.some((a) => compareAddresses(a, dst) === 0))?.user;
        if (owner === undefined) return undefined;
        return all.intersect(this.#resolver.addressesOf(this.#resolver.devicesOf(owner)));
      }
      default:
        return target.addresses.contains(dst) ? all : undefined;
    }
  }

  /** Addresses of a destination that stands for hosts, not for a prefix. */
  #hosts(name: string): readonly Address[] | undefined {
    const selector = parseSelector(name);
    const { devices } = this.#resolver;
    if (name.includes('/') || !isKnownName(this.#policy, selector, { devices, users: [] })) return undefined;
    if (isIdentity(selector)) {
      const resolved = this.#resolver.resolve({ text: name, selector });
      return resolved.devices.flatMap((i) => devices[i]?.addresses ?? []);
    }
    const prefix = prefixOfName(this.#policy, selector);
    const single = prefix !== undefined && prefix.length === ADDRESS_BITS[prefix.family];
    return single ? [lastAddress(prefix)] : undefined;
  }
}

/** What a name in a test means, or undefined when neither the policy nor the tailnet knows it. */
export function knownName(
  policy: Policy,
  resolver: Resolver,
  facts: TailnetFacts,
  name: LocatedText | undefined,
): Resolved | undefined {
  if (name === undefined || name.text.trim() === '') return undefined;
  const selector = parseSelector(name.text);
  return isKnownName(policy, selector, facts) ? resolver.resolve({ text: name.text, selector }) : undefined;
}

/** Whether a test may speak of a name: declared, or the login of somebody who is there. */
function isKnownName(policy: Policy, s: Selector, facts: TailnetFacts): boolean {
  switch (s.kind) {
    case 'tag':
      return policy.tagOwners.has(s.name);
    case 'group':
      return policy.groups.has(s.name);
    case 'host':
      return policy.hosts.get(s.name)?.prefix !== undefined;
    case 'user': {
      const login = s.login.toLowerCase();
      const logins = [...facts.users.map((u) => u.login), ...facts.devices.map((d) => d.user ?? '')];
      return logins.some((l) => l.toLowerCase() === login);
    }
    default:
      return s.kind !== 'unknown' && s.kind !== 'self' && s.kind !== 'internet';
  }
}

/** The prefix that a literal or a host of the policy stands for. */
function prefixOfName(policy: Policy, s: Selector): Prefix | undefined {
  if (s.kind === 'prefix') return s.prefix;
  return s.kind === 'host' ? policy.hosts.get(s.name)?.prefix : undefined;
}

function testProtocols(proto: LocatedText | undefined): readonly number[] | undefined {
  if (proto === undefined || proto.text.trim() === '') return UNNAMED_PROTOCOLS;
  const parsed = parseProtocols(proto.text);
  return parsed.ok && parsed.value.every((p) => TESTABLE_PROTOCOLS.has(p)) ? parsed.value : undefined;
}
