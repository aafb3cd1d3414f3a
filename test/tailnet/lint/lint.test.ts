import { describe, expect, it } from 'vitest';
import type { Device } from '../../../src/tailnet/device.ts';
import { LINT_RULES } from '../../../src/tailnet/lint/finding.ts';
import { lintPolicy } from '../../../src/tailnet/lint/lint.ts';
import { device } from '../support.ts';

const ada = device('ada-laptop', 1, 'ada@example.com');
const model = device('model', 2, 'tag:model');
const router = device('router', 3, 'tag:router', { approved: ['10.0.0.0/16'] });
const exit = device('exit', 4, 'tag:exit', { approved: ['0.0.0.0/0', '::/0'] });
const ALL = [ada, model, router, exit];

function linted(policy: string | object, devices?: readonly Device[]) {
  const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
  const users = [{ login: 'ada@example.com' }, { login: 'bob@example.com' }];
  const result = lintPolicy('p.hujson', text, devices === undefined ? undefined : { devices, users });
  if (!result.ok) throw new Error(result.diagnostics.map((d) => d.message).join('\n'));
  return result.value;
}

const found = (policy: string | object, devices?: readonly Device[]) =>
  linted(policy, devices).findings.map((f) => f.rule);

const grant = { src: ['ada@example.com'], dst: ['tag:model'], ip: ['tcp:22'] };
const owners = { tagOwners: { 'tag:model': ['ada@example.com'] } };
const tests = { tests: [{ src: 'ada@example.com', accept: ['tag:model:22'], deny: ['tag:model:23'] }] };
const clean = { ...owners, grants: [grant], ...tests };
const acl = { action: 'accept', src: ['ada@example.com'], dst: ['tag:model:22'] };

it('has nothing to say of a clean policy', () => {
  expect(linted(clean, ALL)).toEqual({ findings: [], skipped: [] });
});

