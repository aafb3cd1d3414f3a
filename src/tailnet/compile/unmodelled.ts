import type { Device } from '../device.ts';
import type { NodeAttrEntry } from '../policy/parse-node-attrs.ts';
import type { SshEntry } from '../policy/parse-ssh.ts';
import type { Aspect, LocatedText, Policy, PolicyRule, SelectorRef, Unmodelled } from '../policy/policy.ts';
import { parseSelector } from '../policy/selector.ts';
import { addedTargets } from './ip-sets.ts';
import { allowsNothing } from './rules.ts';

const ACCESS: readonly Aspect[] = ['packets', 'peers'];

/** Why something has no validated meaning; `assumed` where documentation bounds it. */
interface Doubt {
  readonly kind: Unmodelled['kind'];
  readonly why: string;
}

const assumed = (why: string): Doubt => ({ kind: 'assumed', why });
const unmodelled = (why: string): Doubt => ({ kind: 'unmodelled', why });

/**
 * Everything about a policy and its devices that the compiled rules only bound from above (`assumed`), or do not cover
 * (`unmodelled`): what the parser did not interpret, and rules whose names or conditions have no validated meaning.
 */
export function listUnmodelled(policy: Policy, devices: readonly Device[]): Unmodelled[] {
  const shared = devices
    .filter((d) => d.isExternal)
    .map((d): Unmodelled => {
      const what = `${d.name} (${d.id}) is shared in from another tailnet`;
      return { kind: 'unmodelled', span: undefined, what, touches: ACCESS };
    });
  const doubts = new Map<string, Doubt | undefined>();
  const doubt = (ref: SelectorRef): Doubt | undefined => {
    if (!doubts.has(ref.text)) doubts.set(ref.text, doubtOf(policy, ref));
    return doubts.get(ref.text);
  };
  return [
    ...policy.unmodelled,
    ...emptySections(policy),
    ...policy.rules.flatMap((r) => inRule(r, doubt)),
    ...policy.ssh.flatMap((entry) => inSsh(entry, doubt)),
    ...policy.nodeAttrs.flatMap((entry) => inNodeAttrs(entry, doubt)),
    ...shared,
  ];
}

function inSsh({ index, src, dst, posture }: SshEntry, doubtAbout: (ref: SelectorRef) => Doubt | undefined) {
  const at = ({ span }: LocatedText, { kind, why }: Doubt): Unmodelled[] => [
    { kind, span, what: `ssh[${index}]: ${why}`, touches: ['ssh'] },
  ];
  const conditions = posture.flatMap((p) =>
    at(p, assumed(`posture ${p.text}: only those sources that meet it are admitted; taken as all of them`)),
  );
  return [...conditions, ...[...src, ...dst].flatMap((ref) => withDoubt(doubtAbout(ref), (doubt) => at(ref, doubt)))];
}

/** Targets by role are left out: whether a device has the attribute says for itself how sure it is. */
function inNodeAttrs({ index, target }: NodeAttrEntry, doubtAbout: (ref: SelectorRef) => Doubt | undefined) {
  const named = target.filter((ref) => ref.selector.kind !== 'role');
  return named.flatMap((ref) =>
    withDoubt(doubtAbout(ref), ({ kind, why }): Unmodelled[] => [
      { kind, span: ref.span, what: `nodeAttrs[${index}]: ${why}`, touches: ['attributes'] },
    ]),
  );
}

function withDoubt(doubt: Doubt | undefined, say: (doubt: Doubt) => Unmodelled[]): Unmodelled[] {
  return doubt === undefined ? [] : say(doubt);
}

function emptySections(policy: Policy): Unmodelled[] {
  const { acls, grants } = policy.sections;
  const decided = acls === 'present' || grants === 'present' || (acls === 'absent' && grants === 'absent');
  if (decided || allowsNothing(policy)) return [];
  const what = 'no rule at all, but an empty acls list: reported to allow nothing, not validated';
  return [{ kind: 'unmodelled', span: undefined, what, touches: ACCESS }];
}

