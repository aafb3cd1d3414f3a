import { formatPrefix, overlaps, type Prefix, prefixOf } from '../../net/prefix.ts';
import { missingOf } from '../../state/known.ts';
import { tagOwnersClosure } from '../../tailnet/owners.ts';
import type { LocatedText, Policy } from '../../tailnet/policy/policy.ts';
import type { Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { membersOf, type Operators } from '../operators.ts';
import { authorityClaim, type Fault } from './authority.ts';
import { unmodelledMissing } from './missing.ts';

/**
 * `authority` of the policy: only operators can give themselves what the topology counts on. Whoever owns a role's tag,
 * through other tags as well, can become that role; whoever approves routes can put a network in a host's place; whoever
 * is added to a group of the operators is one.
 */
export function ownershipClaim(context: ProofContext): Claim {
  const subject = 'tailnet/policy';
  const known = context.state.tailnet.policy;
  if (!known.known) return authorityClaim(subject, [], missingOf(known));
  const { policy } = known.value;
  const missing = policy.unmodelled.filter((u) => u.touches.includes('ownership')).map(unmodelledMissing);
  const faults = [
    ...ownerFaults(context, policy),
    ...approverFaults(context, policy),
    ...operatorFaults(context, policy),
  ];
  return authorityClaim(subject, faults, missing);
}

function ownerFaults({ topology, operators }: ProofContext, policy: Policy): Fault[] {
  return [...topology.roles.values()].flatMap((role) => {
    const strangers = [...ownersBeside(operators, policy, role.tag)].filter((o) => o !== role.tag);
    const owners = strangers.map((owner) =>
      ownerFault(policy, role.tag, owner, `${owner} can give itself ${role.tag}`),
    );
    if (role.kind !== 'model') return owners;
    // The model is the user, not the system: its tag gives nobody anything.
    const owned = [...policy.tagOwners.keys()].filter(
      (t) => t !== role.tag && tagOwnersClosure(policy, t).has(role.tag),
    );
    return [
      ...owners,
      ...owned.map((t) => ownerFault(policy, t, role.tag, `the model's ${role.tag} can give itself ${t}`)),
    ];
  });
}

/** Everybody who can give himself a tag without being an operator, through other tags as well. */
function ownersBeside(operators: Operators, policy: Policy, tag: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [tag];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const item of policy.tagOwners.get(next)?.items ?? []) {
      const owner = item.text.trim();
      if (found.has(owner) || isOperator(operators, owner)) continue;
      found.add(owner);
      if (owner.startsWith('tag:')) open.push(owner);
    }
  }
  return found;
}

/** Blames the entry itself where it stands under this tag, else the tag's list. */
function ownerFault(policy: Policy, tag: string, owner: string, text: string): Fault {
  const list = policy.tagOwners.get(tag);
  const place = list?.items.find((i) => i.text.trim() === owner)?.span ?? list?.span;
  return at('TS-ACL-16', place, `tagOwners ${tag}`, text);
}

/** Approvers have to be operators where a route could cover what is declared; the declared machines are none at all. */
function approverFaults({ topology, operators }: ProofContext, policy: Policy): Fault[] {
  const tags = new Set([...topology.roles.values()].map((r) => r.tag));
  const hosts = [...topology.hosts.values()].flatMap((h) => [...h.addresses, ...h.tailnetAddresses]);
  const guarded: readonly Prefix[] = [
    ...[...topology.segments.values()].flatMap((s) => s.prefixes),
    ...hosts.map(prefixOf),
  ];
  const faulty = (approver: LocatedText, covers: boolean) => {
    const name = approver.text.trim();
    return tags.has(name) || (covers && !isOperator(operators, name));
  };
  const routes = policy.autoApprovers.routes.flatMap((list) => {
    const { prefix } = list;
    const covers = prefix === undefined || guarded.some((g) => overlaps(prefix, g));
    const what = prefix === undefined ? list.name : formatPrefix(prefix);
    return list.items
      .filter((a) => faulty(a, covers))
      .map((a) => at('TS-ACL-18', a.span, 'autoApprovers.routes', `${a.text} approves its own routes in ${what}`));
  });
  const exits = policy.autoApprovers.exitNode
    .filter((a) => faulty(a, false))
    .map((a) => at('TS-ACL-18', a.span, 'autoApprovers.exitNode', `${a.text} approves itself as an exit node`));
  return [...routes, ...exits];
}

/** Groups and tags of the operators have gained members or owners since the base policy was declared. */
function operatorFaults({ operators }: ProofContext, policy: Policy): Fault[] {
  const lists = [
    ['groups', operators.groups, policy.groups],
    ['tagOwners', operators.tagOwners, policy.tagOwners],
  ] as const;
  return lists.flatMap(([section, declared, live]) =>
    [...declared].flatMap(([name, wanted]) => {
      const list = live.get(name);
      const added = list === undefined ? [] : [...membersOf(list)].filter((m) => !wanted.has(m));
      if (list === undefined || added.length === 0) return [];
      return [at('TS-ACL-16', list.span, `${section} ${name}`, `${added.join(', ')} became an operator`)];
    }),
  );
}

/** Declared as an operator, or a member of a group that is. */
function isOperator(operators: Operators, owner: string): boolean {
  return operators.selectors.has(owner) || operators.logins.has(owner.toLowerCase());
}

function at(cause: string, span: LocatedText['span'] | undefined, rule: string, text: string): Fault {
  const place = span === undefined ? {} : { line: span.line, column: span.column };
  return { cause, blame: { source: 'tailnet/policy', ...place, rule, text } };
}
