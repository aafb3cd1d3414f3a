import { describe, expect, it } from 'vitest';
import { compileTailnet } from '../../src/tailnet/compile.ts';
import type { SshRule } from '../../src/tailnet/ssh/rules.ts';
import { device, policyOf } from './support.ts';

const devices = [
  device('server', 1, 'tag:server'),
  device('ci', 2, 'tag:ci,tag:build'),
  device('laptop', 3, 'ada@example.com'),
  device('phone', 4, 'ada@example.com'),
  device('desk', 5, 'bob@other.example'),
];
const NAMES = new Map([1, 2, 3, 4, 5].map((n) => [`100.64.0.${n}`, devices[n - 1]?.name]));
const base = {
  tagOwners: { 'tag:server': [], 'tag:ci': [], 'tag:build': [] },
  groups: { 'group:ops': ['bob@other.example', 'ada@example.com'], 'group:none': [] },
  hosts: { box: '100.64.0.1' },
};

interface Options {
  readonly users?: readonly string[];
  readonly more?: object;
}

function compiled(ssh: readonly object[], { users = ['bob@other.example', 'ada@example.com'], more }: Options = {}) {
  const policy = policyOf({ ...base, ssh, ...more });
  return compileTailnet(policy, { devices, users: users.map((login) => ({ login })) });
}

/** A rule in one line: `accept laptop,phone: root=root`, with `?` for an upper bound. */
function show(rule: SshRule): string {
  const from = [...NAMES].filter(([text]) => has(rule, text)).map(([, name]) => name);
  const users = [...rule.users].map(([k, v]) => `${k}=${v}`).sort();
  return `${rule.exact ? '' : '? '}${rule.action} ${from.join(',')}: ${users.join(' ')}`;
}
function has(rule: SshRule, text: string): boolean {
  const n = BigInt(text.split('.')[3] ?? 0);
  return rule.from.contains({ family: 4, value: 0x64400000n + n });
}
const on = (id: string, ssh: readonly object[], options?: Options) => compiled(ssh, options).sshOn(id).map(show);
const entry = (more: object) => ({
  action: 'accept',
  src: ['autogroup:member'],
  dst: ['tag:server'],
  users: ['root'],
  ...more,
});

