import { describe, expect, it } from 'vitest';
import { apiVerdict } from '../../src/tailnet/verdict.ts';
import { device } from './support.ts';

const facts = {
  devices: [device('model', 1, 'tag:model'), device('laptop', 3, 'ada@example.com')],
  users: [{ login: 'ada@example.com' }],
};
const tagOwners = { 'tag:model': ['ada@example.com'], 'tag:o': [] };

function answer(policy: string | object): string {
  const verdict = apiVerdict(typeof policy === 'string' ? policy : JSON.stringify(policy), facts);
  return verdict.ok ? 'ok' : verdict.message;
}
const acl = (more: object) => ({ tagOwners, acls: [{ action: 'accept', src: ['*'], dst: ['*:*'], ...more }] });
const grant = (more: object) => ({ tagOwners, grants: [{ src: ['tag:o'], dst: ['tag:model'], ip: ['*'], ...more }] });
const ssh = (more: object) => ({
  tagOwners,
  ssh: [{ action: 'accept', src: ['autogroup:member'], dst: ['tag:model'], users: ['root'], ...more }],
});
const sshTest = (more: object) => ({
  tagOwners,
  sshTests: [{ src: 'ada@example.com', dst: ['tag:model'], accept: ['root'], ...more }],
});
const TAGGED = 'tags in SSH source cannot access user-owned devices';
const PORTLESS = 'dst="tag:model": protocol does not support specific ports, only "*" is allowed';
const SELF = 'autogroup:self can only be used with users, groups, or supported autogroups';

