import { AddressSet } from '../../net/address-set.ts';
import type { Span } from '../../source/span.ts';
import type { Resolved, Resolver } from '../compile/resolver.ts';
import type { SshEntry } from '../policy/parse-ssh.ts';
import type { LocatedText, Policy } from '../policy/policy.ts';
import { parseSelector } from '../policy/selector.ts';
import { commonLogins, localpartDomain, localpartOf, type SshUsers } from './logins.ts';

/**
 * A rule of Tailscale SSH on one device. It does not open port 22 in the packet filter: a login needs both. An accepted
 * session forwards ports and agents, so it is a tunnel into whatever the device reaches.
 */
export interface SshRule {
  /** `check`: only after the user has proven himself again. */
  readonly action: 'accept' | 'check';
  /** Addresses that connections are taken from. */
  readonly from: AddressSet;
  readonly users: SshUsers;
  /** Patterns of environment variables that are taken over. */
  readonly acceptEnv: readonly string[];
  /** How long a check counts, as written; undefined for the default of twelve hours. Not part of what a device gets. */
  readonly checkPeriod: string | undefined;
  readonly recorder: readonly string[];
  readonly enforceRecorder: boolean;
  /** Position in `ssh`, from 0. */
  readonly index: number;
  readonly span: Span;
  /** False: an upper bound of what a construct that is not modelled may admit. */
  readonly exact: boolean;
}

interface Sources {
  readonly all: AddressSet;
  /** Positions of the devices among them: those of each user, by lower-case login, in the order of the users; and the tagged ones. */
  readonly byUser: ReadonlyMap<string, readonly number[]>;
  readonly tagged: readonly number[];
}

interface Prepared {
  readonly entry: SshEntry;
  readonly sources: Sources;
  /** Destinations other than `autogroup:self`, by position. */
  readonly destinations: ReadonlySet<number>;
  /** Whether there are any, and whether `autogroup:self` is one. */
  readonly others: boolean;
  readonly self: boolean;
  readonly perSource: boolean;
  readonly logins: SshUsers;
  readonly exact: boolean;
  /** Worked out once each: what every destination gets, and what is for one user, by lower-case login. */
  whole: readonly SshRule[] | undefined;
  readonly ofUser: Map<string, readonly SshRule[]>;
}

const EVERY_LOGIN: SshUsers = new Map([
  ['*', '='],
  ['root', 'root'],
]);

/**
 * The SSH rules of every device (captures of the control plane; what they lack: juanfont/headscale
 * hscontrol/policy/v2/filter.go compileSSHPolicy). Rules with `check` come first, else the order is the policy's. With
 * `localpart:` an entry becomes rules for each user among its sources, and the sources get a copy of their own.
 */
export class SshRules {
  readonly #resolver: Resolver;
  readonly #entries: readonly Prepared[];

  /** @param users the users of the tailnet, in the order in which the control plane lists them */
  constructor(policy: Policy, users: readonly { readonly login: string }[], resolver: Resolver) {
    this.#resolver = resolver;
    const rank = new Map(users.map((u, i) => [u.login.toLowerCase(), i]));
    this.#entries = policy.ssh.map((entry) => this.#prepare(policy, entry, rank));
  }

  /** @param device position in the device list */
  on(device: number): SshRule[] {
    const rules = this.#entries.flatMap((p) => [...this.#selfRules(p, device), ...this.#otherRules(p, device)]);
    return [...rules.filter((r) => r.action === 'check'), ...rules.filter((r) => r.action === 'accept')];
  }

