import type { Address } from '../net/address.ts';
import { ADDRESS_BITS, formatAddress } from '../net/address.ts';
import { AddressSet } from '../net/address-set.ts';
import type { Span } from '../source/span.ts';
import { type Resolved, Resolver } from './compile/resolver.ts';
import { type ResolvedRule, resolveRules } from './compile/rules.ts';
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

class Judge {
  readonly #policy: Policy;
  readonly #resolver: Resolver;
  readonly #rules: readonly ResolvedRule[];

  constructor(policy: Policy, resolver: Resolver, rules: readonly ResolvedRule[]) {
    this.#policy = policy;
    this.#resolver = resolver;
    this.#rules = rules;
  }

  errors(test: PolicyTest, facts: TailnetFacts): string[] {
    const source = this.#source(test.src, facts);
    if (source === undefined) return [`src ${JSON.stringify(test.src?.text ?? '')} is not known`];
    const protocols = testProtocols(test.proto);
    if (protocols === undefined) return [`proto ${JSON.stringify(test.proto?.text)} cannot be tested`];
    if (test.accept.length + test.deny.length === 0) return ['accept and deny are both empty'];
    const run = (list: readonly LocatedText[], want: 'Accept' | 'Drop') =>
      list.flatMap((dst) => this.#destinationErrors(source, dst, protocols, want));
    return [...run(test.accept, 'Accept'), ...run(test.deny, 'Drop')];
  }

  #destinationErrors(
    source: Resolved,
    dst: LocatedText,
    protocols: readonly number[],
    want: 'Accept' | 'Drop',
  ): string[] {
    const { name, ports } = splitTarget(dst.text);
    const target = this.#host(name);
    const port = ports.ok && ports.value.size() === 1n ? ports.value.min() : undefined;
    if (target === undefined || port === undefined) return [`${JSON.stringify(dst.text)} is not one host and one port`];
    const to = addressesIn(target);
    if (to.length === 0) return [`${JSON.stringify(dst.text)} has no address`];
    return to.flatMap((d) => {
      const admitted = addressesIn(source.addresses).map((s) => this.#admits(s, d, port, protocols));
      const got = (want === 'Accept' ? admitted.length > 0 && admitted.every(Boolean) : admitted.some(Boolean))
        ? 'Accept'
        : 'Drop';
      return got === want ? [] : [`address "${formatAddress(d)}:${port}": want: ${want}, got: ${got}`];
    });
  }

  #admits(src: Address, dst: Address, port: bigint, protocols: readonly number[]): boolean {
    return this.#rules.some(
      (rule) =>
        rule.hasIp &&
        rule.src.some((s) => s.addresses.contains(src)) &&
        rule.dst.some(
          (t) =>
            t.ip.some((ip) => ip.ports.contains(port) && ip.protocols.some((p) => protocols.includes(p))) &&
            this.#destination(t.name, src).contains(dst),
        ),
    );
  }

  /** Addresses of a rule's destination, as seen from one source. */
  #destination(target: Resolved, src: Address): AddressSet {
    switch (target.selector.kind) {
      case 'any':
        return AddressSet.all;
      case 'internet':
        return INTERNET;
      case 'self': {
        const owner = this.#resolver.devices.find((d) => d.addresses.some((a) => sameAddress(a, src)))?.user;
        return owner === undefined ? AddressSet.empty : this.#resolver.addressesOf(this.#resolver.devicesOf(owner));
      }
      default:
        return target.addresses;
    }
  }

  #source(src: LocatedText | undefined, facts: TailnetFacts): Resolved | undefined {
    if (src === undefined || src.text.trim() === '') return undefined;
    const selector = parseSelector(src.text);
    return this.#isKnown(selector, facts) ? this.#resolver.resolve({ text: src.text, selector }) : undefined;
  }

  #isKnown(s: Selector, facts: TailnetFacts): boolean {
    switch (s.kind) {
      case 'tag':
        return this.#policy.tagOwners.has(s.name);
      case 'group':
        return this.#policy.groups.has(s.name);
      case 'host':
        return this.#policy.hosts.get(s.name)?.prefix !== undefined;
      case 'user': {
        const login = s.login.toLowerCase();
        const logins = [...facts.users.map((u) => u.login), ...facts.devices.map((d) => d.user ?? '')];
        return logins.some((l) => l.toLowerCase() === login);
      }
      default:
        return s.kind !== 'unknown' && s.kind !== 'self' && s.kind !== 'internet';
    }
  }

  /** A destination that stands for hosts, not for a prefix. */
  #host(name: string): AddressSet | undefined {
    const selector = parseSelector(name);
    const known = this.#isKnown(selector, { devices: this.#resolver.devices, users: [] });
    if (!known || name.includes('/') || selector.kind === 'any' || selector.kind === 'danger-all') return undefined;
    const resolved = this.#resolver.resolve({ text: name, selector });
    const single = isIdentity(selector) || isSingle(this.#policy, selector);
    return single ? resolved.addresses : undefined;
  }
}

function isSingle(policy: Policy, s: Selector): boolean {
  const prefix = s.kind === 'prefix' ? s.prefix : s.kind === 'host' ? policy.hosts.get(s.name)?.prefix : undefined;
  return prefix !== undefined && prefix.length === ADDRESS_BITS[prefix.family];
}

function testProtocols(proto: LocatedText | undefined): readonly number[] | undefined {
  if (proto === undefined || proto.text.trim() === '') return UNNAMED_PROTOCOLS;
  const parsed = parseProtocols(proto.text);
  return parsed.ok && parsed.value.every((p) => TESTABLE_PROTOCOLS.has(p)) ? parsed.value : undefined;
}

/** The ends of every interval: rules cut address sets at prefix ends, and hosts are single addresses. */
function addressesIn(set: AddressSet): Address[] {
  const ends = (family: 4 | 6) =>
    (family === 4 ? set.v4 : set.v6).intervals.flatMap(([low, high]) => (low === high ? [low] : [low, high]));
  return [
    ...ends(4).map((value): Address => ({ family: 4, value })),
    ...ends(6).map((value): Address => ({ family: 6, value })),
  ];
}

function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}
