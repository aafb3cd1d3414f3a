import { describe, expect, it } from 'vitest';
import { judgePolicy } from '../../src/tailnet/policy/judge.ts';
import { runSshTests } from '../../src/tailnet/ssh/tests.ts';
import { device, policyOf } from './support.ts';

const facts = {
  devices: [
    device('server', 1, 'tag:server'),
    device('spare', 2, 'tag:server'),
    device('laptop', 3, 'ada@example.com'),
    device('phone', 4, 'ada@example.com'),
    device('desk', 5, 'bob@example.com'),
  ],
  users: [{ login: 'ada@example.com' }, { login: 'bob@example.com' }, { login: 'eve@example.com' }],
};
const base = {
  tagOwners: { 'tag:server': [], 'tag:gone': [] },
  groups: { 'group:ops': ['ada@example.com', 'bob@example.com'] },
  hosts: { box: '100.64.0.1', net: '100.64.0.0/24' },
  ssh: [
    { action: 'accept', src: ['ada@example.com'], dst: ['tag:server'], users: ['root', 'ubuntu'] },
    { action: 'check', src: ['group:ops'], dst: ['tag:server'], users: ['autogroup:nonroot'] },
    { action: 'accept', src: ['autogroup:member'], dst: ['autogroup:self'], users: ['root'] },
  ],
};
const failures = (test: object) => runSshTests(policyOf({ ...base, sshTests: [test] }), facts);

describe('runSshTests', () => {
  it.each([
    { src: 'ada@example.com', dst: ['tag:server'], accept: ['root', 'ubuntu'] },
    { src: 'ada@example.com', dst: ['tag:server'], check: ['ubuntu', 'anybody'], accept: ['root'] },
    { src: 'bob@example.com', dst: ['tag:server'], accept: ['anybody'], check: ['anybody'], deny: ['root'] },
    { src: 'group:ops', dst: ['tag:server'], check: ['x'] },
    { src: '100.64.0.3', dst: ['box'], accept: ['root'] },
    { src: '100.64.0.3', dst: ['100.64.0.1'], accept: ['root'] },
    { src: '100.64.0.3', dst: ['fd7a:115c:a1e0::1'], accept: ['root'] },
    { src: '100.99.9.9', dst: ['tag:server'], deny: ['root'] },
    { src: 'ada@example.com', dst: ['autogroup:self'], accept: ['root'], deny: ['ubuntu'] },
    { src: 'ada@example.com', dst: ['ada@example.com'], accept: ['root'] },
    { src: 'ada@example.com', dst: ['bob@example.com'], deny: ['root'] },
    { src: 'tag:server', dst: ['ada@example.com'], deny: ['root', 'x'] },
  ])('passes %j', (test) => {
    expect(failures(test)).toEqual([]);
  });

  it.each([
    // Wrong.
    { src: 'ada@example.com', dst: ['tag:server'], deny: ['root'] },
    { src: 'ada@example.com', dst: ['tag:server'], check: ['root'] },
    { src: 'bob@example.com', dst: ['tag:server'], accept: ['root'] },
    { src: 'bob@example.com', dst: ['tag:server'], deny: ['anybody'] },
    { src: 'group:ops', dst: ['tag:server'], accept: ['root'] },
    { src: 'ada@example.com', dst: ['bob@example.com'], accept: ['root'] },
    { src: 'ada@example.com', dst: ['tag:server', 'bob@example.com'], accept: ['root'] },
    { src: 'ada@example.com', dst: ['tag:server'], accept: ['root', ''] },
    // Malformed.
    { src: 'ada@example.com', dst: ['tag:server'] },
    { src: 'ghost@example.com', dst: ['tag:server'], deny: ['root'] },
    { src: 'tag:none', dst: ['tag:server'], deny: ['root'] },
    { src: 'autogroup:bogus', dst: ['tag:server'], deny: ['root'] },
    { src: 'autogroup:self', dst: ['tag:server'], deny: ['root'] },
    { src: '', dst: ['tag:server'], deny: ['root'] },
    // Nobody to speak of.
    { src: 'tag:gone', dst: ['tag:server'], deny: ['root'] },
    { src: 'eve@example.com', dst: ['tag:server'], deny: ['root'] },
    { src: 'ada@example.com', dst: ['tag:gone'], deny: ['root'] },
    { src: 'ada@example.com', dst: ['nohost'], deny: ['root'] },
    { src: 'ada@example.com', dst: ['100.99.9.9'], deny: ['root'] },
    { src: 'group:ops', dst: ['autogroup:self'], deny: ['ubuntu'] },
  ])('fails %j', (test) => {
    expect(failures(test)).toHaveLength(1);
  });

  it('says what it wanted and got, on which device', () => {
    const [failure] = failures({ src: 'ada@example.com', dst: ['tag:server'], check: ['root'], deny: ['ubuntu'] });
    expect(failure).toMatchObject({
      src: 'ada@example.com',
      errors: [
        'user "root" on server: want: check, got: accept',
        'user "root" on spare: want: check, got: accept',
        'user "ubuntu" on server: want: deny, got: check',
        'user "ubuntu" on spare: want: deny, got: check',
      ],
    });
  });

  it('does not ask the packet filter', () => {
    const closed = policyOf({
      ...base,
      grants: [],
      sshTests: [{ src: 'ada@example.com', dst: ['box'], accept: ['root'] }],
    });
    expect(runSshTests(closed, facts)).toEqual([]);
  });
});

describe('a policy judged offline', () => {
  const judged = (more: object, known: 'devices' | 'nothing' = 'devices') =>
    judgePolicy('p.hujson', JSON.stringify({ ...base, ...more }), known === 'nothing' ? undefined : facts);
  const asks = (more: object) => ({ src: 'ada@example.com', dst: ['tag:server'], ...more });

  it('is refused for a failed SSH test, with its place', () => {
    const { state, message, problems } = judged({ sshTests: [asks({ deny: ['root'] })] });
    expect([state, message]).toEqual(['violated', 'test(s) failed']);
    expect(problems).toMatchObject([{ code: 'policy-test-failed', span: { line: 1 } }]);
  });

  it('is taken when they pass', () => {
    expect(judged({ sshTests: [asks({ accept: ['root'] })] }).state).toBe('holds');
  });

  it('is undecided when a test depends on what is only bounded from above', () => {
    const [entry, ...rest] = base.ssh;
    const ssh = [{ ...entry, srcPosture: ['posture:x'] }, ...rest];
    const postures = { 'posture:x': ["node:os == 'linux'"] };
    expect(judged({ ssh, postures, sshTests: [asks({ accept: ['root'] })] }).state).toBe('unknown');
    expect(judged({ ssh, postures, sshTests: [asks({ accept: ['x'] })] }).state).toBe('holds');
    expect(judged({ ssh, postures, sshTests: [asks({ deny: ['x'] })] }).state).toBe('violated');
  });

  it('is undecided without the devices, or with a key that nobody knows', () => {
    expect(judged({ sshTests: [asks({ accept: ['root'] })] }, 'nothing').state).toBe('unknown');
    expect(judged({ sshTests: [asks({ accept: ['root'], srcPostureAttrs: {} })] }).state).toBe('unknown');
  });
});
