import type { Span } from '../../source/span.ts';
import type { Device } from '../device.ts';
import type { Policy } from '../policy/policy.ts';
import type { Selector } from '../policy/selector.ts';
import { finding, type LintFinding } from './finding.ts';
import { definitionReferences, type Reference, references } from './references.ts';

/**
 * Definitions that nothing uses, uses of names that nothing defines, and groups that are empty.
 * @param devices undefined when they are not known: then a tag may be held
 */
export function definitionFindings(policy: Policy, devices: readonly Device[] | undefined): LintFinding[] {
  const uses = [...references(policy), ...definitionReferences(policy)];
  return [...unused(policy, uses, devices), ...undefinedNames(policy, uses), ...emptyGroups(policy, uses)];
}

function unused(policy: Policy, uses: readonly Reference[], devices: readonly Device[] | undefined): LintFinding[] {
  const used = new Set(uses.flatMap(({ ref }) => nameOf(ref.selector) ?? []));
  const held = new Set(devices?.flatMap((d) => d.tags));
  const postures = new Set(postureUses(policy).map((p) => p.text));
  const report = (kind: string, hint: string) => (d: { readonly name: string; readonly span: Span }) =>
    finding('unused-definition', d.span, `${kind} ${JSON.stringify(d.name)} is used nowhere`, hint);
  const rest = <T extends { readonly name: string }>(map: ReadonlyMap<string, T>, taken: ReadonlySet<string>) =>
    [...map.values()].filter((d) => !taken.has(d.name));
  return [
    ...rest(policy.groups, used).map(report('the group', 'remove it, or use it')),
    ...rest(policy.hosts, used).map(report('the host', 'remove it, or use it')),
    ...rest(policy.ipsets, used).map(report('the IP set', 'remove it, or use it')),
    ...rest(policy.postures, postures).map(report('the posture', 'remove it, or ask for it in srcPosture')),
    ...rest(policy.tagOwners, new Set([...used, ...held])).map(
      report('the tag', 'remove it: its owners can still put it on devices'),
    ),
  ];
}

function nameOf(s: Selector): string | undefined {
  return s.kind === 'group' || s.kind === 'tag' || s.kind === 'host' || s.kind === 'ipset' ? s.name : undefined;
}

function postureUses(policy: Policy) {
  return [
    ...policy.defaultPosture,
    ...policy.rules.flatMap((r) => r.posture),
    ...policy.ssh.flatMap((entry) => entry.posture),
  ];
}

function undefinedNames(policy: Policy, uses: readonly Reference[]): LintFinding[] {
  const sets = uses.filter(({ ref: { selector: s } }) => s.kind === 'ipset' && !policy.ipsets.has(s.name));
  return [
    ...sets.map(({ where, ref }) =>
      finding('undefined-name', ref.span, `${where}: ${ref.text.trim()} is not defined`, 'define it in ipsets'),
    ),
    ...postureUses(policy)
      .filter((p) => p.text.startsWith('posture:') && !policy.postures.has(p.text))
      .map((p) => finding('undefined-name', p.span, `${p.text} is not defined`, 'define it in postures')),
  ];
}

/** A group that only names somebody in name; that of an identity provider has its members there. */
function emptyGroups(policy: Policy, uses: readonly Reference[]): LintFinding[] {
  const used = new Set(uses.flatMap(({ ref: { selector: s } }) => (s.kind === 'group' ? s.name : [])));
  return [...policy.groups.values()]
    .filter((g) => g.items.length === 0 && used.has(g.name))
    .map((g) =>
      finding('empty-group', g.span, `${g.name} has no members: what it is used for means nobody`, 'add its members'),
    );
}