describe('a finding', () => {
  it.each<[string, string | object, string]>([
    ['allow-all-default', { ...owners, groups: { 'group:g': [] } }, ''],
    ['allow-all-default', '{"acls": null}', ''],
    ['allow-all', { ...clean, grants: [{ src: ['*'], dst: ['*'], ip: ['*'] }] }, '"*"'],
    ['allow-all', { ...owners, acls: [{ action: 'accept', src: ['autogroup:danger-all'], dst: ['*:*'] }] }, '"*:*"'],
    [
      'danger-all-source',
      { ...clean, grants: [{ ...grant, src: ['autogroup:danger-all'] }] },
      '"autogroup:danger-all"',
    ],
    ['undefined-name', { ...clean, grants: [{ ...grant, dst: ['ipset:x'] }] }, '"ipset:x"'],
    ['undefined-name', { ...clean, grants: [{ ...grant, srcPosture: ['posture:x'] }] }, '"posture:x"'],
    ['undefined-name', { ...clean, defaultSrcPosture: ['posture:x'] }, '"posture:x"'],
    ['wildcard-source-routes', { ...clean, grants: [{ ...grant, src: ['*'] }] }, '"*"'],
    ['wildcard-destination-routes', { ...clean, grants: [{ ...grant, dst: ['*'] }] }, '"*"'],
    ['shadowed-rule', { ...clean, grants: [grant, grant] }, '{"src":["ada@example.com"],"dst":["tag:mo'],
    [
      'redundant-entry',
      { ...clean, grants: [{ ...grant, src: ['ada@example.com', 'autogroup:member'] }] },
      '"ada@example.com"',
    ],
    [
      'families-apart',
      { ...clean, grants: [grant, { ...grant, src: ['10.0.0.1'], dst: ['fd7a:115c:a1e0::2'] }] },
      '{"src":["10.0.0.1"],"dst":["fd7a:115c:a1e',
    ],
    [
      'empty-group',
      { ...clean, groups: { 'group:e': [] }, grants: [grant, { ...grant, src: ['group:e'] }] },
      '"group:e"',
    ],
    [
      'nobody-holds',
      { ...clean, tagOwners: { ...owners.tagOwners, 'tag:x': [] }, grants: [grant, { ...grant, src: ['tag:x'] }] },
      '"tag:x"',
    ],
    ['nobody-holds', { ...clean, grants: [grant, { ...grant, src: ['bob@example.com'] }] }, '"bob@example.com"'],
    ['stale-address', { ...clean, grants: [grant, { ...grant, src: ['100.64.9.9'] }] }, '"100.64.9.9"'],
    ['stale-address', { ...clean, hosts: { old: '100.64.9.9' }, grants: [grant, { ...grant, src: ['old'] }] }, '"old"'],
    ['unrouted-address', { ...clean, grants: [grant, { ...grant, dst: ['192.168.1.0/24'] }] }, '"192.168.1.0/24"'],
    ['unused-definition', { ...clean, hosts: { h: '10.0.0.1' } }, '"h"'],
    ['unused-definition', { ...clean, groups: { 'group:g': ['ada@example.com'] } }, '"group:g"'],
    ['unused-definition', { ...clean, ipsets: { 'ipset:s': ['10.0.0.1'] } }, '"ipset:s"'],
    ['unused-definition', { ...clean, postures: { 'posture:s': ['node:os == "linux"'] } }, '"posture:s"'],
    ['unused-definition', { ...clean, tagOwners: { ...owners.tagOwners, 'tag:unused': [] } }, '"tag:unused"'],
    ['no-tests', { ...owners, grants: [grant] }, '{"src":["ada@example.com"],"dst":["tag:mo'],
    [
      'no-deny-test',
      { ...clean, tests: [{ src: 'ada@example.com', accept: ['tag:model:22'] }] },
      '{"src":"ada@example.com","accept":["tag:m',
    ],
    ['empty-test', { ...clean, tests: [...tests.tests, { src: 'ada@example.com' }] }, '{"src":"ada@example.com"}'],
    [
      'duplicate-test',
      { ...clean, tests: [...tests.tests, ...tests.tests] },
      '{"src":"ada@example.com","accept":["tag:m',
    ],
    [
      'idle-test',
      { ...clean, tests: [...tests.tests, { src: 'bob@example.com', deny: ['tag:model:22'] }] },
      '"bob@example.com"',
    ],
    [
      'legacy-key',
      { ...owners, acls: [{ action: 'accept', users: ['ada@example.com'], dst: ['tag:model:22'] }] },
      '"users"',
    ],
    ['legacy-key', { ...clean, tests: [{ user: 'ada@example.com', deny: ['tag:model:23'] }] }, '"user"'],
    ['empty-section', { ...clean, ssh: [] }, '"ssh"'],
    ['refused', { ...clean, grants: [grant, { ...grant, src: ['tag:undeclared'] }] }, '"tag:undeclared"'],
    ['unmodelled', { ...clean, tunnels: [1] }, '"tunnels"'],
    ['assumed', { ...clean, grants: [{ ...grant, src: ['autogroup:admin'] }] }, '"autogroup:admin"'],
  ])('of %s has a place, a hint and the severity of its rule', (rule, policy, place) => {
    const text = typeof policy === 'string' ? policy : JSON.stringify(policy);
    const mine = linted(text, ALL).findings.filter((f) => f.rule === rule);
    const places = mine.map(({ span }) => text.slice(span.offset, span.offset + span.length));
    expect(places.map((p) => p.slice(0, place.length || 1))).toContain(place);
    for (const f of mine) {
      expect(f.severity).toBe(LINT_RULES[f.rule].severity);
      expect(f.hint).not.toBe('');
    }
  });

  it.each<[string, string, object]>([
    ['allow-all', 'one port', { ...clean, grants: [{ src: ['*'], dst: ['*'], ip: ['tcp:22'] }] }],
    ['allow-all', 'every port of one protocol', { ...clean, grants: [{ src: ['*'], dst: ['*'], ip: ['tcp:*'] }] }],
    ['allow-all', 'members only', { ...clean, grants: [{ src: ['autogroup:member'], dst: ['*'], ip: ['*'] }] }],
    ['allow-all', 'an empty list of rules', { grants: [] }],
    [
      'wildcard-source-routes',
      'a source that is named',
      { ...clean, grants: [{ ...grant, src: ['autogroup:member'] }] },
    ],
    [
      'nobody-holds',
      'a tag that is only owned',
      { ...clean, tagOwners: { ...owners.tagOwners, 'tag:y': ['tag:model'] } },
    ],
    ['nobody-holds', 'a role', { ...clean, grants: [grant, { ...grant, src: ['autogroup:auditor'] }] }],
    ['stale-address', 'the address of a device', { ...clean, grants: [grant, { ...grant, src: ['100.64.0.2'] }] }],
    [
      'stale-address',
      'a range with a device in it',
      { ...clean, grants: [grant, { ...grant, src: ['100.64.0.0/24'] }] },
    ],
    ['unrouted-address', 'a prefix around a route', { ...clean, grants: [grant, { ...grant, dst: ['10.0.0.0/8'] }] }],
    [
      'unrouted-address',
      'a public address behind an exit node',
      { ...clean, grants: [grant, { ...grant, dst: ['192.0.2.1'] }] },
    ],
    ['unrouted-address', 'a source', { ...clean, grants: [grant, { ...grant, src: ['192.168.1.9'] }] }],
    ['unused-definition', 'a tag that a device has', { ...clean, tagOwners: { ...owners.tagOwners, 'tag:exit': [] } }],
    [
      'unused-definition',
      'a host in an IP set',
      { ...clean, hosts: { h: '10.0.0.1' }, ipsets: { 'ipset:s': ['host:h'] } },
    ],
    [
      'unused-definition',
      'a group that owns a tag',
      { ...clean, groups: { 'group:g': [] }, tagOwners: { 'tag:model': ['group:g'] } },
    ],
    ['no-deny-test', 'one test that denies', clean],
    ['duplicate-test', 'another protocol', { ...clean, tests: [...tests.tests, { ...tests.tests[0], proto: 'tcp' }] }],
    [
      'idle-test',
      'a test that accepts',
      { ...clean, tests: [...tests.tests, { src: 'bob@example.com', accept: ['tag:model:22'] }] },
    ],
    ['legacy-key', 'today’s names', { ...owners, acls: [acl] }],
    ['empty-section', 'an empty list of rules', { acls: [acl], grants: [], ...owners }],
    [
      'empty-group',
      'a group with a member',
      { ...clean, groups: { 'group:e': ['ada@example.com'] }, grants: [{ ...grant, src: ['group:e'] }] },
    ],
    [
      'undefined-name',
      'a posture written out',
      { ...clean, grants: [{ ...grant, srcPosture: ["node:os == 'linux'"] }] },
    ],
  ])('of %s is not made of %s', (rule, _what, policy) => {
    const mine = linted(policy, ALL).findings.filter((f) => f.rule === rule);
    expect(mine.filter((f) => !(rule === 'unused-definition' && f.message.includes('IP set')))).toEqual([]);
  });

  it.each<[string, string, boolean, object, Device[]]>([
    [
      'nobody-holds',
      'an owner of tags without a device',
      false,
      { ...clean, tagOwners: { 'tag:model': ['bob@example.com'] } },
      ALL,
    ],
    [
      'nobody-holds',
      'a role where all devices are tagged',
      false,
      { ...clean, grants: [{ ...grant, src: ['autogroup:admin'] }] },
      [model],
    ],
    [
      'nobody-holds',
      'members where all devices are tagged',
      true,
      { ...clean, grants: [{ ...grant, src: ['autogroup:member'] }] },
      [model],
    ],
    [
      'stale-address',
      'a tailnet address behind a route',
      false,
      { ...clean, grants: [grant, { ...grant, src: ['100.64.8.9'] }] },
      [...ALL, device('overlay', 9, 'tag:router', { approved: ['100.64.8.0/24'] })],
    ],
    [
      'unrouted-address',
      'a public address without an exit node',
      true,
      { ...clean, grants: [grant, { ...grant, dst: ['192.0.2.1'] }] },
      [ada, model, router],
    ],
    [
      'unrouted-address',
      'the internet without an exit node',
      true,
      { ...clean, grants: [grant, { ...grant, dst: ['autogroup:internet'] }] },
      [ada, model, router],
    ],
    [
      'unrouted-address',
      'the internet behind an exit node',
      false,
      { ...clean, grants: [grant, { ...grant, dst: ['autogroup:internet'] }] },
      ALL,
    ],
  ])('of %s about %s: %s', (rule, _what, isFound, policy, devices) => {
    expect(found(policy, devices).includes(rule as never)).toBe(isFound);
  });

  it('names the routes that widen a wildcard', () => {
    const [source, destination] = linted(
      { ...clean, grants: [{ src: ['*'], dst: ['*'], ip: ['tcp:1'] }] },
      ALL,
    ).findings;
    expect(source?.message).toMatch(/ 10\.0\.0\.0\/16 \(router\)$/);
    expect(destination?.message).toMatch(/ 10\.0\.0\.0\/16 \(router\), the internet \(exit\)$/);
    expect(found({ ...clean, grants: [{ src: ['*'], dst: ['*'], ip: ['tcp:1'] }] }, [ada, model])).toEqual([]);
  });

  it('of a name used twice stands at the first place and names the second', () => {
    const policy = {
      ...clean,
      grants: [grant, { ...grant, src: ['bob@example.com'] }, { ...grant, src: ['bob@example.com'], ip: ['tcp:80'] }],
    };
    const [first, ...more] = linted(policy, ALL).findings.filter((f) => f.rule === 'nobody-holds');
    expect(first?.message).toBe('grants[1].src (and 1 more place): no device is meant by "bob@example.com"');
    expect(first?.related).toHaveLength(1);
    expect(more).toEqual([]);
  });
});

