import { describe, expect, it } from 'vitest';
import type { TailnetFacts } from '../../../src/tailnet/compile.ts';
import { type Judgement, judgePolicy } from '../../../src/tailnet/policy/judge.ts';
import { factsOf, loadCases } from '../../conformance/case.ts';
import { device } from '../support.ts';

const devices = [
  device('laptop', 1, 'ada@example.com'),
  device('model', 2, 'tag:model'),
  device('orch', 3, 'tag:orch'),
];
const facts = { devices, users: [{ login: 'ada@example.com' }] };

const base = { tagOwners: { 'tag:model': [], 'tag:orch': [] } };
const grant = { src: ['tag:orch'], dst: ['tag:model'], ip: ['tcp:1'] };
const test = { src: 'tag:orch', accept: ['tag:model:1'], deny: ['tag:model:2'] };

function judged(policy: string | object, known: TailnetFacts = facts): Judgement {
  return judgePolicy('p.hujson', typeof policy === 'string' ? policy : JSON.stringify(policy), known);
}

const captures = loadCases(new URL('../../conformance/cases/', import.meta.url));

describe('judgePolicy', () => {
  it('says what the API said of every capture, in its words', () => {
    const trusted = captures.flatMap((c) =>
      c.suspect === undefined && c.api !== undefined ? { ...c, api: c.api } : [],
    );
    const wrong = trusted.flatMap((capture) => {
      const { state, message } = judged(capture.policy, factsOf(capture));
      const { code } = capture.api;
      const isSame = code === 200 ? state === 'holds' : state === 'violated' && message === capture.api.message;
      return isSame ? [] : [`${capture.id}: ${code} ${capture.api.message ?? ''}, judged ${state} ${message ?? ''}`];
    });
    expect(wrong).toEqual([]);
    expect(trusted.length).toBeGreaterThan(50);
  });

  it('takes a policy whose tests pass', () => {
    expect(judged({ ...base, grants: [grant], tests: [test] })).toEqual({
      state: 'holds',
      message: undefined,
      problems: [],
      undecided: [],
    });
  });

  it('names everything that is wrong at once, and the one message of the API', () => {
    const { state, message, problems } = judged(`{
  "groups": {"group:g": ["group:h"]},
  "grants": [{"src": ["tag:x"], "dst": ["tag:y"], "ip": ["0"]}],
  "acls": [{"action": "deny", "src": ["*"], "dst": ["*:ssh"]}],
}`);
    expect(state).toBe('violated');
    expect(message).toBe('groups["group:g"]: "group:h": group members cannot be recursive');
    expect(problems.map((p) => `${p.span.line} ${p.message}`)).toEqual([
      '2 groups["group:g"]: "group:h": group members cannot be recursive',
      '4 action="deny" is not supported',
      '4 dst="*:ssh": port range "ssh": invalid first integer',
      '3 src=tag not found: "tag:x"',
      '3 port range "0": first port must be >0, or use \'*\' for wildcard',
      '3 dst="tag:y": tag not found: "tag:y"',
    ]);
  });

  it.each([
    ['{"acls": [1 2]}', /^hujson: line 1, column 13: /],
    ['{"acls": [], "acls": []}', /occurs twice/],
    ['[]', /must be an object/],
  ])('refuses %s', (text, message) => {
    expect(judged(text)).toMatchObject({ state: 'violated', message: expect.stringMatching(message) });
  });

  it('names every test that fails, where it stands', () => {
    const { state, message, problems } = judged(`{
  "tagOwners": {"tag:model": [], "tag:orch": []},
  "grants": [{"src": ["tag:orch"], "dst": ["tag:model"], "ip": ["tcp:1"]}],
  "tests": [
    {"src": "tag:orch", "accept": ["tag:model:1"]},
    {"src": "tag:orch", "accept": ["tag:model:2"]},
    {"src": "tag:orch", "deny": ["tag:model:1"]},
  ],
}`);
    expect([state, message]).toEqual(['violated', 'test(s) failed']);
    expect(problems.map((p) => [p.span.line, p.code])).toEqual([
      [6, 'policy-test-failed'],
      [7, 'policy-test-failed'],
    ]);
    expect(problems[0]?.message).toContain('want: Accept, got: Drop');
  });

  it('decides no test without devices, and no failure either', () => {
    const policy = { ...base, grants: [], tests: [test] };
    const unknown = judgePolicy('p.hujson', JSON.stringify(policy), undefined);
    expect([unknown.state, unknown.undecided[0]?.why]).toEqual([
      'unknown',
      '1 test was not run: they need the device list',
    ]);
    expect(judgePolicy('p.hujson', JSON.stringify({ ...base, grants: [] }), undefined).state).toBe('holds');
  });

  it('says what takes the user list, where there is none', () => {
    const policy = {
      ...base,
      grants: [{ ...grant, src: ['user:*@one.example', 'user:*@one.example'] }],
      ssh: [{ action: 'check', src: ['tag:orch'], dst: ['tag:model'], users: ['localpart:*@two.example'] }],
      tests: [{ src: 'eve@example.com', deny: ['tag:model:9'] }],
    };
    const nobody = judged(policy, { devices, users: [] });
    expect(nobody.undecided.map((u) => u.why)).toEqual([
      'whether one.example belongs to the tailnet is not known: that takes the user list',
      'whether two.example belongs to the tailnet is not known: that takes the user list',
      'whether the user eve@example.com exists is not known: that takes the user list',
    ]);
    const users = ['eve@example.com', 'a@one.example', 'b@two.example'].map((login) => ({ login }));
    expect(judged(policy, { devices, users }).state).toBe('holds');
    expect(judged(policy, { devices, users: users.slice(0, 2) }).state).toBe('violated');
    const own = { ...base, grants: [grant], tests: [{ src: 'ada@example.com', deny: ['tag:model:9'] }] };
    expect(judged(own, { devices, users: [] }).state).toBe('holds');
  });

  const assumed = { ...grant, srcPosture: ['posture:p'] };
  const named = { ...base, postures: { 'posture:p': ["node:os == 'linux'"] } };

  it.each<[string, object, 'holds' | 'violated' | 'unknown']>([
    ['what no rule could admit is accepted', { src: 'tag:orch', accept: ['tag:model:2'] }, 'violated'],
    ['what a bounded rule may admit is accepted', { src: 'tag:orch', accept: ['tag:model:1'] }, 'unknown'],
    ['what a bounded rule may admit is denied', { src: 'tag:orch', deny: ['tag:model:1'] }, 'unknown'],
    ['what no rule could admit is denied', { src: 'tag:orch', deny: ['tag:model:2'] }, 'holds'],
    ['both hang on one bounded rule', { src: 'tag:orch', accept: ['tag:model:1'], deny: ['tag:model:1'] }, 'unknown'],
    ['a known rule admits it as well', { src: 'tag:orch', accept: ['tag:model:3'] }, 'holds'],
    ['a known rule admits what is denied', { src: 'tag:orch', deny: ['tag:model:3'] }, 'violated'],
  ])('of a rule that is only bounded, where %s', (_what, one, state) => {
    const grants = [assumed, { ...grant, ip: ['tcp:3'] }];
    expect(judged({ ...named, grants, tests: [one] }).state).toBe(state);
  });

  const login = { action: 'check', src: ['tag:orch'], dst: ['tag:model'], users: ['ubuntu'] };

  it.each<[string, object, object, 'holds' | 'violated' | 'unknown']>([
    ['passes', login, { check: ['ubuntu'], deny: ['root'] }, 'holds'],
    ['fails', login, { accept: ['root'] }, 'violated'],
    ['hangs on a posture', { ...login, srcPosture: ['posture:p'] }, { accept: ['ubuntu'] }, 'unknown'],
    ['does not hang on it', { ...login, srcPosture: ['posture:p'] }, { deny: ['root'] }, 'holds'],
  ])('judges an SSH test that %s', (_what, rule, test, state) => {
    const sshTests = [{ src: 'tag:orch', dst: ['tag:model'], ...test }];
    expect(judged({ ...named, grants: [], ssh: [rule], sshTests }).state).toBe(state);
  });

  it.each<[string, object]>([
    ['a section', { ...base, grants: [], tunnels: [], extra: { a: 1 } }],
    ['a key of a rule', { ...base, grants: [{ ...grant, when: 'always' }] }],
    [
      'a key of an SSH rule',
      {
        ...base,
        grants: [],
        ssh: [{ action: 'accept', src: ['tag:orch'], dst: ['tag:model'], users: ['root'], when: 1 }],
      },
    ],
    ['a key of a node attribute', { ...base, grants: [], nodeAttrs: [{ target: ['*'], attr: [], when: 1 }] }],
    ['a key of the approvers', { ...base, grants: [], autoApprovers: { domains: { a: ['tag:orch'] } } }],
    ['a key of a test', { ...base, grants: [grant], tests: [{ ...test, srcPostureAttrs: {} }] }],
  ])('does not take %s that it does not know for granted', (_what, policy) => {
    const { state, problems, undecided } = judged(policy);
    expect([state, problems, undecided.length]).toEqual(['unknown', [], 1]);
    expect(undecided[0]?.span?.line).toBe(1);
  });
});
