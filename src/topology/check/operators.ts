import type { Diagnostic } from '../../source/diagnostic.ts';
import { parsePolicy } from '../../tailnet/policy/parse.ts';
import { type Draft, entries, items, quote } from '../load/draft.ts';
import { suggestion } from '../load/suggest.ts';

/**
 * Groups and tags among the operators are names of the organisation's own policy: cordon defines neither.
 * @param base the base policy; undefined when none is declared
 * @returns what is wrong with the base policy itself
 */
export function checkOperators(draft: Draft, base: { file: string; text: string } | undefined): readonly Diagnostic[] {
  const policy = base === undefined ? undefined : parsePolicy(base.file, base.text);
  if (policy?.ok === false) return policy.diagnostics;
  const groups = [...(policy?.value.groups.keys() ?? [])];
  const tags = [...(policy?.value.tagOwners.keys() ?? [])];
  const roleTags = entries(draft.data.roles).map(([, role]) => role.tag?.toLowerCase());
  for (const [index, operator] of items(draft.data.tailnet?.operators)) {
    if (roleTags.includes(operator.toLowerCase())) continue; // checkRoles says what is wrong with that
    const kind = operator.startsWith('group:') ? 'group' : operator.startsWith('tag:') ? 'tag' : undefined;
    const known = kind === 'group' ? groups : tags;
    if (kind === undefined || known.includes(operator)) continue;
    // Groups synced from an identity provider exist without standing in the policy; tags do not.
    const where =
      base === undefined ? 'there is no base policy that could define it' : 'the base policy does not define it';
    draft.report({
      code: `topology-unknown-${kind}`,
      ...(kind === 'group' ? { severity: 'warning' as const } : {}),
      path: ['tailnet', 'operators', index],
      message: `${quote(operator)} is not known: ${where}`,
      hint: suggestion(
        operator,
        known,
        kind === 'group'
          ? 'fine if it is synced from the identity provider; otherwise define it under groups of the base policy, or name logins'
          : 'declare it under tagOwners of the base policy, or name logins',
      ),
    });
  }
  return [];
}
