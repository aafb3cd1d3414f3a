import { describe, expect, it } from 'vitest';
import { runPolicyTests } from '../../src/tailnet/policy-tests.ts';
import { device, policyOf } from './support.ts';

const facts = {
  devices: [device('model', 1, 'tag:model'), device('orch', 2, 'tag:orch'), device('laptop', 3, 'ada@example.com')],
  users: [{ login: 'ada@example.com' }, { login: 'bob@example.com' }],
};
const base = {
  tagOwners: { 'tag:model': [], 'tag:orch': [], 'tag:gone': [] },
  hosts: { box: '100.64.0.1', net: '10.0.0.0/8' },
  groups: { 'group:ops': ['ada@example.com'] },
  grants: [
    { src: ['tag:orch'], dst: ['tag:model'], ip: ['tcp:11434', 'udp:53', 'icmp:*'] },
    { src: ['group:ops'], dst: ['box', '10.1.0.0/16'], ip: ['tcp:22'] },
    { src: ['autogroup:member'], dst: ['autogroup:self'], ip: ['tcp:5'] },
  ],
};
const passes = (test: object) => runPolicyTests(policyOf({ ...base, tests: [test] }), facts).length === 0;

describe('runPolicyTests', () => {
  it.each([
    { src: 'tag:orch', accept: ['tag:model:11434'] },
    { src: 'tag:orch', accept: ['tag:model:53'] },
    { src: 'tag:orch', proto: 'tcp', accept: ['tag:model:11434'], deny: ['tag:model:53', 'tag:model:11435'] },
    { src: 'tag:orch', proto: '17', accept: ['tag:model:53'], deny: ['tag:model:11434'] },
    { src: 'tag:orch', accept: ['100.64.0.1:11434', 'box:11434'] },
    { src: 'tag:orch', accept: ['[fd7a:115c:a1e0::1]:11434'] },
    { src: 'group:ops', accept: ['box:22', '10.1.2.3:22'], deny: ['10.2.0.1:22', 'tag:orch:22'] },
    { src: 'ada@example.com', accept: ['100.64.0.3:5'], deny: ['100.64.0.2:5'] },
    { src: 'tag:model', deny: ['tag:orch:11434', 'tag:orch:1'] },
    { src: '100.64.0.2', accept: ['box:11434'] },
    { src: 'autogroup:tagged', deny: ['box:22'] },
    { src: 'bob@example.com', deny: ['box:22'] },
  ])('passes %j', (test) => {
    expect(passes(test)).toBe(true);
  });

  it.each([
    // Wrong.
    { src: 'tag:orch', accept: ['tag:model:11435'] },
    { src: 'tag:orch', deny: ['tag:model:11434'] },
    { src: 'tag:orch', proto: 'udp', accept: ['tag:model:11434'] },
    { src: 'tag:model', accept: ['tag:orch:11434'] },
    { src: 'autogroup:tagged', accept: ['tag:model:11434'] },
    // Malformed.
    { src: 'tag:orch' },
    { accept: ['tag:model:11434'] },
    { src: '', accept: ['tag:model:11434'] },
    { src: 'tag:orch', proto: 'icmp', accept: ['tag:model:11434'] },
    { src: 'tag:orch', proto: 'quic', accept: ['tag:model:11434'] },
    { src: 'tag:none', deny: ['tag:model:1'] },
    { src: 'ghost@example.com', deny: ['tag:model:1'] },
    { src: 'group:none', deny: ['tag:model:1'] },
    { src: 'autogroup:bogus', deny: ['tag:model:1'] },
    { src: 'tag:orch', deny: ['tag:none:1'] },
    { src: 'tag:orch', deny: ['nohost:1'] },
    { src: 'tag:orch', deny: ['net:1'] },
    { src: 'tag:orch', deny: ['100.64.0.1/32:1'] },
    { src: 'tag:orch', deny: ['*:1'] },
    { src: 'tag:orch', deny: ['autogroup:internet:1'] },
    { src: 'ada@example.com', deny: ['autogroup:self:1'] },
    { src: 'tag:orch', deny: ['tag:model:*'] },
    { src: 'tag:orch', deny: ['tag:model:1-2'] },
    { src: 'tag:orch', deny: ['tag:model:1,2'] },
    { src: 'tag:orch', deny: ['tag:model:65536'] },
    { src: 'tag:orch', deny: ['tag:model:-1'] },
    { src: 'tag:orch', deny: ['tag:model'] },
    // Nobody to speak of.
    { src: 'tag:gone', accept: ['tag:model:11434'] },
    { src: 'tag:orch', accept: ['tag:gone:11434'] },
  ])('fails %j', (test) => {
    expect(passes(test)).toBe(false);
  });

  it('needs every address of the source to be let through', () => {
    const v4only = { ...base, grants: [{ src: ['100.64.0.2'], dst: ['box'], ip: ['tcp:1'] }] };
    const run = (test: object) => runPolicyTests(policyOf({ ...v4only, tests: [test] }), facts).length === 0;
    expect(run({ src: '100.64.0.2', accept: ['box:1'] })).toBe(true);
    expect(run({ src: 'tag:orch', accept: ['box:1'] })).toBe(false);
    expect(run({ src: 'tag:orch', deny: ['box:1'] })).toBe(false);
  });

  it('looks at every address of a source, not only at the first and the last', () => {
    const crowd = [1, 2, 3].map((n) => device(`n${n}`, n, 'ada@example.com'));
    const rule = { src: ['100.64.0.1', '100.64.0.3', 'fd7a:115c:a1e0::/48'], dst: ['10.0.0.1'], ip: ['tcp:1'] };
    const run = (test: object) => {
      const policy = policyOf({ grants: [rule], tests: [{ src: 'autogroup:member', ...test }] });
      return runPolicyTests(policy, { devices: crowd, users: [] }).length;
    };
    expect(run({ accept: ['10.0.0.1:1'] })).toBe(1);
    rule.src.push('100.64.0.2');
    expect(run({ accept: ['10.0.0.1:1'] })).toBe(0);
  });

  it('looks at every device that a destination means', () => {
    const crowd = [...facts.devices, ...[1, 2, 3].map((n) => device(`t${n}`, 20 + n, 'tag:gone'))];
    const run = (dst: string[]) => {
      const grants = [{ src: ['tag:orch'], dst, ip: ['tcp:1'] }];
      const policy = policyOf({ ...base, grants, tests: [{ src: 'tag:orch', accept: ['tag:gone:1'] }] });
      return runPolicyTests(policy, { ...facts, devices: crowd })[0]?.errors;
    };
    expect(run(['100.64.0.21', '100.64.0.23', 'fd7a:115c:a1e0::/48'])).toEqual([
      'address "100.64.0.22:1": want: Accept, got: Drop',
    ]);
    expect(run(['tag:gone'])).toBeUndefined();
  });

  it('keeps users apart at autogroup:self', () => {
    const both = { ...facts, devices: [...facts.devices, device('desk', 4, 'bob@example.com')] };
    const run = (test: object) => runPolicyTests(policyOf({ ...base, tests: [test] }), both).length;
    expect(run({ src: 'bob@example.com', accept: ['100.64.0.4:5'], deny: ['100.64.0.3:5'] })).toBe(0);
    expect(run({ src: 'bob@example.com', accept: ['100.64.0.3:5'] })).toBe(1);
  });

  it('takes autogroup:internet for public addresses alone', () => {
    const grants = [{ src: ['tag:orch'], dst: ['autogroup:internet'], ip: ['tcp:443'] }];
    const test = { src: 'tag:orch', accept: ['1.1.1.1:443'], deny: ['10.0.0.1:443', '100.64.0.1:443'] };
    expect(runPolicyTests(policyOf({ ...base, grants, tests: [test] }), facts)).toEqual([]);
  });

  it('counts missing keys as allow-all', () => {
    const open = { tagOwners: base.tagOwners, tests: [{ src: 'tag:model', accept: ['tag:orch:1'] }] };
    expect(runPolicyTests(policyOf(open), facts)).toEqual([]);
  });

  it('names the entry, and what was wanted and got', () => {
    const tests = [
      { src: 'tag:orch', accept: ['tag:model:11434'] },
      { src: 'tag:orch', deny: ['box:11434', 'box:1'] },
    ];
    const [failure, ...more] = runPolicyTests(policyOf({ ...base, tests }), facts);
    expect(more).toEqual([]);
    expect(failure).toMatchObject({
      src: 'tag:orch',
      errors: ['address "100.64.0.1:11434": want: Drop, got: Accept'],
      span: { line: 1 },
    });
  });
});
