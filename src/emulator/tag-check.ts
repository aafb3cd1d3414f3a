import { canAssignTags } from '../tailnet/owners.ts';
import { parsePolicy } from '../tailnet/policy/parse.ts';
import { ApiError, tagsNotPermitted } from './api-error.ts';
import type { Caller } from './auth.ts';
import type { EmulatorContext } from './context.ts';

/**
 * Refuses tags that the policy does not declare, or that the caller does not own: the API key's user may assign every
 * declared tag, a client only its own tags and those that they own. Nothing is checked in lenient mode.
 * @param mustHave true where an empty list is refused: keys of a client are owned by their tags
 * @throws ApiError 400 with the text of the service
 */
export function checkTags(
  context: EmulatorContext,
  caller: Caller,
  tags: readonly string[],
  { mustHave }: { mustHave: boolean },
): void {
  if (context.mode === 'lenient') return;
  if (tags.length === 0) {
    if (mustHave) throw tagsNotPermitted(tags);
    return;
  }
  const policy = parsePolicy('policy', context.store.state.policy.text);
  // In a policy that cannot be read nothing is declared.
  if (!policy.ok) throw tagsNotPermitted(tags);
  const actor =
    caller.kind === 'api-key' ? { kind: 'administrator' as const } : { kind: 'tagged' as const, tags: caller.tags };
  const answer = canAssignTags(policy.value, actor, tags);
  if (!answer.ok) throw new ApiError(400, answer.message);
}