describe('apiVerdict', () => {
  it.each([
    ['{}'],
    [acl({})],
    [acl({ src: ['ada@example.com'], dst: ['autogroup:self:22'] })],
    [acl({ src: ['*'], dst: ['autogroup:self:22'] })],
    [grant({ src: ['autogroup:danger-all'] })],
    [grant({ dst: ['autogroup:internet'], via: ['tag:o'] })],
    [grant({ ip: [], app: { 'tailscale.com/cap/drive': [{}] } })],
    [grant({ src: ['user:*@example.com'] })],
    [ssh({ users: ['autogroup:nonroot', 'localpart:foo', 'localpart:*@example.com'] })],
    [ssh({ action: 'check', checkPeriod: '0s' })],
    [ssh({ action: 'check', checkPeriod: '168h' })],
    [ssh({ src: ['ada@example.com'], dst: ['ada@example.com'] })],
    [ssh({ src: ['tag:o', 'autogroup:tagged'], dst: ['autogroup:tagged'] })],
    [ssh({ dst: ['autogroup:self', 'autogroup:member'] })],
    [ssh({ src: [], dst: ['ada@example.com'] })],
    [ssh({ action: 'check', checkPeriod: 'always' })],
    [ssh({ src: undefined })],
    [ssh({ src: ['group:synced@example.com'] })],
    [acl({ src: ['group:synced@example.com'] })],
    [sshTest({ src: '100.64.0.3', dst: ['100.64.0.1'], accept: [], deny: ['root'] })],
    [acl({ proto: 'sctp', dst: ['tag:model:80'] })],
    [acl({ proto: 'icmp' })],
    [grant({ ip: [], app: { 'tailscale.com/cap/kubernetes': [] } })],
    [{ tagOwners, nodeAttrs: [{ target: ['autogroup:owner'], ipPool: ['100.81.0.0/16'] }] }],
    [{ tagOwners, nodeAttrs: [{ target: ['*', 'tag:model', '10.0.0.0/8'], attr: ['x'] }] }],
  ])('accepts %j', (policy) => {
    expect(answer(policy)).toBe('ok');
  });

  it.each([
    [acl({ src: ['tag:x'] }), 'src=tag not found: "tag:x"'],
    [acl({ src: ['autogroup:self'] }), '"autogroup:self" not valid on the src side of a rule'],
    [acl({ dst: ['tag:x:22'] }), 'dst="tag:x": tag not found: "tag:x"'],
    [acl({ dst: ['tag:model:ssh'] }), 'dst="tag:model:ssh": port range "ssh": invalid first integer'],
    [acl({ dst: ['autogroup:self'] }), 'dst="autogroup:self": port range "self": invalid first integer'],
    [acl({ action: 'deny' }), 'action="deny" is not supported'],
    [acl({ src: ['tag:o'], dst: ['autogroup:self:*'] }), SELF],
    [acl({ src: ['ada@example.com', 'tag:o'], dst: ['autogroup:self:*'] }), SELF],
    [grant({ src: ['*'], dst: ['autogroup:self'] }), SELF],
    [grant({ src: ['10.0.0.1'], dst: ['autogroup:self'] }), SELF],
    [grant({ ip: ['0'] }), 'port range "0": first port must be >0, or use \'*\' for wildcard'],
    [grant({ ip: [] }), 'ip and app can not both be empty'],
    [grant({ dst: ['0.0.0.0/0'] }), 'dst "0.0.0.0/0": to allow all IP addresses, use "*" or "autogroup:internet"'],
    [grant({ dst: ['::/0'] }), 'dst "::/0": to allow all IP addresses, use "*" or "autogroup:internet"'],
    [grant({ dst: ['autogroup:internet'], app: { 'a.b/c': [] } }), 'cannot use app grants with autogroup:internet'],
    [grant({ via: ['autogroup:tagged'] }), 'via can only be a tag'],
    [grant({ via: ['tag:x'] }), 'tag "tag:x" not found'],
    [grant({ app: { 'https://a.b/c': [] } }), 'capability name must have the form {domain}/{path}'],
    [grant({ app: { nopath: [] } }), 'capability name must have the form {domain}/{path}'],
    [grant({ app: { 'tailscale.com/cap/funnel': [] } }), 'capability name must not be in the tailscale.com domain'],
    [{ groups: { 'group:x': ['group:y'] } }, 'groups["group:x"]: "group:y": group members cannot be recursive'],
    [ssh({ users: undefined }), 'users must be specified'],
    [ssh({ users: ['*'] }), 'user "*" is not valid'],
    [ssh({ users: ['root', ''] }), 'user "" is not valid'],
    [ssh({ action: '' }), 'action must be specified'],
    [ssh({ action: 'ACCEPT' }), '"ACCEPT" is not a valid action'],
    [ssh({ acceptEnv: [''] }), 'acceptEnv values cannot be empty'],
    [ssh({ checkPeriod: '200h' }), 'checkPeriod 200h0m0s is above the max (168h)'],
    [ssh({ checkPeriod: '168h0m1s' }), 'checkPeriod 168h0m1s is above the max (168h)'],
    [ssh({ checkPeriod: '-1m' }), 'checkPeriod -1m0s must be a positive duration'],
    [ssh({ checkPeriod: 'abc' }), 'time: invalid duration "abc"'],
    [
      ssh({ users: ['localpart:*@other.example'] }),
      'other.example is not associated with this Tailnet and cannot be used in user:*@<domain> expressions',
    ],
    [ssh({ users: ['  '] }), 'user "" is not valid'],
    [ssh({ src: ['*'] }), 'invalid src "*"'],
    [ssh({ src: ['100.64.0.1'] }), 'invalid src "100.64.0.1"'],
    [ssh({ src: ['tag:x'] }), 'src=tag not found: "tag:x"'],
    [ssh({ src: ['group:x'] }), 'src=group not found: "group:x"'],
    [ssh({ dst: ['*'] }), 'invalid dst "*"'],
    [{ ...ssh({ dst: ['box'] }), hosts: { box: '100.64.0.1' } }, 'invalid dst "box"'],
    [ssh({ dst: ['tag:x'] }), 'tag not found: "tag:x"'],
    [ssh({ src: ['tag:o'], dst: ['autogroup:self'] }), TAGGED],
    [ssh({ src: ['autogroup:tagged'], dst: ['autogroup:member'] }), TAGGED],
    [ssh({ src: ['tag:o'], dst: ['ada@example.com'] }), TAGGED],
    [ssh({ dst: ['ada@example.com'] }), 'user destination requires source to contain only that same user'],
    [ssh({ checkPeriod: '1h' }), 'checkPeriod is only valid with action "check"'],
    [sshTest({ src: '' }), 'SSH tests entry must have a non-empty src'],
    [sshTest({ dst: [] }), 'SSH tests entry must have at least one dst'],
    [sshTest({ dst: ['tag:x'] }), 'SSH tests dst contains unknown tag "tag:x"'],
    [sshTest({ dst: ['10.0.0.0/8'] }), 'SSH tests dst contains disallowed element "10.0.0.0/8"'],
    [{ ...sshTest({ dst: ['n'] }), hosts: { n: '10.0.0.0/8' } }, 'SSH tests dst contains disallowed element "n"'],
    [{ nodeAttrs: [{ target: ['nohost'], attr: ['x'] }] }, '"nohost": invalid address'],
    [{ nodeAttrs: [{ target: ['tag:x'], attr: ['x'] }] }, 'tag not found: "tag:x"'],
    [
      { nodeAttrs: [{ target: ['autogroup:self'], attr: ['x'] }] },
      '"autogroup:self" not valid as a target of nodeAttrs',
    ],
    [{ nodeAttrs: [{ target: ['*'], ipPool: ['10.0.0.0/8'] }] }, 'ipPool "10.0.0.0/8": must lie within 100.64.0.0/10'],
    [
      { nodeAttrs: [{ target: ['*'], ipPool: ['100.100.0.0/16'] }] },
      'ipPool "100.100.0.0/16": overlaps a range that Tailscale reserves',
    ],
    [{ tagOwners: { 'tag:1x': [] } }, `tagOwners["tag:1x"]: tag names must start with a letter, after 'tag:'`],
    [acl({ proto: 'icmp', dst: ['tag:model:80'] }), PORTLESS],
    [grant({ dst: ['autogroup:danger-all'] }), 'cannot use autogroup:danger-all as a dst'],
    [grant({ app: { 'tailscale.com/x/drive': [] } }), 'capability name must not be in the tailscale.com domain'],
    [grant({ app: { 'tailscale.com/cap/anything': [] } }), 'capability name must not be in the tailscale.com domain'],
    [
      { groups: { 'group:a': ['group:b'], 'group:b': ['group:a'] } },
      'groups["group:b"]: "group:a": group members cannot be recursive',
    ],
    [sshTest({ dst: ['autogroup:internet'] }), 'SSH tests dst contains disallowed element "autogroup:internet"'],
    [{ nodeAttrs: [{ target: ['%bogus%'], attr: ['x'] }] }, '"%bogus%": invalid address'],
  ])('refuses %j', (policy, message) => {
    expect(answer(policy)).toBe(message);
  });

  it('gives line and column of a syntax error as the API does', () => {
    expect(answer('{\n "é": 1 2}')).toBe(
      "hujson: line 2, column 10: invalid character '2' after object value (expecting ',' or '}')",
    );
    expect(answer('{"a": 1, "a": 2}')).toBe('line 1, column 10: the key "a" occurs twice in one object');
  });

  it('runs the tests last and gives their detail', () => {
    const tests = [{ src: 'tag:o', accept: ['tag:model:22'] }];
    expect(apiVerdict(JSON.stringify({ ...grant({ ip: ['tcp:80'] }), tests }), facts)).toMatchObject({
      ok: false,
      message: 'test(s) failed',
      data: [{ user: 'tag:o' }],
    });
    const wrong = [{ src: 'ada@example.com', deny: ['100.64.0.1:80'] }];
    expect(apiVerdict(JSON.stringify({ ...grant({ src: ['*'], ip: ['tcp:80'] }), tests: wrong }), facts)).toEqual({
      ok: false,
      message: 'test(s) failed',
      data: [{ user: 'ada@example.com', errors: ['address "100.64.0.1:80": want: Drop, got: Accept'] }],
    });
  });

  it('runs the SSH tests too, and says what of a test it does not look at', () => {
    const wrong = { ...ssh({}), sshTests: [{ src: 'ada@example.com', dst: ['tag:model'], deny: ['root'] }] };
    expect(apiVerdict(JSON.stringify(wrong), facts)).toEqual({
      ok: false,
      message: 'test(s) failed',
      data: [{ user: 'ada@example.com', errors: ['user "root" on model: want: deny, got: accept'] }],
    });
    const test = { src: 'ada@example.com', dst: ['tag:model'], accept: ['root'] };
    expect(apiVerdict(JSON.stringify({ ...ssh({}), sshTests: [test] }), facts)).toEqual({ ok: true, unchecked: [] });
    const odd = { ...ssh({}), sshTests: [{ ...test, srcPostureAttrs: {} }] };
    expect(apiVerdict(JSON.stringify(odd), facts)).toEqual({
      ok: true,
      unchecked: ['a test has the key "srcPostureAttrs", which is not looked at'],
    });
  });
});
