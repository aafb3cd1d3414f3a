import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import { nodeAttrRefusals } from './check-node-attrs.ts';
import { foreignDomain, isKnownDomain, sshRefusals, sshTestRefusals, undeclared } from './check-ssh.ts';
import type { LocatedText, Policy, PolicyRule, SelectorRef, Target } from './policy.ts';
import { ALL_PORTS, DEFAULT_PROTOCOLS } from './ports.ts';

/**
 * The capabilities of tailscale.com that a grant may name (Tailscale documentation, "grants" and those of each feature;
 * captures show two of them and three refusals).
 */
const GRANTABLE = new Set(['drive', 'golink', 'kubernetes', 'relay', 'secrets', 'tsidp', 'webui']);

/** Protocols with ports; with any other, `*` is the only port (Tailscale documentation, "proto"). */
const PORT_PROTOCOLS = new Set([6, 17, 132]);

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
    ...tagRefusals(policy),
    ...hostRefusals(policy),
    ...policy.rules.flatMap((rule) => ruleRefusals(policy, rule, domains)),
    ...policy.ssh.flatMap((entry) => sshRefusals(policy, entry, domains)),
    ...policy.sshTests.flatMap((test) => sshTestRefusals(policy, test)),
    ...policy.nodeAttrs.flatMap((entry) => nodeAttrRefusals(policy, entry)),
  ];
  return refusals.map(({ text, span }) => ({ code: 'policy-refused', severity: 'error', span, message: text }));
}

/** Of two groups that contain each other the API names the later one (one capture). */
function groupRefusals(policy: Policy): LocatedText[] {
  return [...policy.groups.values()]
    .reverse()
    .flatMap((group) =>
      group.items
        .filter((item) => item.text.trim().startsWith('group:'))
        .map((item) => at(item, `groups["${group.name}"]: "${item.text}": group members cannot be recursive`)),
    );
}

/** Reported: juanfont/headscale hscontrol/policy/v2/types.go Tag.Validate. */
function tagRefusals(policy: Policy): LocatedText[] {
  return [...policy.tagOwners.values()]
    .filter((tag) => !/^tag:[A-Za-z]/.test(tag.name.trim()))
    .map(({ name, span }) => ({
      text: `tagOwners[${JSON.stringify(name)}]: tag names must start with a letter, after 'tag:'`,
      span,
    }));
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
    ...portRefusals(rule),
    ...rule.dst.flatMap((ref) => nameRefusals(policy, ref, 'dst', domains)),
    ...(rule.section === 'grants' ? grantRefusals(policy, rule) : []),
    ...selfRefusals(rule),
  ];
}

function actionRefusals(rule: PolicyRule): LocatedText[] {
  if (rule.section !== 'acls' || rule.action?.text === 'accept') return [];
  return [{ text: `action="${rule.action?.text ?? ''}" is not supported`, span: rule.action?.span ?? rule.span }];
}

/** Reported: juanfont/headscale hscontrol/policy/v2/types.go validateProtocolPortCompatibility. */
function portRefusals(rule: PolicyRule): LocatedText[] {
  if (rule.section !== 'acls' || rule.faults.length > 0) return [];
  const isPortless = (t: Target) =>
    t.ip.some(
      ({ protocols, ports }) =>
        protocols !== DEFAULT_PROTOCOLS && !protocols.every((p) => PORT_PROTOCOLS.has(p)) && !ports.equals(ALL_PORTS),
    );
  return rule.dst
    .filter(isPortless)
    .map((t) => at(t, `dst="${t.text.trim()}": protocol does not support specific ports, only "*" is allowed`));
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
    case 'group':
      return undeclared(policy, ref, side === 'src' ? 'src=' : `${quoted}: `);
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
      return side === 'dst' ? [at(ref, `cannot use ${ref.text.trim()} as a dst`)] : [];
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
  const reserved =
    domain.toLowerCase() === 'tailscale.com' && !(path[0] === 'cap' && GRANTABLE.has(path.slice(1).join('/')));
  return reserved ? [{ text: 'capability name must not be in the tailscale.com domain', span }] : [];
}

function at(place: LocatedText, text: string): LocatedText {
  return { text, span: place.span };
}
