import { describe, expect, it } from 'vitest';
import { type Actor, canAssignTag, canAssignTags, tagOwnersClosure } from '../../src/tailnet/owners.ts';
import { policyOf } from './support.ts';

const policy = policyOf({
  groups: { 'group:ops': ['ada@example.com'] },
  tagOwners: {
    'tag:model': ['group:ops'],
    'tag:ci': ['tag:deploy'],
    'tag:deploy': ['eve@example.com', 'tag:root'],
    'tag:root': [],
    'tag:a': ['tag:b'],
    'tag:b': ['tag:a'],
    'tag:any': ['autogroup:member'],
    'tag:admins': ['autogroup:admin'],
  },
});
const user = (login: string, role?: string): Actor => ({
  kind: 'user',
  login,
  ...(role === undefined ? {} : { role }),
});
const tagged = (...tags: string[]): Actor => ({ kind: 'tagged', tags });

describe('tagOwnersClosure', () => {
  it('follows owners that are tags, to any depth and round cycles', () => {
    expect([...tagOwnersClosure(policy, 'tag:ci')].sort()).toEqual(['eve@example.com', 'tag:deploy', 'tag:root']);
    expect([...tagOwnersClosure(policy, 'tag:a')].sort()).toEqual(['tag:a', 'tag:b']);
    expect([...tagOwnersClosure(policy, 'tag:root')]).toEqual([]);
    expect([...tagOwnersClosure(policy, 'tag:none')]).toEqual([]);
  });
});

describe('canAssignTag', () => {
  it.each([
    [user('ada@example.com'), 'tag:model'],
    [user('eve@example.com'), 'tag:deploy'],
    [user('eve@example.com'), 'tag:ci'],
    [user('bob@example.com'), 'tag:any'],
    [user('bob@example.com', 'owner'), 'tag:model'],
    [user('bob@example.com', 'network-admin'), 'tag:root'],
    [user('bob@example.com', 'admin'), 'tag:admins'],
    // A role that nobody stated may be any.
    [user('bob@example.com'), 'tag:admins'],
    [tagged('tag:deploy'), 'tag:ci'],
    [tagged('tag:root'), 'tag:ci'],
    [tagged('tag:x', 'tag:root'), 'tag:root'],
    [{ kind: 'administrator' } as const, 'tag:root'],
  ])('lets %j assign %s', (actor, tag) => {
    expect(canAssignTag(policy, actor, tag)).toBe(true);
  });

  it.each([
    [user('bob@example.com'), 'tag:model'],
    [user('ada@example.com'), 'tag:ci'],
    [user('ada@example.com'), 'tag:root'],
    [user('bob@example.com', 'member'), 'tag:admins'],
    [user('bob@example.com', 'auditor'), 'tag:root'],
    [tagged('tag:ci'), 'tag:deploy'],
    [tagged('tag:deploy'), 'tag:any'],
    [tagged(), 'tag:model'],
    [{ kind: 'administrator' } as const, 'tag:none'],
    [user('bob@example.com', 'owner'), 'tag:none'],
  ])('does not let %j assign %s', (actor, tag) => {
    expect(canAssignTag(policy, actor, tag)).toBe(false);
  });
});

describe('canAssignTags', () => {
  it('refuses with the words of the API, naming only the tags in question', () => {
    expect(canAssignTags(policy, user('ada@example.com'), ['tag:model'])).toEqual({ ok: true });
    expect(canAssignTags(policy, user('ada@example.com'), [])).toEqual({ ok: true });
    expect(canAssignTags(policy, user('ada@example.com'), ['tag:x', 'tag:model', 'tag:ci'])).toEqual({
      ok: false,
      message: 'requested tags [tag:x tag:ci] are invalid or not permitted',
    });
  });
});
