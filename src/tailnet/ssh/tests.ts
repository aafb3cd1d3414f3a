import type { Address } from '../../net/address.ts';
import { type Resolved, Resolver } from '../compile/resolver.ts';
import type { TailnetFacts } from '../compile.ts';
import type { SshTest } from '../policy/parse-ssh.ts';
import type { LocatedText, Policy } from '../policy/policy.ts';
import { parseSelector } from '../policy/selector.ts';
import { knownName, type TestFailure } from '../policy-tests.ts';
import { sshLogin } from './decision.ts';
import { SshRules } from './rules.ts';

/**
 * Runs the `sshTests` of a policy against its `ssh` section, whatever the packet filter says: `accept` is met by rules of
 * either action, `check` by rules that check, `deny` by none, for every listed user on every device that a destination
 * means (captures of the control plane; that a source must meet them with each of its addresses, and that a destination
 * without a device fails, is reported: juanfont/headscale hscontrol/policy/v2/sshtest.go).
 * @param tests the policy's own by default
 */
export function runSshTests(
  policy: Policy,
  facts: TailnetFacts,
  tests: readonly SshTest[] = policy.sshTests,
): TestFailure[] {
  if (tests.length === 0) return [];
  const resolver = new Resolver(policy, facts.devices);
  const judge = new Judge(policy, facts, resolver);
  return tests.flatMap((test) => {
    const errors = judge.errors(test);
    return errors.length === 0 ? [] : [{ span: test.span, src: test.src?.text ?? '', errors }];
  });
}

type Wanted = 'accept' | 'check' | 'deny';

class Judge {
  readonly #policy: Policy;
  readonly #facts: TailnetFacts;
  readonly #resolver: Resolver;
  readonly #rules: SshRules;

  constructor(policy: Policy, facts: TailnetFacts, resolver: Resolver) {
    this.#policy = policy;
    this.#facts = facts;
    this.#resolver = resolver;
    this.#rules = new SshRules(policy, facts.users, resolver);
  }

  errors(test: SshTest): string[] {
    const source = knownName(this.#policy, this.#resolver, this.#facts, test.src);
    if (source === undefined) return [`src ${JSON.stringify(test.src?.text ?? '')} is not known`];
    if (test.accept.length + test.check.length + test.deny.length === 0)
      return ['accept, check and deny are all empty'];
    const from = this.#addresses(source);
    if (from.length === 0) return [`src ${JSON.stringify(test.src?.text ?? '')} has no address`];
    const login = source.selector.kind === 'user' ? source.selector.login : undefined;
    const run = (users: readonly LocatedText[], want: Wanted) =>
      users.flatMap((user) => test.dst.flatMap((dst) => this.#loginErrors(from, login, user.text, dst, want)));
    return [...run(test.accept, 'accept'), ...run(test.check, 'check'), ...run(test.deny, 'deny')];
  }

  #loginErrors(
    from: readonly Address[],
    login: string | undefined,
    user: string,
    dst: LocatedText,
    want: Wanted,
  ): string[] {
    const devices = this.#destinations(dst, login);
    if (devices.length === 0) return [`dst ${JSON.stringify(dst.text)} is no device`];
    return devices.flatMap((device) => {
      const rules = this.#rules.on(device);
      const got = from.map((address): Wanted => sshLogin(rules, address, user)?.rule.action ?? 'deny');
      const odd = got.find((g) => g !== want && !(want === 'accept' && g === 'check'));
      const name = this.#resolver.devices[device]?.name;
      return odd === undefined ? [] : [`user ${JSON.stringify(user)} on ${name}: want: ${want}, got: ${odd}`];
    });
  }

  /** The devices that a destination means; `autogroup:self` needs a user as the source. */
  #destinations(dst: LocatedText, login: string | undefined): readonly number[] {
    const selector = parseSelector(dst.text);
    if (selector.kind === 'self') return login === undefined ? [] : this.#resolver.devicesOf(login);
    return knownName(this.#policy, this.#resolver, this.#facts, dst)?.devices ?? [];
  }

  /** Addresses of the devices that a source means; a literal that is none stands for itself. */
  #addresses(source: Resolved): Address[] {
    const { devices } = this.#resolver;
    const own = source.devices.flatMap((i) => devices[i]?.addresses ?? []);
    const literal = source.selector.kind === 'prefix' || source.selector.kind === 'host';
    return own.length > 0 || !literal ? own : [source.addresses.sample()].filter((a) => a !== undefined);
  }
}
