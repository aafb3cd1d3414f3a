import { type Prefix, parsePrefix } from '../../net/prefix.ts';

/**
 * What a name in a rule stands for. Identity selectors (user, domain, group, tag, member, tagged, role) mean devices;
 * the others mean addresses.
 */
export type Selector =
  /** `*`. */
  | { readonly kind: 'any' }
  /** `autogroup:danger-all`: any address at all. */
  | { readonly kind: 'danger-all' }
  /** Login of one user. */
  | { readonly kind: 'user'; readonly login: string }
  /** `user:*@domain`. */
  | { readonly kind: 'domain'; readonly domain: string }
  | { readonly kind: 'group'; readonly name: string }
  | { readonly kind: 'tag'; readonly name: string }
  | { readonly kind: 'member' }
  | { readonly kind: 'tagged' }
  | { readonly kind: 'self' }
  | { readonly kind: 'internet' }
  /** Autogroups of user roles (`autogroup:admin`, …): some untagged devices, which ones is not modelled. */
  | { readonly kind: 'role'; readonly name: string }
  /** `autogroup:shared`: devices of other tailnets. */
  | { readonly kind: 'shared' }
  /** Name of a `hosts` entry. */
  | { readonly kind: 'host'; readonly name: string }
  | { readonly kind: 'prefix'; readonly prefix: Prefix; readonly hostBits: boolean }
  | { readonly kind: 'ipset'; readonly name: string }
  /** `svc:name`, a service address. */
  | { readonly kind: 'service'; readonly name: string }
  /** Nothing that we know. */
  | { readonly kind: 'unknown'; readonly text: string };

const AUTOGROUPS: Readonly<Record<string, Selector>> = {
  'autogroup:danger-all': { kind: 'danger-all' },
  'autogroup:member': { kind: 'member' },
  'autogroup:members': { kind: 'member' },
  'autogroup:tagged': { kind: 'tagged' },
  'autogroup:self': { kind: 'self' },
  'autogroup:internet': { kind: 'internet' },
  'autogroup:shared': { kind: 'shared' },
};

/** Roles of users that have an autogroup of their own (Tailscale documentation, "autogroups"). */
const ROLES = new Set(['owner', 'admin', 'it-admin', 'network-admin', 'billing-admin', 'auditor']);

/** Classifies a name as it stands in `src`, `dst`, `via` or an approver list; white space around it does not count. */
export function parseSelector(written: string): Selector {
  const text = written.trim();
  if (text === '*') return { kind: 'any' };
  const [head = '', ...tail] = text.split(':');
  const rest = tail.join(':');
  if (tail.length > 0) {
    if (head === 'tag') return { kind: 'tag', name: text };
    if (head === 'group') return { kind: 'group', name: text };
    if (head === 'ipset') return { kind: 'ipset', name: text };
    if (head === 'svc') return { kind: 'service', name: text };
    if (head === 'host') return { kind: 'host', name: rest };
    if (head === 'user') return rest.startsWith('*@') ? { kind: 'domain', domain: rest.slice(2) } : unknown(text);
    if (head === 'autogroup') {
      if (Object.hasOwn(AUTOGROUPS, text)) return AUTOGROUPS[text] ?? unknown(text);
      return ROLES.has(rest) ? { kind: 'role', name: text } : unknown(text);
    }
  }
  if (text.includes('@')) return { kind: 'user', login: text };
  const literal = parsePrefix(text);
  if (literal !== undefined) return { kind: 'prefix', ...literal };
  return /^[^\s:/]+$/.test(text) ? { kind: 'host', name: text } : unknown(text);
}

function unknown(text: string): Selector {
  return { kind: 'unknown', text };
}

/** True for selectors that mean the devices of someone, as opposed to addresses. */
export function isIdentity(selector: Selector): boolean {
  return ['user', 'domain', 'group', 'tag', 'member', 'tagged', 'role'].includes(selector.kind);
}
