import { Resolver } from './compile/resolver.ts';
import type { Device } from './device.ts';
import type { Policy } from './policy/policy.ts';
import { parseSelector } from './policy/selector.ts';

/** Who asks for tags to be put on a device or key. */
export type Actor =
  /** A user, with the role where it is known (`owner`, `admin`, …). */
  | { readonly kind: 'user'; readonly login: string; readonly role?: string }
  /** A device, OAuth client or federated identity that carries tags. */
  | { readonly kind: 'tagged'; readonly tags: readonly string[] }
  /** A credential with all rights: every declared tag is open to it. */
  | { readonly kind: 'administrator' };

/** Roles that may assign every declared tag, whoever owns it (Tailscale documentation, "tags"). */
const TAG_ADMINISTRATORS = new Set(['owner', 'admin', 'network-admin']);

/**
 * Selectors of everybody who can give himself a tag: its owners, and the owners of tags that own it, to any depth
 * (cycles are allowed). The tag itself is not in the answer unless a cycle leads back to it.
 */
export function tagOwnersClosure(policy: Policy, tag: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [tag];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const item of policy.tagOwners.get(next)?.items ?? []) {
      const owner = item.text.trim();
      if (found.has(owner)) continue;
      found.add(owner);
      if (owner.startsWith('tag:')) open.push(owner);
    }
  }
  return found;
}

/** Whether an actor may assign one tag. Undeclared tags are open to nobody. */
export function canAssignTag(policy: Policy, actor: Actor, tag: string): boolean {
  if (!policy.tagOwners.has(tag)) return false;
  switch (actor.kind) {
    case 'administrator':
      return true;
    case 'tagged': {
      const owners = tagOwnersClosure(policy, tag);
      return actor.tags.includes(tag) || actor.tags.some((t) => owners.has(t));
    }
    case 'user': {
      if (actor.role !== undefined && TAG_ADMINISTRATORS.has(actor.role)) return true;
      return [...tagOwnersClosure(policy, tag)].some((owner) => meansUser(policy, owner, actor));
    }
  }
}

/**
 * Whether an actor may assign all of the tags, with the API's refusal otherwise.
 * @returns the text names only the tags in question
 */
export function canAssignTags(
  policy: Policy,
  actor: Actor,
  tags: readonly string[],
): { readonly ok: true } | { readonly ok: false; readonly message: string } {
  const refused = tags.filter((tag) => !canAssignTag(policy, actor, tag));
  if (refused.length === 0) return { ok: true };
  return { ok: false, message: `requested tags [${refused.join(' ')}] are invalid or not permitted` };
}

/** Whether an owner entry means this user. A role of his that is not known may be any. */
function meansUser(policy: Policy, owner: string, user: { readonly login: string; readonly role?: string }): boolean {
  const selector = parseSelector(owner);
  if (selector.kind === 'tag') return false;
  if (selector.kind === 'role') return user.role === undefined || owner === `autogroup:${user.role}`;
  // One device of the user's own stands for him: owners are resolved like sources.
  const resolved = new Resolver(policy, [deviceOf(user.login)]).resolve({ text: owner, selector });
  return selector.kind !== 'any' && resolved.devices.length > 0;
}

function deviceOf(login: string): Device {
  return {
    id: login,
    name: login,
    hostname: login,
    user: login,
    tags: [],
    addresses: [],
    advertisedRoutes: [],
    enabledRoutes: [],
    authorized: true,
    isExternal: false,
  };
}
