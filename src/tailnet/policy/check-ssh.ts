import type { HujsonNode } from '../hujson/parse.ts';
import { formatGoDuration, parseGoDuration } from './go-duration.ts';
import type { LocatedText } from './policy.ts';
import { PolicyReader } from './reader.ts';

const HOUR_NS = 3600e9;
const MAX_CHECK_HOURS = 168;

/**
 * What the API refuses in an entry of `ssh`, in its words (captures of the control plane).
 * @param domains lower-case domains of the tailnet's users; empty when they are not known
 */
export function sshRefusals(node: HujsonNode, domains: ReadonlySet<string>): LocatedText[] {
  const reader = new PolicyReader();
  const fields = reader.fields(node, 'ssh', {});
  const text = (name: string) => reader.string(fields.get(name)?.value, name);
  const out: LocatedText[] = [];
  const refuse = (place: LocatedText | undefined, message: string) =>
    out.push({ text: message, span: place?.span ?? node.span });

  const users = reader.strings(fields.get('users')?.value, 'users');
  if (users.length === 0) refuse(undefined, 'users must be specified');
  for (const user of users) {
    if (user.text === '*' || user.text === '') refuse(user, `user ${JSON.stringify(user.text)} is not valid`);
    const domain = /^localpart:\*@(.+)$/.exec(user.text)?.[1];
    if (domain !== undefined && !isKnownDomain(domain, domains)) refuse(user, foreignDomain(domain));
  }
  const action = text('action');
  if (action === undefined || action.text === '') refuse(action, 'action must be specified');
  else if (action.text !== 'accept' && action.text !== 'check') {
    refuse(action, `${JSON.stringify(action.text)} is not a valid action`);
  }
  for (const name of reader.strings(fields.get('acceptenv')?.value, 'acceptEnv')) {
    if (name.text === '') refuse(name, 'acceptEnv values cannot be empty');
  }
  const period = text('checkperiod');
  const fault = period === undefined ? undefined : checkPeriodFault(period.text);
  if (fault !== undefined) refuse(period, fault);
  return out;
}

function checkPeriodFault(text: string): string | undefined {
  if (text === 'always') return undefined;
  const period = parseGoDuration(text);
  if (period === undefined) return `time: invalid duration ${JSON.stringify(text)}`;
  if (period < 0) return `checkPeriod ${formatGoDuration(period)} must be a positive duration`;
  if (period > MAX_CHECK_HOURS * HOUR_NS) {
    return `checkPeriod ${formatGoDuration(period)} is above the max (${MAX_CHECK_HOURS}h)`;
  }
  return undefined;
}

/** Whether `user:*@domain` may name this domain; true when the tailnet's domains are not known. */
export function isKnownDomain(domain: string, domains: ReadonlySet<string>): boolean {
  return domains.size === 0 || domains.has(domain.toLowerCase());
}

/** The API's refusal of a domain that is not the tailnet's. */
export function foreignDomain(domain: string): string {
  return `${domain} is not associated with this Tailnet and cannot be used in user:*@<domain> expressions`;
}