  /** Positions in `ssh` of the entries whose whole meaning is certain. */
  certain(): ReadonlySet<number> {
    return new Set(this.#entries.flatMap((p) => (p.exact ? [p.entry.index] : [])));
  }

  #prepare(policy: Policy, entry: SshEntry, rank: ReadonlyMap<string, number>): Prepared {
    const unbounded = entry.unknownKeys.length > 0;
    const src = unbounded ? [this.#everything()] : entry.src.map((ref) => this.#resolver.resolve(ref));
    const others = entry.dst.filter((ref) => ref.selector.kind !== 'self');
    const dst = others.map((ref) => this.#resolver.resolve(ref));
    const certain = isAction(entry.action) && entry.posture.length + policy.defaultPosture.length === 0;
    return {
      entry,
      sources: this.#sources(src, rank),
      destinations: new Set(unbounded ? this.#everything().devices : dst.flatMap((r) => r.devices)),
      others: unbounded || others.length > 0,
      self: !unbounded && others.length < entry.dst.length,
      perSource: !unbounded && entry.users.some((u) => localpartDomain(u.text) !== undefined),
      logins: unbounded ? EVERY_LOGIN : commonLogins(entry.users),
      exact: certain && !unbounded && [...src, ...dst].every((r) => r.exact),
      whole: undefined,
      ofUser: new Map(),
    };
  }

  #everything(): Resolved {
    const text = 'autogroup:danger-all';
    return this.#resolver.resolve({ text, selector: parseSelector(text) });
  }

  #sources(src: readonly Resolved[], rank: ReadonlyMap<string, number>): Sources {
    const byUser = new Map<string, number[]>();
    const tagged: number[] = [];
    for (const i of new Set(src.flatMap((r) => r.devices))) {
      const login = this.#resolver.devices[i]?.user?.toLowerCase();
      if (login === undefined) tagged.push(i);
      else {
        const devices = byUser.get(login) ?? [];
        devices.push(i);
        byUser.set(login, devices);
      }
    }
    const place = (login: string) => rank.get(login) ?? rank.size;
    return {
      all: src.reduce((sum, r) => sum.union(r.addresses), AddressSet.empty),
      byUser: new Map([...byUser].sort(([a], [b]) => place(a) - place(b))),
      tagged,
    };
  }

  /** `autogroup:self`: from the user's own devices to each of them; never on tagged ones. */
  #selfRules(p: Prepared, device: number): readonly SshRule[] {
    const login = this.#resolver.devices[device]?.user;
    return !p.self || login === undefined ? [] : this.#ofUser(p, login.toLowerCase());
  }

  #otherRules(p: Prepared, device: number): readonly SshRule[] {
    if (p.destinations.has(device)) {
      p.whole ??= this.#forDestinations(p);
      return p.whole;
    }
    return p.perSource && p.others ? this.#copyFor(p, device) : [];
  }

  #forDestinations(p: Prepared): readonly SshRule[] {
    if (!p.perSource) return toRules(p, p.sources.all, [p.logins]);
    const users = [...p.sources.byUser.keys()].flatMap((login) => this.#ofUser(p, login));
    return [...users, ...toRules(p, this.#resolver.addressesOf(p.sources.tagged), [p.logins])];
  }

  /** What a source of `localpart:` gets that is no destination. */
  #copyFor(p: Prepared, device: number): readonly SshRule[] {
    const login = this.#resolver.devices[device]?.user?.toLowerCase();
    if (login !== undefined) return p.sources.byUser.get(login)?.includes(device) ? this.#ofUser(p, login) : [];
    return p.sources.tagged.includes(device) ? toRules(p, this.#resolver.addressesOf([device]), [p.logins]) : [];
  }

  /** The rules for one user among the sources: the common logins, then the one that is his name. */
  #ofUser(p: Prepared, login: string): readonly SshRule[] {
    const known = p.ofUser.get(login);
    if (known !== undefined) return known;
    const from = p.sources.byUser.get(login) ?? [];
    const written = this.#resolver.devices[from[0] ?? -1]?.user ?? login;
    const local = p.perSource ? localpartOf(written, p.entry.users) : undefined;
    const logins = local === undefined ? [p.logins] : [p.logins, new Map([[local, local]])];
    const rules = toRules(p, this.#resolver.addressesOf(from), logins);
    p.ofUser.set(login, rules);
    return rules;
  }
}

function toRules({ entry, exact }: Prepared, from: AddressSet, logins: readonly SshUsers[]): SshRule[] {
  if (from.isEmpty()) return [];
  const texts = (list: readonly LocatedText[]) => list.map((t) => t.text);
  return logins.map((users) => ({
    action: entry.action?.text === 'check' && entry.unknownKeys.length === 0 ? 'check' : 'accept',
    from,
    users,
    acceptEnv: texts(entry.acceptEnv),
    checkPeriod: entry.checkPeriod?.text,
    recorder: texts(entry.recorder),
    enforceRecorder: entry.enforceRecorder,
    index: entry.index,
    span: entry.span,
    exact,
  }));
}

function isAction(action: LocatedText | undefined): boolean {
  return action?.text === 'accept' || action?.text === 'check';
}
