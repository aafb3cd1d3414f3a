import { AddressSet } from '../../../src/net/address-set.ts';
import { IntervalSet } from '../../../src/net/interval-set.ts';
import { compileTailnet } from '../../../src/tailnet/compile.ts';
import { localpartDomain } from '../../../src/tailnet/ssh/logins.ts';
import type { SshRule } from '../../../src/tailnet/ssh/rules.ts';
import { type Compile, onAnswers, onPolicy } from './wrong.ts';

/** Compilers that get rules of Tailscale SSH wrong. */
export const sshMutants: Readonly<Record<string, Compile>> = {
  'nobody gets SSH rules': onSsh(() => []),
  'SSH rules stay in the order of the policy': onSsh((rules) => rules.toSorted((a, b) => a.index - b.index)),
  'accept comes before check': onSsh((rules) => rules.toReversed()),
  'check counts as accept': onSsh((rules) => rules.map((r) => ({ ...r, action: 'accept' }))),
  'root is allowed with everybody else': onSsh((rules) =>
    rules.map((r) => ({ ...r, users: new Map([...r.users].map(([k, v]) => [k, k === 'root' ? 'root' : v])) })),
  ),
  'a refused root is not mentioned': onSsh((rules) =>
    rules.map((r) => ({ ...r, users: new Map([...r.users].filter(([, local]) => local !== '')) })),
  ),
  'SSH is taken over IPv4 only': onSsh((rules) =>
    rules.map((r) => ({ ...r, from: AddressSet.ofIntervals(r.from.v4, IntervalSet.empty) })),
  ),
  'environment variables are not taken over': onSsh((rules) => rules.map((r) => ({ ...r, acceptEnv: [] }))),
  'SSH rules for the same sources are merged': onSsh((rules) => {
    const merged = new Map<string, SshRule>();
    for (const rule of rules) {
      const key = `${rule.action} ${rule.from.format()}`;
      const first = merged.get(key);
      merged.set(key, first === undefined ? rule : { ...first, users: new Map([...first.users, ...rule.users]) });
    }
    return [...merged.values()];
  }),
  'autogroup:self lets every source in': onPolicy((policy) => ({
    ...policy,
    ssh: policy.ssh.map((entry) => ({
      ...entry,
      dst: entry.dst.map((ref) => (ref.selector.kind === 'self' ? { ...ref, selector: { kind: 'member' } } : ref)),
    })),
  })),
  'autogroup:nonroot is a login name': onUsers((user) => (user === 'autogroup:nonroot' ? 'nonroot' : user)),
  'localpart: is a login name': onUsers((user) => (localpartDomain(user) === undefined ? user : `${user} `)),
  'localpart: without a pattern is one': onUsers((user) =>
    user.startsWith('localpart:') ? 'localpart:*@example.com' : user,
  ),
  'sources of localpart: get no copy': onAnswers((right, policy) => ({
    sshOn: (id) => {
      const own = right.devices.find((d) => d.id === id);
      const isMeant = (index: number) =>
        policy.ssh[index]?.dst.some((ref) => ref.selector.kind === 'self' || own?.tags.includes(ref.text.trim()));
      return right.sshOn(id).filter((r) => isMeant(r.index));
    },
  })),
  'users of localpart: come in the order of the alphabet': (policy, facts) =>
    compileTailnet(policy, { ...facts, users: facts.users.toSorted((a, b) => (a.login < b.login ? -1 : 1)) }),
};

function onSsh(change: (rules: readonly SshRule[]) => readonly SshRule[]): Compile {
  return onAnswers((right) => ({ sshOn: (id) => change(right.sshOn(id)) }));
}

function onUsers(change: (user: string) => string): Compile {
  return onPolicy((policy) => ({
    ...policy,
    ssh: policy.ssh.map((entry) => ({ ...entry, users: entry.users.map((u) => ({ ...u, text: change(u.text) })) })),
  }));
}
