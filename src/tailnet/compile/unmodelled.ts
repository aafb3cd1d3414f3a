import type { Device } from '../device.ts';
import type { Aspect, LocatedText, Policy, PolicyRule, SelectorRef, Unmodelled } from '../policy/policy.ts';
import { allowsNothing } from './rules.ts';

const ACCESS: readonly Aspect[] = ['packets', 'peers'];

/**
 * Everything about a policy and its devices that the compiled rules only bound from above, or do not cover: what
 * the parser did not interpret, and rules whose names or conditions have no validated meaning.
 */
export function listUnmodelled(policy: Policy, devices: readonly Device[]): Unmodelled[] {
  const shared = devices
    .filter((d) => d.isExternal)
    .map((d) => ({ span: undefined, what: `${d.name} (${d.id}) is shared in from another tailnet`, touches: ACCESS }));
  return [...policy.unmodelled, ...emptySections(policy), ...policy.rules.flatMap((r) => inRule(policy, r)), ...shared];
}

function emptySections(policy: Policy): Unmodelled[] {
  const { acls, grants } = policy.sections;
  const decided = acls === 'present' || grants === 'present' || (acls === 'absent' && grants === 'absent');
  if (decided || allowsNothing(policy)) return [];
  const what = 'no rule at all, but an empty acls list: reported to allow nothing, not validated';
  return [{ span: undefined, what, touches: ACCESS }];
}

function inRule(policy: Policy, rule: PolicyRule): Unmodelled[] {
  const name = `${rule.section}[${rule.index}]`;
  const at = (place: LocatedText, what: string): Unmodelled => ({
    span: place.span,
    what: `${name}: ${what}`,
    touches: ACCESS,
  });
  const out: Unmodelled[] = [
    ...rule.unknownKeys.map((k) => at(k, `unknown key ${JSON.stringify(k.text)}: the rule may admit anything`)),
    ...rule.posture.map((p) => at(p, `posture ${p.text}: only those sources that meet it are admitted`)),
    ...rule.faults.map((f) => at(f, `${f.text}: the rule is taken to admit everything there`)),
  ];
  if (rule.section === 'acls' && rule.action?.text !== 'accept') {
    const place = rule.action ?? { text: '', span: rule.span };
    out.push(at(place, `action ${JSON.stringify(place.text)}: not known; taken as accept`));
  }
  for (const ref of [...rule.src, ...rule.dst, ...rule.via]) {
    const why = unresolved(policy, ref);
    if (why !== undefined) out.push(at(ref, why));
  }
  for (const target of rule.dst) {
    if (rule.faults.length === 0 && target.ip.some((ip) => !ip.validated)) {
      out.push(at(target, 'a protocol other than TCP, UDP and ICMP: not validated'));
    }
  }
  return out;
}

/** Why a name only has an upper bound; undefined when it has an exact meaning. */
function unresolved(policy: Policy, ref: SelectorRef): string | undefined {
  const s = ref.selector;
  switch (s.kind) {
    case 'role':
      return `${s.name}: users by role are not modelled; taken as every user's devices`;
    case 'shared':
      return 'autogroup:shared: devices of other tailnets are not known; taken as any address';
    case 'ipset':
      return `${s.name}: IP sets are not modelled; taken as any address`;
    case 'service':
      return `${s.name}: service addresses are not modelled; taken as any tailnet address that no device has`;
    case 'unknown':
      return `${JSON.stringify(s.text)} is not understood; taken as any address`;
    case 'host':
      if (policy.hosts.get(s.name)?.prefix !== undefined) return undefined;
      return `${JSON.stringify(s.name)} is no host of the policy; taken as any address`;
    case 'prefix':
      return s.hostBits ? `${ref.text} has bits beyond its mask; taken as the whole prefix` : undefined;
    case 'group': {
      const group = policy.groups.get(s.name);
      if (group === undefined) return `${s.name} is not defined here; taken as every user's devices`;
      const odd = group.items.find((m) => !/^[^\s:]+@|^user:\*@/.test(m.text.trim()));
      return odd === undefined
        ? undefined
        : `${s.name} has the member ${JSON.stringify(odd.text)}; taken as every user's devices`;
    }
    default:
      return undefined;
  }
}
