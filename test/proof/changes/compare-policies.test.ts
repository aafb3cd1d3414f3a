import { describe, expect, it } from 'vitest';
import { comparedPolicies, device, reverted, wordsOf } from '../../support/compare.ts';

const DEVICES = [
  device('web', ['tag:web'], 10),
  device('db', ['tag:db'], 20),
  device('alice', [], 30),
  device('bob', [], 40),
];

/** A policy with these grants and more sections. */
function policy(grants: readonly object[], more: object = {}): string {
  const tagOwners = { 'tag:web': ['alice@example.com'], 'tag:db': ['alice@example.com'] };
  return JSON.stringify({ tagOwners, grants, ...more }, null, 2);
}

const WEB_DB = { src: ['tag:web'], dst: ['tag:db'], ip: ['tcp:5432'] };
const BASE = policy([WEB_DB]);

interface Case {
  readonly name: string;
  readonly a?: string;
  readonly b: string;
  readonly summary: string;
  /** Exactly these changes, or undefined where only the summary matters. */
  readonly changes?: readonly string[];
  readonly missing?: RegExp;
  readonly devices?: readonly object[];
}

const SSH = { action: 'accept', src: ['alice@example.com'], dst: ['tag:db'], users: ['root'] };

const cases: readonly Case[] = [
  { name: 'the same bytes', b: BASE, summary: 'none', changes: [] },
  { name: 'a comment more', b: `// reviewed\n${BASE}`, summary: 'cosmetic', changes: [] },
  { name: 'keys in another order', b: JSON.stringify(JSON.parse(BASE)), summary: 'cosmetic', changes: [] },
  {
    name: 'rules in another order',
    a: policy([WEB_DB, { ...WEB_DB, ip: ['tcp:80'] }]),
    b: policy([{ ...WEB_DB, ip: ['tcp:80'] }, WEB_DB]),
    summary: 'cosmetic',
    changes: [],
  },
  { name: 'a rule that adds nothing', b: policy([WEB_DB, WEB_DB]), summary: 'cosmetic', changes: [] },
  {
    name: 'one rule written as two',
    a: policy([{ src: ['tag:web', 'alice@example.com'], dst: ['tag:db'], ip: ['tcp:5432'] }]),
    b: policy([WEB_DB, { src: ['alice@example.com'], dst: ['tag:db'], ip: ['tcp:5432'] }]),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'an acl that says what a grant said',
    b: JSON.stringify({
      tagOwners: JSON.parse(BASE).tagOwners,
      acls: [{ action: 'accept', proto: 'tcp', src: ['tag:web'], dst: ['tag:db:5432'] }],
    }),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'a port more',
    b: policy([{ ...WEB_DB, ip: ['tcp:5432-5433'] }]),
    summary: 'widening',
    changes: ['gain reach tag:web -> tag:db tcp 5433'],
  },
  {
    name: 'a port less',
    a: policy([{ ...WEB_DB, ip: ['tcp:5432-5433'] }]),
    b: BASE,
    summary: 'narrowing',
    changes: ['lose reach tag:web -> tag:db tcp 5433'],
  },
  {
    name: 'another port',
    b: policy([{ ...WEB_DB, ip: ['tcp:5433'] }]),
    summary: 'mixed',
    changes: ['gain reach tag:web -> tag:db tcp 5433', 'lose reach tag:web -> tag:db tcp 5432'],
  },
  {
    name: 'UDP beside TCP, by leaving the protocol out',
    b: policy([{ ...WEB_DB, ip: ['5432'] }]),
    summary: 'widening',
    changes: ['gain reach tag:web -> tag:db udp 5432'],
  },
  {
    name: 'a member more',
    b: policy([WEB_DB, { src: ['bob@example.com'], dst: ['tag:db'], ip: ['tcp:5432'] }]),
    summary: 'widening',
    changes: ['gain reach bob@example.com -> tag:db tcp 5432, icmp, icmpv6'],
  },
  {
    name: 'a rule for a tag that nobody holds',
    b: policy([WEB_DB, { src: ['tag:new'], dst: ['tag:db'], ip: ['tcp:5432'] }]),
    summary: 'widening',
    changes: ['gain reach tag:new -> tag:db tcp 5432, icmp, icmpv6'],
  },
  {
    name: 'an address that nobody has, as a destination',
    b: policy([WEB_DB, { src: ['tag:web'], dst: ['100.64.0.99'], ip: ['tcp:22'] }]),
    summary: 'widening',
    changes: ['gain reach tag:web -> whoever gets an address of 100.64.0.99/32 tcp 22, icmp'],
  },
  {
    name: 'an address that nobody has, as a source',
    b: policy([WEB_DB, { src: ['100.64.0.99'], dst: ['tag:db'], ip: ['tcp:22'] }]),
    summary: 'widening',
    changes: ['gain reach 100.64.0.99 -> tag:db tcp 22, icmp'],
  },
  {
    name: 'a network that nobody routes, as a destination',
    b: policy([WEB_DB, { src: ['tag:web'], dst: ['10.9.0.0/16'], ip: ['tcp:22'] }]),
    summary: 'widening',
    changes: ['gain reach tag:web -> 10.9.0.0/16 via whoever routes 10.9.0.0/16 tcp 22, icmp'],
  },
  {
    name: 'a network through routers of a tag that nobody holds',
    b: policy([WEB_DB, { src: ['tag:web'], dst: ['10.9.0.0/16'], ip: ['tcp:22'], via: ['tag:router'] }]),
    summary: 'widening',
    changes: ['gain reach tag:web -> 10.9.0.0/16 via whoever routes 10.9.0.0/16 tcp 22, icmp'],
  },
  {
    name: 'the internet, which needs an exit node',
    b: policy([WEB_DB, { src: ['tag:web'], dst: ['autogroup:internet'], ip: ['tcp:443'] }]),
    summary: 'widening',
    changes: ['gain reach tag:web -> the internet via whoever is an exit node tcp 443, icmp, icmpv6'],
  },
  {
    name: 'a network that nobody routes, as a source',
    b: policy([WEB_DB, { src: ['10.9.0.0/16'], dst: ['tag:db'], ip: ['tcp:22'] }]),
    summary: 'widening',
    changes: ['gain reach 10.9.0.0/16 -> tag:db tcp 22, icmp'],
  },
  {
    name: 'a network beside a tag among the sources',
    b: policy([WEB_DB, { src: ['tag:web', '10.9.0.0/16'], dst: ['tag:db'], ip: ['tcp:22'] }]),
    summary: 'widening',
    changes: ['gain reach tag:web -> tag:db tcp 22', 'gain reach 10.9.0.0/16 -> tag:db tcp 22, icmp'],
  },
  {
    name: 'allow-all by leaving the rules out',
    a: policy([]),
    b: JSON.stringify({ tagOwners: JSON.parse(BASE).tagOwners }),
    summary: 'widening',
  },
  {
    name: 'an empty list of rules instead of allow-all',
    a: JSON.stringify({ tagOwners: JSON.parse(BASE).tagOwners }),
    b: policy([]),
    summary: 'narrowing',
  },
  {
    name: 'each to his own devices',
    devices: [...DEVICES, device('alice2', [], 31, { user: 'alice@example.com' })],
    b: policy([WEB_DB, { src: ['autogroup:member'], dst: ['autogroup:self'], ip: ['tcp:22'] }]),
    summary: 'widening',
    changes: ['gain reach alice@example.com -> alice@example.com tcp 22, icmp, icmpv6'],
  },
  {
    name: 'somebody more may take a tag',
    b: policy([WEB_DB], {
      tagOwners: { 'tag:web': ['alice@example.com', 'bob@example.com'], 'tag:db': ['alice@example.com'] },
    }),
    summary: 'widening',
    changes: ['gain becomes bob@example.com -> tag:web'],
  },
  {
    name: 'somebody more may, through a tag and a group',
    a: policy([WEB_DB], {
      groups: { 'group:dev': ['alice@example.com'] },
      tagOwners: { 'tag:web': ['tag:ci'], 'tag:ci': ['group:dev'], 'tag:db': [] },
    }),
    b: policy([WEB_DB], {
      groups: { 'group:dev': ['alice@example.com', 'bob@example.com'] },
      tagOwners: { 'tag:web': ['tag:ci'], 'tag:ci': ['group:dev'], 'tag:db': [] },
    }),
    summary: 'widening',
    changes: ['gain becomes bob@example.com -> tag:ci', 'gain becomes bob@example.com -> tag:web'],
  },
  {
    name: 'nobody owns a tag any more',
    b: policy([WEB_DB], { tagOwners: { 'tag:web': [], 'tag:db': ['alice@example.com'] } }),
    summary: 'narrowing',
    changes: ['lose becomes alice@example.com -> tag:web'],
  },
  {
    name: 'a router approves its own routes',
    b: policy([WEB_DB], { autoApprovers: { routes: { '10.0.0.0/8': ['tag:web'] }, exitNode: ['tag:web'] } }),
    summary: 'widening',
    changes: ['gain becomes tag:web -> router of 10.0.0.0/8', 'gain becomes tag:web -> exit node'],
  },
  {
    name: 'fewer routes approve themselves',
    a: policy([WEB_DB], { autoApprovers: { routes: { '10.0.0.0/8': ['tag:web'] } } }),
    b: policy([WEB_DB], { autoApprovers: { routes: { '10.0.0.0/9': ['tag:web'] } } }),
    summary: 'narrowing',
    changes: ['lose becomes tag:web -> router of 10.128.0.0/9'],
  },
  {
    name: 'a capability more',
    b: policy([WEB_DB, { src: ['bob@example.com'], dst: ['tag:db'], app: { 'example.com/cap/x': [{ a: 1 }] } }]),
    summary: 'widening',
    changes: ['gain capability bob@example.com -> tag:db example.com/cap/x'],
  },
  {
    name: 'the same capability with another value',
    a: policy([WEB_DB, { src: ['bob@example.com'], dst: ['tag:db'], app: { 'example.com/cap/x': [{ a: 1 }] } }]),
    b: policy([WEB_DB, { src: ['bob@example.com'], dst: ['tag:db'], app: { 'example.com/cap/x': [{ a: 2 }] } }]),
    summary: 'mixed',
    changes: [
      'gain capability bob@example.com -> tag:db example.com/cap/x',
      'lose capability bob@example.com -> tag:db example.com/cap/x',
    ],
  },
  {
    name: 'an SSH rule',
    b: policy([WEB_DB], { ssh: [SSH] }),
    summary: 'widening',
    changes: ['gain ssh alice@example.com -> tag:db SSH as root'],
  },
  {
    name: 'no check any more before an SSH login',
    a: policy([WEB_DB], { ssh: [{ ...SSH, action: 'check' }] }),
    b: policy([WEB_DB], { ssh: [SSH] }),
    summary: 'mixed',
    changes: [
      'gain ssh alice@example.com -> tag:db SSH as root',
      'lose ssh alice@example.com -> tag:db SSH after a check as root',
    ],
  },
  {
    name: 'one more name in an SSH rule',
    a: policy([WEB_DB], { ssh: [SSH] }),
    b: policy([WEB_DB], { ssh: [{ ...SSH, users: ['root', 'autogroup:nonroot'] }] }),
    summary: 'widening',
    changes: ['gain ssh alice@example.com -> tag:db SSH as any other user'],
  },
  {
    name: 'an SSH rule behind one that says the same',
    a: policy([WEB_DB], { ssh: [SSH] }),
    b: policy([WEB_DB], { ssh: [SSH, { ...SSH, users: ['root'] }] }),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'one SSH rule written as two',
    a: policy([WEB_DB], { ssh: [{ ...SSH, src: ['alice@example.com', 'bob@example.com'] }] }),
    b: policy([WEB_DB], { ssh: [SSH, { ...SSH, src: ['bob@example.com'] }] }),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'SSH rules whose order decides, in another order',
    a: policy([WEB_DB], {
      ssh: [
        { ...SSH, users: ['db'] },
        { ...SSH, users: ['db'], acceptEnv: ['FOO'] },
      ],
    }),
    b: policy([WEB_DB], {
      ssh: [
        { ...SSH, users: ['db'], acceptEnv: ['FOO'] },
        { ...SSH, users: ['db'] },
      ],
    }),
    summary: 'mixed',
    changes: ['gain ssh alice@example.com -> tag:db SSH as db', 'lose ssh alice@example.com -> tag:db SSH as db'],
  },
  {
    name: 'an SSH rule with a posture',
    b: policy([WEB_DB], {
      ssh: [{ ...SSH, srcPosture: ['posture:x'] }],
      postures: { 'posture:x': ["node:os == 'linux'"] },
    }),
    summary: 'unknown',
    changes: [],
  },
  {
    name: 'a key of an SSH rule that nobody knows',
    b: policy([WEB_DB], { ssh: [{ ...SSH, unheardOf: true }] }),
    summary: 'unknown',
    changes: [],
  },
  {
    name: 'a comment in an SSH rule',
    a: policy([WEB_DB], { ssh: [SSH] }),
    b: policy([WEB_DB], { ssh: [SSH] }).replace('"action"', '// why\n"action"'),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'a group that an SSH rule names',
    a: policy([WEB_DB], { groups: { 'group:x': [] }, ssh: [{ ...SSH, src: ['group:x'] }] }),
    b: policy([WEB_DB], { groups: { 'group:x': ['bob@example.com'] }, ssh: [{ ...SSH, src: ['group:x'] }] }),
    summary: 'widening',
    changes: ['gain ssh bob@example.com -> tag:db SSH as root'],
  },
  {
    name: 'a group that no SSH rule names',
    a: policy([WEB_DB], { groups: { 'group:x': [] }, ssh: [SSH] }),
    b: policy([WEB_DB], { groups: { 'group:x': ['bob@example.com'] }, ssh: [SSH] }),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'a group that no rule names',
    a: policy([WEB_DB], { groups: { 'group:x': [] } }),
    b: policy([WEB_DB], { groups: { 'group:x': ['bob@example.com'] } }),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'an IP set that a rule names',
    a: policy([{ src: ['tag:web'], dst: ['ipset:x'], ip: ['*'] }], { ipsets: { 'ipset:x': ['add 10.0.0.1'] } }),
    b: policy([{ src: ['tag:web'], dst: ['ipset:x'], ip: ['*'] }], { ipsets: { 'ipset:x': ['add 10.0.0.0/8'] } }),
    summary: 'unknown',
    changes: [],
    missing: /ipsets changed/,
  },
  {
    name: 'node attributes',
    b: policy([WEB_DB], { nodeAttrs: [{ target: ['tag:db'], attr: ['funnel'] }] }),
    summary: 'widening',
    changes: [
      'gain capability tag:db -> tag:db node attribute funnel',
      'gain capability tag:db -> tag:db node attribute https://tailscale.com/cap/funnel-ports?ports=443,8443,10000',
    ],
  },
  {
    name: 'node attributes written otherwise',
    a: policy([WEB_DB], { nodeAttrs: [{ target: ['tag:db', 'tag:web'], attr: ['suggest-exit-node'] }] }),
    b: policy([WEB_DB], {
      nodeAttrs: ['tag:web', 'tag:db'].map((tag) => ({ target: [tag], attr: ['suggest-exit-node'] })),
    }),
    summary: 'cosmetic',
    changes: [],
  },
  {
    name: 'a node attribute that nobody knows',
    b: policy([WEB_DB], { nodeAttrs: [{ target: ['tag:db'], attr: ['unheard-of'] }] }),
    summary: 'unknown',
    changes: [],
    missing: /the node attribute unheard-of changed, and what it does is not known/,
  },
  {
    name: 'an app connector',
    a: policy([WEB_DB], { nodeAttrs: [] }),
    b: policy([WEB_DB], { nodeAttrs: [{ target: ['tag:db'], app: { 'tailscale.com/app-connectors': [] } }] }),
    summary: 'unknown',
    missing: /nodeattrs changed/,
  },
  {
    name: 'a section that nobody knows',
    b: policy([WEB_DB], { tunnels: [1] }),
    summary: 'unknown',
    missing: /tunnels changed/,
  },
  {
    name: 'a posture in a rule',
    b: policy([{ ...WEB_DB, srcPosture: ['posture:x'] }], { postures: { 'posture:x': ["node:os == 'linux'"] } }),
    summary: 'unknown',
  },
  {
    name: 'nothing but tests',
    b: policy([WEB_DB], { tests: [{ src: 'tag:web', accept: ['tag:db:5432'] }] }),
    summary: 'cosmetic',
    changes: [],
  },
  { name: 'a text that does not parse', b: BASE.slice(0, -2), summary: 'unknown', changes: [], missing: /./ },
];

describe('two policies', () => {
  it.each(cases.map((c) => [c.name, c] as const))(
    '%s',
    (_name, { a = BASE, b, summary, changes, missing, devices = DEVICES }) => {
      const there = comparedPolicies(a, b, devices);
      expect(there.summary, JSON.stringify([wordsOf(there.changes), there.missing])).toBe(summary);
      if (changes !== undefined) expect(wordsOf(there.changes)).toEqual(changes);
      if (missing !== undefined) expect(JSON.stringify(there.missing)).toMatch(missing);
      else if (summary !== 'unknown') expect(there.missing).toEqual([]);
      expect(there.cosmetic.length > 0).toBe(summary === 'cosmetic');
      for (const c of there.changes) expect(c.blame.length, 'every change blames a line').toBeGreaterThan(0);
      // The way back is the opposite.
      const back = comparedPolicies(b, a, devices);
      expect(wordsOf(back.changes).sort()).toEqual(reverted(there.changes));
      const opposite: Record<string, string> = { widening: 'narrowing', narrowing: 'widening' };
      expect(back.summary).toBe(opposite[summary] ?? summary);
    },
  );
});