describe('sshOn', () => {
  it('gives a rule to the devices that a destination means, and to nobody else', () => {
    const tailnet = compiled([entry({ src: ['tag:ci'] })]);
    expect(tailnet.sshOn('server').map(show)).toEqual(['accept ci: root=root']);
    for (const id of ['ci', 'laptop', 'phone', 'desk', 'nobody']) expect(tailnet.sshOn(id)).toEqual([]);
  });

  it('takes connections from both addresses of its sources', () => {
    const [rule] = compiled([entry({ src: ['bob@other.example'] })]).sshOn('server');
    expect(rule?.from.format()).toBe('100.64.0.5,fd7a:115c:a1e0::5');
  });

  it.each([
    [['root'], 'root=root'],
    [['ubuntu'], 'root= ubuntu=ubuntu'],
    [['autogroup:nonroot'], '*== root='],
    [['autogroup:nonroot', 'root'], '*== root=root'],
    [[' root '], 'root=root'],
    [['autogroup:member'], 'autogroup:member=autogroup:member root='],
    [['localpart:ada@example.com'], 'localpart:ada@example.com=localpart:ada@example.com root='],
    [['localpart:*@'], 'localpart:*@=localpart:*@ root='],
  ])('reads the logins %j', (users, expected) => {
    expect(on('server', [entry({ src: ['tag:ci'], users })])).toEqual([`accept ci: ${expected}`]);
  });

  it('lets nobody in for a source or destination that is nobody', () => {
    for (const odd of [{ src: [] }, { src: undefined }, { src: ['group:none'] }, { dst: [] }]) {
      expect(on('server', [entry(odd)])).toEqual([]);
    }
  });

  it('keeps the order of the policy, with checks before everything', () => {
    const rules = [
      entry({ users: ['a'] }),
      entry({ users: ['b'], action: 'check' }),
      entry({ users: ['c'] }),
      entry({ users: ['d'], action: 'check', checkPeriod: '1h' }),
    ];
    const found = compiled(rules).sshOn('server');
    expect(found.map((r) => r.index)).toEqual([1, 3, 0, 2]);
    expect(found.map((r) => r.checkPeriod)).toEqual([undefined, '1h', undefined, undefined]);
  });

  it('keeps what else an entry says, and where it says it', () => {
    const text = `{"ssh": [
      {"action": "accept", "src": ["ada@example.com"], "dst": ["tag:server"], "users": ["root"],
       "acceptEnv": ["LC_*"], "recorder": ["tag:ci"], "enforceRecorder": true}], "tagOwners": {"tag:server": []}}`;
    const users = [{ login: 'ada@example.com' }];
    const [rule] = compileTailnet(policyOf(text), { devices, users }).sshOn('server');
    expect(rule).toMatchObject({ acceptEnv: ['LC_*'], recorder: ['tag:ci'], enforceRecorder: true });
    expect(rule?.span).toMatchObject({ line: 2, column: 7 });
  });

  describe('autogroup:self', () => {
    it('is each user’s own devices, from all of them', () => {
      const tailnet = compiled([entry({ dst: ['autogroup:self'] })]);
      expect(tailnet.sshOn('laptop').map(show)).toEqual(['accept laptop,phone: root=root']);
      expect(tailnet.sshOn('desk').map(show)).toEqual(['accept desk: root=root']);
      expect(tailnet.sshOn('server')).toEqual([]);
      expect(tailnet.sshOn('ci')).toEqual([]);
    });

    it('is nobody’s who is not among the sources', () => {
      const tailnet = compiled([entry({ src: ['bob@other.example'], dst: ['autogroup:self'] })]);
      expect(tailnet.sshOn('laptop')).toEqual([]);
      expect(tailnet.sshOn('desk').map(show)).toEqual(['accept desk: root=root']);
    });
  });

  describe('localpart:', () => {
    const ops = entry({ src: ['group:ops'], users: ['localpart:*@example.com', 'root'] });

    it('is a rule for each user among the sources, in the order of the tailnet’s users, with the name of his domain', () => {
      const expected = ['accept desk: root=root', 'accept laptop,phone: root=root', 'accept laptop,phone: ada=ada'];
      expect(on('server', [ops])).toEqual(expected);
      const otherOrder = on('server', [ops], { users: ['ada@example.com', 'bob@other.example'] });
      expect(otherOrder).toEqual([...expected.slice(1), ...expected.slice(0, 1)]);
    });

    it('gives the sources a copy of their own', () => {
      const tailnet = compiled([ops]);
      expect(tailnet.sshOn('laptop').map(show)).toEqual([
        'accept laptop,phone: root=root',
        'accept laptop,phone: ada=ada',
      ]);
      expect(tailnet.sshOn('desk').map(show)).toEqual(['accept desk: root=root']);
      expect(tailnet.sshOn('ci')).toEqual([]);
    });

    it('gives tagged sources a copy from themselves alone', () => {
      const tagged = [entry({ src: ['autogroup:tagged'], users: ['localpart:*@example.com'] })];
      expect(on('server', tagged)).toEqual(['accept server,ci: root=']);
      expect(on('ci', tagged)).toEqual(['accept ci: root=']);
    });

    it('gives no second copy where the destination is the user himself', () => {
      const self = [entry({ dst: ['autogroup:self'], users: ['localpart:*@example.com'] })];
      expect(on('phone', self)).toEqual(['accept laptop,phone: root=', 'accept laptop,phone: ada=ada']);
    });

    it('gives no copy to other devices of a user one of whose addresses is a source', () => {
      const one = [entry({ src: ['100.64.0.3'], users: ['localpart:*@example.com'] })];
      expect(on('laptop', one)).toEqual(['accept laptop: root=', 'accept laptop: ada=ada']);
      expect(on('phone', one)).toEqual([]);
    });

    it('compares domains in any case and takes only whole ones', () => {
      const at = (pattern: string) => on('server', [entry({ src: ['ada@example.com'], users: [pattern] })]);
      expect(at('localpart:*@EXAMPLE.com')).toHaveLength(2);
      expect(at('localpart:*@ample.com')).toHaveLength(1);
    });
  });

  describe('is an upper bound', () => {
    it.each([
      ['for a posture', entry({ src: ['tag:ci'], srcPosture: ['posture:x'] }), '? accept ci: root=root'],
      ['for an unknown action', entry({ src: ['tag:ci'], action: 'offer' }), '? accept ci: root=root'],
      ['for a role', entry({ src: ['autogroup:admin'] }), '? accept laptop,phone,desk: root=root'],
      [
        'for a key that nobody knows',
        entry({ src: ['tag:ci'], action: 'check', until: 'noon' }),
        '? accept server,ci,laptop,phone,desk: *== root=root',
      ],
    ])('%s', (_what, ssh, expected) => {
      expect(on('server', [ssh])).toEqual([expected]);
    });

    it('with a default posture', () => {
      const more = { defaultSrcPosture: ['posture:x'] };
      expect(on('server', [entry({ src: ['tag:ci'] })], { more })).toEqual(['? accept ci: root=root']);
    });

    it('on every device, for a key that nobody knows', () => {
      expect(on('desk', [entry({ until: 'noon' })])).toHaveLength(1);
    });

    it('and says so', () => {
      const said = (ssh: object) => compiled([ssh]).unmodelled.filter((u) => u.touches.includes('ssh'));
      expect(said(entry({ srcPosture: ['posture:x'] })).map((u) => u.kind)).toEqual(['assumed']);
      expect(said(entry({ src: ['autogroup:admin'] })).map((u) => u.what)).toEqual([
        expect.stringContaining('ssh[0]: autogroup:admin'),
      ]);
      expect(said(entry({ until: 'noon' })).map((u) => u.kind)).toEqual(['unmodelled']);
      expect(said(entry({}))).toEqual([]);
    });
  });

  it('opens nothing in the packet filter and shows nobody', () => {
    const tailnet = compiled([entry({})], { more: { grants: [] } });
    expect(tailnet.rulesOn('server')).toEqual([]);
    expect(tailnet.peersOf('server')).toEqual([]);
  });
});
