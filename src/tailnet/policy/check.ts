import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import { foreignDomain, isKnownDomain, sshRefusals } from './check-ssh.ts';
import type { LocatedText, Policy, PolicyRule, SelectorRef } from './policy.ts';
import { PolicyReader } from './reader.ts';
import { parseSelector } from './selector.ts';

/** Capabilities of tailscale.com that a grant may not name (captures). */
const RESERVED_CAPABILITIES = new Set(['ingress', 'funnel', 'relay-target', 'drive-sharer']);

/** Sources that `autogroup:self` goes with; in `acls` also `*`. */
const SELF_SOURCES = new Set(['user', 'domain', 'group', 'member', 'role']);

const SELF_FAULT = 'autogroup:self can only be used with users, groups, or supported autogroups';

/**
 * What the API would refuse in a policy that parses, with places; the messages are the API's own where a capture shows
 * them, and in its style where none does (undefined hosts and groups, reserved autogroups). Not the `tests`: those are
 * run, not checked.
 */
export function checkPolicy(
  policy: Policy,
  facts: { readonly users: readonly { readonly login: string }[] },
): Diagnostic[] {
  const domains = new Set(facts.users.map((u) => (u.login.split('@')[1] ?? '').toLowerCase()).filter((d) => d !== ''));
  const refusals: LocatedText[] = [
    ...groupRefusals(policy),
    ...hostRefusals(policy),
    ...policy.rules.flatMap((rule) => ruleRefusals(policy, rule, domains)),
    ...policy.ssh.flatMap((node) => sshRefusals(node, domains)),
    ...sshTestRefusals(policy),
    ...nodeAttrRefusals(policy),
  ];
  return refusals.map(({ text, span }) => ({ code: 'policy-refused', severity: 'error', span, message: text }));
}

function groupRefusals(policy: Policy): LocatedText[] {
  return [...policy.groups.values()].flatMap((group) =>
    group.items
      .filter((item) => item.text.trim().startsWith('group:'))
      .map((item) => at(item, `groups["${group.name}"]: "${item.text}": group members cannot be recursive`)),
  );
}

function hostRefusals(policy: Policy): LocatedText[] {
  return [...policy.hosts.values()]
    .filter((host) => host.prefix === undefined)
    .map((host) => at(host.value, `hosts["${host.name}"]: "${host.value.text}": invalid address`));
}

function ruleRefusals(policy: Policy, rule: PolicyRule, domains: ReadonlySet<string>): LocatedText[] {
  return [
    ...actionRefusals(rule),
    ...rule.src.flatMap((ref) => nameRefusals(policy, ref, 'src', domains)),
    // The API reads the ports first, so `autogroup:self` without ports is refused for its "port".
    ...rule.faults,
    ...rule.dst.flatMap((ref) => nameRefusals(policy, ref, 'dst', domains)),
    ...(rule.section === 'grants' ? grantRefusals(policy, rule) : []),
    ...selfRefusals(rule),
  ];
}

function actionRefusals(rule: PolicyRule): LocatedText[] {
  if (rule.section !== 'acls' || rule.action?.text === 'accept') return [];
  return [{ text: `action="${rule.action?.text ?? ''}" is not supported`, span: rule.action?.span ?? rule.span }];
}

function nameRefusals(
  policy: Policy,
  ref: SelectorRef,
  side: 'src' | 'dst',
  domains: ReadonlySet<string>,
): LocatedText[] {
  const s = ref.selector;
  const quoted = `${side}="${ref.text.trim()}"`;
  switch (s.kind) {
    case 'tag':
      if (policy.tagOwners.has(s.name)) return [];
      return [at(ref, side === 'src' ? `src=tag not found: "${s.name}"` : `${quoted}: tag not found: "${s.name}"`)];
    case 'group':
      // Names with a domain are groups of the identity provider, which the policy does not define.
      if (policy.groups.has(s.name) || s.name.includes('@')) return [];
      return [at(ref, side === 'src' ? `src=group not found: "${s.name}"` : `${quoted}: group not found: "${s.name}"`)];
    case 'host':
      return policy.hosts.has(s.name) ? [] : [at(ref, `${quoted}: invalid address`)];
    case 'unknown':
      return [at(ref, `${quoted}: invalid address`)];
    case 'domain':
      return isKnownDomain(s.domain, domains) ? [] : [at(ref, foreignDomain(s.domain))];
    case 'self':
    case 'internet':
      return side === 'src' ? [at(ref, `"${ref.text.trim()}" not valid on the src side of a rule`)] : [];
    case 'danger-all':
      return side === 'dst' ? [at(ref, `"${ref.text.trim()}" not valid on the dst side of a rule`)] : [];
    default:
      return [];
  }
}

