import { AddressSet } from '../../net/address-set.ts';
import { tagOwnersClosure } from '../../tailnet/owners.ts';
import type { LocatedText, NamedList, Policy } from '../../tailnet/policy/policy.ts';
import { membersOf } from '../operators.ts';
import type { Change, ChangeBlame } from './change.ts';
import type { TailnetSide } from './tailnet-side.ts';

/** Who can give themselves tags, or approve their own routes, on one side and not on the other. */
export function becomesChanges(a: TailnetSide, b: TailnetSide): Change[] {
  return [...tagChanges(a, b), ...tagChanges(b, a, 'lose'), ...routeChanges(a, b), ...routeChanges(b, a, 'lose')];
}

/** People and tags behind owners and approvers: groups are their members. */
function principals(policy: Policy, owner: string): readonly string[] {
  const group: NamedList | undefined = policy.groups.get(owner);
  return group === undefined ? [owner] : [...membersOf(group)];
}

function tagChanges(from: TailnetSide, to: TailnetSide, kind: Change['kind'] = 'gain'): Change[] {
  return [...to.policy.tagOwners].sort(byName).flatMap(([tag, list]): Change[] => {
    const holders = (policy: Policy) => [...tagOwnersClosure(policy, tag)].flatMap((o) => principals(policy, o));
    const before = new Set(holders(from.policy));
    const fresh = [...new Set(holders(to.policy))].filter((p) => p !== tag && !before.has(p)).sort();
    return fresh.length === 0 ? [] : [change(to, kind, fresh, tag, list.span)];
  });
}

function routeChanges(from: TailnetSide, to: TailnetSide, kind: Change['kind'] = 'gain'): Change[] {
  const before = approvals(from.policy);
  return [...approvals(to.policy)].sort(byName).flatMap(([approver, { routes, exit, span }]): Change[] => {
    const known = before.get(approver);
    const fresh = routes.subtract(known?.routes ?? AddressSet.empty);
    return [
      ...(fresh.isEmpty() ? [] : [change(to, kind, [approver], `router of ${fresh.format()}`, span)]),
      ...(exit && known?.exit !== true ? [change(to, kind, [approver], 'exit node', span)] : []),
    ];
  });
}

interface Approval {
  readonly routes: AddressSet;
  readonly exit: boolean;
  readonly span: LocatedText['span'];
}

function approvals(policy: Policy): ReadonlyMap<string, Approval> {
  const found = new Map<string, Approval>();
  const add = (item: LocatedText, routes: AddressSet, exit: boolean) => {
    for (const p of principals(policy, item.text.trim())) {
      const known = found.get(p) ?? { routes: AddressSet.empty, exit: false, span: item.span };
      found.set(p, { routes: known.routes.union(routes), exit: known.exit || exit, span: known.span });
    }
  };
  for (const { prefix, items } of policy.autoApprovers.routes) {
    // What does not parse is taken to approve everything.
    const routes = prefix === undefined ? AddressSet.all : AddressSet.ofPrefixes(prefix);
    for (const item of items) add(item, routes, false);
  }
  for (const item of policy.autoApprovers.exitNode) add(item, AddressSet.empty, true);
  return found;
}

function change(
  side: TailnetSide,
  kind: Change['kind'],
  who: readonly string[],
  what: string,
  span: LocatedText['span'],
): Change {
  const blame: ChangeBlame = {
    side: kind === 'gain' ? 'b' : 'a',
    file: side.file,
    line: span.line,
    column: span.column,
    text: side.text.slice(span.offset, span.offset + span.length),
  };
  return {
    kind,
    relation: 'becomes',
    layer: 'tailnet',
    src: { selector: who.join(', '), members: who },
    dst: { selector: what, members: [] },
    packets: [],
    count: who.length,
    witness: { src: who[0] ?? '', dst: what, proto: 'none' },
    blame: [blame],
  };
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : Number(a > b);
}
