import { parsePolicy } from '../tailnet/policy/parse.ts';
import type { NamedList } from '../tailnet/policy/policy.ts';
import type { Topology } from '../topology/model.ts';

/**
 * Who the operators are by the topology and the base policy that it names, never by the policy in force: whoever edits
 * that could make himself one.
 */
export interface Operators {
  /** As declared: logins, groups, autogroups, tags. */
  readonly selectors: ReadonlySet<string>;
  /** Lower case. */
  readonly logins: ReadonlySet<string>;
  /** Domains whose users all are operators, lower case. */
  readonly domains: ReadonlySet<string>;
  readonly tags: ReadonlySet<string>;
  /** Members of the operators' groups that the base policy defines, lower case, by group. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
  /** Owners of the operators' tags in the base policy, lower case, by tag. */
  readonly tagOwners: ReadonlyMap<string, ReadonlySet<string>>;
  /** Groups of an identity provider and autogroups: who is in them is in no file. */
  readonly unresolved: readonly string[];
}

/** Resolves `tailnet.operators`. */
export function operatorsOf(topology: Topology): Operators {
  const { base, operators } = topology.tailnet;
  const parsed = base === undefined ? undefined : parsePolicy(base.file, base.text);
  const policy = parsed?.ok === true ? parsed.value : undefined;
  const groups = listsOf(operators, policy?.groups);
  const people = [...operators.filter((o) => o.includes('@')), ...[...groups.values()].flatMap((g) => [...g])];
  const domains = people.flatMap((p) => /^user:\*@(.+)$/.exec(p)?.[1] ?? []);
  return {
    selectors: new Set(operators),
    logins: new Set(people.filter((p) => !p.startsWith('user:*@') && !p.startsWith('group:')).map(lower)),
    domains: new Set(domains.map(lower)),
    tags: new Set(operators.filter((o) => o.startsWith('tag:'))),
    groups,
    tagOwners: listsOf(operators, policy?.tagOwners),
    unresolved: operators.filter((o) => /^(group|autogroup):/.test(o) && !groups.has(o)),
  };
}

function listsOf(
  names: readonly string[],
  lists: ReadonlyMap<string, NamedList> | undefined,
): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    names.flatMap((name) => {
      const list = lists?.get(name);
      return list === undefined ? [] : [[name, membersOf(list)] as const];
    }),
  );
}

/** Members of a group or owners of a tag, as they are compared: lower case, without white space. */
export function membersOf(group: NamedList): ReadonlySet<string> {
  return new Set(group.items.map((i) => lower(i.text.trim())));
}

function lower(text: string): string {
  return text.toLowerCase();
}