function selfRefusals(rule: PolicyRule): LocatedText[] {
  const self = rule.dst.find((t) => t.selector.kind === 'self');
  if (self === undefined) return [];
  const allowed = (ref: SelectorRef) =>
    SELF_SOURCES.has(ref.selector.kind) || (ref.selector.kind === 'any' && rule.section === 'acls');
  return rule.src.every(allowed) ? [] : [at(self, SELF_FAULT)];
}

function grantRefusals(policy: Policy, rule: PolicyRule): LocatedText[] {
  const out: LocatedText[] = [];
  if (!rule.hasIp && rule.app.length === 0) out.push({ text: 'ip and app can not both be empty', span: rule.span });
  for (const target of rule.dst) {
    const s = target.selector;
    if (s.kind === 'prefix' && s.prefix.length === 0) {
      out.push(at(target, `dst "${target.text.trim()}": to allow all IP addresses, use "*" or "autogroup:internet"`));
    }
    if (s.kind === 'internet' && rule.app.length > 0)
      out.push(at(target, 'cannot use app grants with autogroup:internet'));
  }
  for (const tag of rule.via) {
    if (tag.selector.kind !== 'tag') out.push(at(tag, 'via can only be a tag'));
    else if (!policy.tagOwners.has(tag.selector.name)) out.push(at(tag, `tag "${tag.selector.name}" not found`));
  }
  return [...out, ...rule.app.flatMap(({ name, span }) => capabilityRefusals(name, span))];
}

function capabilityRefusals(name: string, span: Span): LocatedText[] {
  const [domain = '', ...path] = name.split('/');
  if (!/^[a-zA-Z0-9.-]+$/.test(domain) || path.join('/') === '') {
    return [{ text: 'capability name must have the form {domain}/{path}', span }];
  }
  const reserved = domain.toLowerCase() === 'tailscale.com' && RESERVED_CAPABILITIES.has(path.at(-1) ?? '');
  return reserved ? [{ text: 'capability name must not be in the tailscale.com domain', span }] : [];
}

function sshTestRefusals(policy: Policy): LocatedText[] {
  const reader = new PolicyReader();
  return policy.sshTests.flatMap((node) =>
    reader.strings(reader.fields(node, 'sshTests').get('dst')?.value, 'dst').flatMap((dst) => {
      const s = parseSelector(dst.text);
      const isPrefix = s.kind === 'prefix' && dst.text.includes('/');
      const isUnknownTag = s.kind === 'tag' && !policy.tagOwners.has(s.name);
      const disallowed = s.kind === 'internet' || isPrefix || isUnknownTag;
      return disallowed ? [at(dst, `SSH tests dst contains disallowed element "${dst.text}"`)] : [];
    }),
  );
}

function nodeAttrRefusals(policy: Policy): LocatedText[] {
  const reader = new PolicyReader();
  return policy.nodeAttrs.flatMap((node) =>
    reader.strings(reader.fields(node, 'nodeAttrs').get('target')?.value, 'target').flatMap((target) => {
      const s = parseSelector(target.text);
      const known = s.kind !== 'unknown' && (s.kind !== 'host' || policy.hosts.has(s.name));
      return known ? [] : [at(target, `"${target.text}": invalid address`)];
    }),
  );
}

function at(place: LocatedText, text: string): LocatedText {
  return { text, span: place.span };
}
