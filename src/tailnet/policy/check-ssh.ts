import { ADDRESS_BITS } from '../../net/address.ts';
import { formatGoDuration, parseGoDuration } from './go-duration.ts';
import type { SshEntry, SshTest } from './parse-ssh.ts';
import type { LocatedText, Policy, SelectorRef } from './policy.ts';
import { parseSelector } from './selector.ts';

const HOUR_NS = 3600e9;
const MAX_CHECK_HOURS = 168;

/** What may stand in `src` of an entry of `ssh`. */
const SOURCES = new Set(['user', 'domain', 'group', 'tag', 'member', 'tagged', 'role']);
/** What may stand in `dst`: with the user himself as the only source, also a user. */
const DESTINATIONS = new Set(['user', 'tag', 'member', 'tagged', 'self']);
/** Destinations that are devices of users: closed to tags. */
const USER_DEVICES = new Set(['user', 'member', 'self']);

/**
 * What the API refuses in an entry of `ssh`. In its words where a capture of the control plane shows them; what is said
 * of sources and destinations, and of a `checkPeriod` without `check`, is reported (juanfont/headscale
 * hscontrol/policy/v2/types.go: validateSSHSrcDstCombination, Policy.validate).
 * @param domains lower-case domains of the tailnet's users; empty when they are not known
 */
export function sshRefusals(policy: Policy, entry: SshEntry, domains: ReadonlySet<string>): LocatedText[] {
  const out: LocatedText[] = [];
  const refuse = (place: LocatedText | undefined, message: string) =>
    out.push({ text: message, span: place?.span ?? entry.span });

  const { users, action } = entry;
  if (users.length === 0) refuse(undefined, 'users must be specified');
  for (const user of users) {
    if (user.text === '*' || user.text === '') refuse(user, `user ${JSON.stringify(user.text)} is not valid`);
    const domain = /^localpart:\*@(.+)$/.exec(user.text)?.[1];
    if (domain !== undefined && !isKnownDomain(domain, domains)) refuse(user, foreignDomain(domain));
  }
  if (action === undefined || action.text === '') refuse(action, 'action must be specified');
  else if (action.text !== 'accept' && action.text !== 'check') {
    refuse(action, `${JSON.stringify(action.text)} is not a valid action`);
  }
  for (const name of entry.acceptEnv) {
    if (name.text === '') refuse(name, 'acceptEnv values cannot be empty');
  }
  for (const ref of entry.src) {
    if (SOURCES.has(ref.selector.kind)) out.push(...undeclared(policy, ref, 'src='));
    else refuse(ref, `invalid src ${JSON.stringify(ref.text.trim())}`);
  }
  for (const ref of entry.dst) {
    if (DESTINATIONS.has(ref.selector.kind)) out.push(...undeclared(policy, ref, ''), ...pairRefusals(entry.src, ref));
    else refuse(ref, `invalid dst ${JSON.stringify(ref.text.trim())}`);
  }
  const fault = checkPeriodFault(entry);
  if (fault !== undefined) refuse(entry.checkPeriod, fault);
  return out;
}

/** A tag or group that the policy does not declare; names with a domain are groups of the identity provider. */
export function undeclared(policy: Policy, ref: SelectorRef, prefix: string): LocatedText[] {
  const s = ref.selector;
  const isMissing =
    (s.kind === 'tag' && !policy.tagOwners.has(s.name)) ||
    (s.kind === 'group' && !policy.groups.has(s.name) && !s.name.includes('@'));
  return isMissing ? [{ text: `${prefix}${s.kind} not found: ${JSON.stringify(s.name)}`, span: ref.span }] : [];
}

/** Devices of users are open to their owner, not to tags. */
function pairRefusals(src: readonly SelectorRef[], dst: SelectorRef): LocatedText[] {
  const refuse = (text: string) => [{ text, span: dst.span }];
  const isTag = ({ selector }: SelectorRef) => selector.kind === 'tag' || selector.kind === 'tagged';
  if (USER_DEVICES.has(dst.selector.kind) && src.some(isTag)) {
    return refuse('tags in SSH source cannot access user-owned devices');
  }
  if (dst.selector.kind !== 'user') return [];
  const { login } = dst.selector;
  const isHim = ({ selector }: SelectorRef) => selector.kind === 'user' && selector.login === login;
  return src.every(isHim) ? [] : refuse('user destination requires source to contain only that same user');
}

function checkPeriodFault({ action, checkPeriod }: SshEntry): string | undefined {
  if (checkPeriod === undefined) return undefined;
  const { text } = checkPeriod;
  const period = text === 'always' ? 0 : parseGoDuration(text);
  if (period === undefined) return `time: invalid duration ${JSON.stringify(text)}`;
  if (period < 0) return `checkPeriod ${formatGoDuration(period)} must be a positive duration`;
  if (period > MAX_CHECK_HOURS * HOUR_NS) {
    return `checkPeriod ${formatGoDuration(period)} is above the max (${MAX_CHECK_HOURS}h)`;
  }
  return action?.text === 'accept' ? 'checkPeriod is only valid with action "check"' : undefined;
}

/** What the API refuses in an entry of `sshTests` before it runs it: destinations that are no hosts, or nobody's tag. */
export function sshTestRefusals(policy: Policy, test: SshTest): LocatedText[] {
  const place = { span: test.span };
  const src = (test.src?.text ?? '').trim();
  return [
    ...(src === '' ? [{ ...place, text: 'SSH tests entry must have a non-empty src' }] : []),
    ...(test.dst.length === 0 ? [{ ...place, text: 'SSH tests entry must have at least one dst' }] : []),
    ...test.dst.flatMap((dst) => testDestinationRefusals(policy, dst)),
  ];
}

function testDestinationRefusals(policy: Policy, dst: LocatedText): LocatedText[] {
  const s = parseSelector(dst.text);
  const quoted = JSON.stringify(dst.text.trim());
  if (s.kind === 'tag' && !policy.tagOwners.has(s.name)) {
    return [{ text: `SSH tests dst contains unknown tag ${quoted}`, span: dst.span }];
  }
  const prefix = s.kind === 'prefix' ? s.prefix : s.kind === 'host' ? policy.hosts.get(s.name)?.prefix : undefined;
  const isNetwork = prefix !== undefined && prefix.length < ADDRESS_BITS[prefix.family];
  if (s.kind !== 'internet' && !isNetwork) return [];
  return [{ text: `SSH tests dst contains disallowed element ${quoted}`, span: dst.span }];
}

/** Whether `user:*@domain` may name this domain; true when the tailnet's domains are not known. */
export function isKnownDomain(domain: string, domains: ReadonlySet<string>): boolean {
  return domains.size === 0 || domains.has(domain.toLowerCase());
}

/** The API's refusal of a domain that is not the tailnet's. */
export function foreignDomain(domain: string): string {
  return `${domain} is not associated with this Tailnet and cannot be used in user:*@<domain> expressions`;
}