describe('the linter', () => {
  it('skips what needs devices where it has none, and says so', () => {
    const { findings, skipped } = linted({ ...clean, grants: [{ ...grant, src: ['*'] }] });
    expect(findings).toEqual([]);
    const rules = Object.entries(LINT_RULES);
    expect(skipped).toEqual(rules.filter(([, r]) => r.needsDevices).map(([id]) => id));
  });

  it('says of an ambiguous text only where it is ambiguous', () => {
    const { findings, skipped } = linted('{"grants": [],\n "grants": [],\n "ACLs": [], "acls": []}');
    expect(findings.map((f) => [f.rule, f.span.line, f.related[0]?.span.line])).toEqual([['ambiguous-key', 2, 1]]);
    expect(skipped).toHaveLength(Object.keys(LINT_RULES).length - 1);
    expect(linted('{"ACLs": [],\n "acls": []}').findings.map((f) => f.span.line)).toEqual([2]);
  });

  it('returns what is wrong with a text that it cannot read', () => {
    const result = lintPolicy('p.hujson', '{"acls": [1 2]}', undefined);
    expect(result.ok ? [] : result.diagnostics.map((d) => d.code)).toEqual(['hujson-syntax']);
    expect(lintPolicy('p.hujson', '{"acls": {}}', undefined).ok).toBe(false);
  });

  it('gives the same order whatever the order of devices', () => {
    const policy = {
      ...clean,
      hosts: { a: '100.64.9.9', b: '100.64.9.8' },
      grants: [{ ...grant, src: ['*', 'a', 'b'] }],
    };
    expect(linted(policy, [...ALL].reverse())).toEqual(linted(policy, ALL));
  });
});
