import { TYPES } from '../infra/plugin/package.ts';
import { RETAINED_TYPES } from '../infra/retain.ts';
import { property } from './known.ts';

/** What a rule sees of a resource: its checked inputs and those of its options that the engine hands to policy packs. */
export interface RuledResource {
  readonly type: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly opts: { readonly protect: boolean; readonly ignoreChanges: readonly string[] };
}

/** The policy resource of Tailscale's provider. */
export const ACL_TYPE = 'tailscale:index/acl:Acl';

/**
 * The switches of Tailscale's provider that open a tailnet: `resetAclOnDestroy` puts the allow-everything default back,
 * `overwriteExistingContent` writes over a policy that nobody has looked at.
 */
export function openingSwitches({ type, props }: RuledResource): readonly string[] {
  if (type !== ACL_TYPE) return [];
  return ['resetAclOnDestroy', 'overwriteExistingContent'].flatMap((name) => {
    const found = property(props, name);
    if (!found.known) return [`${name} is not known yet, and must be off`];
    return found.value === undefined || found.value === null || found.value === false ? [] : [`${name} must be off`];
  });
}

/** Deleting a host's firewall must not open the host. */
export function openingDeletes({ type, props }: RuledResource): readonly string[] {
  if (type !== TYPES.hostFirewall) return [];
  const onDelete = property(props, 'onDelete');
  if (!onDelete.known) return ["onDelete is not known yet, and must not be 'remove'"];
  return onDelete.value === 'remove' ? ["onDelete must not be 'remove': the host would be open afterwards"] : [];
}

/**
 * Options that hide a difference from Pulumi, or stop a destroy half-way. That such resources are retained on delete is
 * checked by the program (infra/retain.ts), because the engine does not tell policy packs.
 */
export function hidingOptions({ type, opts }: RuledResource): readonly string[] {
  const isOurs = RETAINED_TYPES.includes(type) || Object.values<string>(TYPES).includes(type);
  if (!isOurs) return [];
  return [
    ...(opts.ignoreChanges.length > 0 ? [`ignoreChanges hides drift: ${opts.ignoreChanges.join(', ')}`] : []),
    ...(opts.protect ? ['protect stops a destroy half-way: use retainOnDelete'] : []),
  ];
}
