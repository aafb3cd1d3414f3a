import type { Change } from '../proof/changes/change.ts';
import type { LocatedText, Policy, PolicyRule } from '../tailnet/policy/policy.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS, type IpSpec } from '../tailnet/policy/ports.ts';

/**
 * What a policy lets somebody do beside opening flows: put a tag on a device, have a route approved, use an
 * application capability. Comparing reach does not show it, and restoring it hands it out all the same.
 */
interface Right {
  readonly relation: 'becomes' | 'capability';
  readonly src: string;
  readonly dst: string;
  readonly at: LocatedText['span'];
}

/**
 * Rights that `b` gives and `a` does not; names are compared as written, groups by their members. Where `a` lets
 * everybody reach everything, nobody gains by a tag or a route: they only decide what is reached.
 */
export function gainedRights(a: Policy, b: Policy): readonly Change[] {
  const known = new Set(rightsOf(a).map(keyOf));
  const isOpen = allowsEverything(a);
  return rightsOf(b)
    .filter((r) => !known.has(keyOf(r)) && !(isOpen && r.relation === 'becomes'))
    .map((r) => ({
      kind: 'gain',
      relation: r.relation,
      layer: 'tailnet',
      src: { selector: r.src, members: [] },
      dst: { selector: r.dst, members: [] },
      packets: [],
      count: 1,
      witness: { src: '', dst: '', proto: '' },
      blame: [{ side: 'b', file: r.at.file, line: r.at.line, column: r.at.column }],
    }));
}

function keyOf({ relation, src, dst }: Right): string {
  return JSON.stringify([relation, src, dst]);
}

function rightsOf(policy: Policy): readonly Right[] {
  const owners = [...policy.tagOwners].flatMap(([tag, list]) => rightsTo(policy, tag, list.items));
  const routes = policy.autoApprovers.routes.flatMap((r) => rightsTo(policy, `route ${r.name}`, r.items));
  const exit = rightsTo(policy, 'exit node', policy.autoApprovers.exitNode);
  return [...owners, ...routes, ...exit, ...policy.rules.flatMap(capabilitiesOf)];
}

function rightsTo(policy: Policy, dst: string, holders: readonly LocatedText[]): readonly Right[] {
  return holders.flatMap((holder) => {
    const group = policy.groups.get(holder.text.trim());
    const names = group === undefined ? [holder] : group.items;
    return names.map((n): Right => ({ relation: 'becomes', src: n.text.trim(), dst, at: n.span }));
  });
}

function allowsEverything({ sections, rules }: Policy): boolean {
  if (sections.acls === 'absent' && sections.grants === 'absent') return true;
  return rules.some(
    (r) =>
      r.hasIp &&
      r.via.length + r.posture.length + r.unknownKeys.length + r.faults.length === 0 &&
      r.src.some((s) => s.selector.kind === 'any') &&
      r.dst.some((d) => d.selector.kind === 'any' && d.ip.some(isEverything)),
  );
}

function isEverything({ protocols, ports }: IpSpec): boolean {
  return DEFAULT_PROTOCOLS.every((p) => protocols.includes(p)) && ports.equals(ALL_PORTS);
}

function capabilitiesOf(rule: PolicyRule): readonly Right[] {
  return rule.app.flatMap((app) =>
    rule.src.flatMap((src) =>
      rule.dst.map((dst): Right => {
        const target = `${dst.text} ${app.name} ${JSON.stringify(app.values)}`;
        return { relation: 'capability', src: src.text, dst: target, at: app.span };
      }),
    ),
  );
}