function inRule(rule: PolicyRule, doubtAbout: (ref: SelectorRef) => Doubt | undefined): Unmodelled[] {
  const name = `${rule.section}[${rule.index}]`;
  const at = ({ span }: LocatedText, { kind, why }: Doubt): Unmodelled => ({
    kind,
    span,
    what: `${name}: ${why}`,
    touches: ACCESS,
  });
  const out: Unmodelled[] = [
    ...rule.unknownKeys.map((k) =>
      at(k, unmodelled(`unknown key ${JSON.stringify(k.text)}: the rule may admit anything`)),
    ),
    ...rule.posture.map((p) =>
      at(p, assumed(`posture ${p.text}: only those sources that meet it are admitted; taken as all of them`)),
    ),
    ...rule.faults.map((f) => at(f, unmodelled(`${f.text}: the rule is taken to admit everything there`))),
  ];
  if (rule.section === 'acls' && rule.action?.text !== 'accept') {
    const place = rule.action ?? { text: '', span: rule.span };
    out.push(at(place, unmodelled(`action ${JSON.stringify(place.text)}: not known; taken as accept`)));
  }
  for (const ref of [...rule.src, ...rule.dst, ...rule.via]) {
    const doubt = doubtAbout(ref);
    if (doubt !== undefined) out.push(at(ref, doubt));
  }
  for (const target of rule.dst) {
    if (rule.faults.length === 0 && target.ip.some((ip) => !ip.validated)) {
      out.push(at(target, assumed('a protocol other than TCP, UDP and ICMP: not validated')));
    }
  }
  return out;
}

/** Why a name only has an upper bound; undefined when it has an exact meaning. */
function doubtOf(policy: Policy, ref: SelectorRef): Doubt | undefined {
  const s = ref.selector;
  switch (s.kind) {
    case 'role':
      return assumed(`${s.name}: the users of a role are not looked at; taken as every user's devices`);
    case 'domain':
      return assumed(`${ref.text.trim()}: taken as the devices of all users whose login ends in @${s.domain}`);
    case 'shared':
      return assumed(
        'autogroup:shared: devices of users of other tailnets are not listed; taken as any tailnet address that no device here has',
      );
    case 'ipset':
      return addedTargets(policy, s.name) === undefined
        ? unmodelled(`${s.name} is not defined, or not understood; taken as any address`)
        : assumed(`${s.name}: taken as all that it adds; what it removes is left in`);
    case 'service':
      return unmodelled(
        `${s.name}: which devices answer for it, and at which addresses, is in no source; taken as any tailnet address that no device has, on every device`,
      );
    case 'unknown':
      return unmodelled(`${JSON.stringify(s.text)} is not understood; taken as any address`);
    case 'host':
      if (policy.hosts.get(s.name)?.prefix !== undefined) return undefined;
      return unmodelled(`${JSON.stringify(s.name)} is no host of the policy; taken as any address`);
    case 'prefix':
      return s.hostBits ? assumed(`${ref.text} has bits beyond its mask; taken as the whole prefix`) : undefined;
    case 'group':
      return groupDoubt(policy, s.name);
    default:
      return undefined;
  }
}

function groupDoubt(policy: Policy, name: string): Doubt | undefined {
  const group = policy.groups.get(name);
  // Groups of an identity provider are not in the file (Tailscale documentation, "user & group provisioning").
  if (group === undefined) return assumed(`${name} is not defined here; taken as every user's devices`);
  const kinds = group.items.map((item) => ({ item, kind: parseSelector(item.text).kind }));
  const odd = kinds.find(({ kind }) => kind !== 'user' && kind !== 'domain');
  if (odd !== undefined) {
    return unmodelled(`${name} has the member ${JSON.stringify(odd.item.text)}; taken as every user's devices`);
  }
  const domain = kinds.find(({ kind }) => kind === 'domain');
  return domain === undefined
    ? undefined
    : assumed(`${name} has the member ${domain.item.text}: taken as all users whose login ends so`);
}
