import type { Span } from '../../source/span.ts';
import { type Draft, entries, items, quote } from '../load/draft.ts';
import { kindByName } from '../role-kind.ts';

/** Role names and kinds agree, and a tag is one role's identity only. */
export function checkRoles(draft: Draft): void {
  const tags = new Map<string, { readonly role: string; readonly span: Span }>();
  for (const [name, role] of entries(draft.data.roles)) {
    if (name === 'operators') {
      draft.report({
        code: 'topology-reserved-name',
        path: ['roles', name],
        at: 'key',
        message: 'a role cannot be named operators: in flows that means the operators of the tailnet',
        hint: 'choose another name',
      });
    }
    const fixed = kindByName(name);
    if (fixed !== undefined && role.kind !== undefined && role.kind !== fixed) {
      draft.report({
        code: 'topology-role-kind',
        path: ['roles', name, 'kind'],
        message: `role ${name} has kind ${fixed} by its name and cannot be ${quote(role.kind)}`,
        hint: 'leave kind out, or rename the role',
      });
    }
    if (role.tag === undefined) continue;
    // Tags are compared without case: the admin console shows them so, and two that differ only in case would be told apart by nobody.
    const before = tags.get(role.tag.toLowerCase());
    if (before === undefined) {
      tags.set(role.tag.toLowerCase(), { role: name, span: draft.places.value(['roles', name, 'tag']) });
      continue;
    }
    draft.report({
      code: 'topology-duplicate-tag',
      path: ['roles', name, 'tag'],
      message: `${quote(role.tag)} is the tag of role ${before.role} already`,
      hint: 'give each role a tag of its own: the tag is what the policy knows it by',
      related: [{ span: before.span, message: `tag of ${before.role}` }],
    });
  }
  checkOperators(draft, tags);
}

/** A role whose machines could change the policy would be every role. */
function checkOperators(draft: Draft, tags: ReadonlyMap<string, { readonly role: string; readonly span: Span }>): void {
  for (const [index, operator] of items(draft.data.tailnet?.operators)) {
    const holder = tags.get(operator.toLowerCase());
    if (holder === undefined) continue;
    draft.report({
      code: 'topology-operator-role',
      path: ['tailnet', 'operators', index],
      message: `${quote(operator)} is the tag of role ${holder.role}: its machines could give themselves every other role`,
      hint: 'name people, groups, or a tag that no role has',
      related: [{ span: holder.span, message: `tag of ${holder.role}` }],
    });
  }
}
