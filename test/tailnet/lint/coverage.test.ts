import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketSet } from '../../../src/net/packet-set.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import type { CompiledTailnet } from '../../../src/tailnet/compile.ts';
import type { Device } from '../../../src/tailnet/device.ts';
import { rulePackets } from '../../../src/tailnet/filter.ts';
import { coveredFindings } from '../../../src/tailnet/lint/covered-rules.ts';
import { compiled, device, policyOf } from '../support.ts';

/*
 * A rule or entry that is reported as covered can go, and all of them at once, without anything changing: on tailnets that
 * the linter never saw, with devices of several tags, routers and exit nodes.
 */

const SELECTORS = [
  'tag:a',
  'tag:b',
  'ada@example.com',
  'bob@example.com',
  'group:g',
  'autogroup:member',
  'autogroup:tagged',
  '*',
  '10.0.0.0/8',
  '10.0.0.0/16',
  '100.64.0.2',
  'lan',
];

const grants = fc.array(
  fc.record({
    src: fc.uniqueArray(fc.constantFrom(...SELECTORS), { minLength: 1, maxLength: 3 }),
    dst: fc.uniqueArray(fc.constantFrom(...SELECTORS, 'autogroup:internet'), { minLength: 1, maxLength: 3 }),
    ip: fc.constantFrom(['tcp:22'], ['tcp:20-30'], ['*'], ['udp:53'], ['icmp:*'], ['gre:*'], ['tcp:22', 'udp:53']),
    srcPosture: fc.constantFrom(undefined, undefined, undefined, ['posture:p']),
  }),
  { minLength: 2, maxLength: 5 },
);

const self = fc.record({
  src: fc.uniqueArray(fc.constantFrom('ada@example.com', 'group:g', 'autogroup:member'), {
    minLength: 1,
    maxLength: 2,
  }),
  dst: fc.constantFrom(['autogroup:self'], ['autogroup:self', 'autogroup:member']),
  ip: fc.constantFrom(['tcp:22'], ['*']),
});

const owners = fc.constantFrom(
  'tag:a',
  'tag:b',
  'tag:a,tag:b',
  'tag:c',
  'ada@example.com',
  'bob@example.com',
  'eve@example.org',
);
const routes = fc.constantFrom<string[]>([], [], ['10.0.0.0/16'], ['10.0.5.0/24'], ['0.0.0.0/0', '::/0']);
const tailnets = fc
  .array(fc.tuple(owners, routes), { minLength: 2, maxLength: 6 })
  .map((list): Device[] => list.map(([owner, approved], i) => device(`d${i}`, i + 1, owner, { approved })));

const names = {
  groups: { 'group:g': ['ada@example.com', 'eve@example.org'] },
  hosts: { lan: '10.0.0.0/16' },
  tagOwners: { 'tag:a': [], 'tag:b': [] },
  postures: { 'posture:p': ["node:os == 'linux'"] },
};

function answers(tailnet: CompiledTailnet) {
  return tailnet.devices.map(({ id }) => ({
    packets: PacketSet.unionAll(tailnet.rulesOn(id).map(rulePackets)).id,
    peers: tailnet.peersOf(id),
    routes: tailnet.routesAt(id).map((r) => [r.peer, r.prefixes.map(formatPrefix), r.maybe.map(formatPrefix)]),
  }));
}

interface Grant {
  readonly src: readonly string[];
  readonly dst: readonly string[];
}

/** The grants without what is reported of them. */
function without<T extends Grant>(list: readonly T[]): { rest: T[]; found: number } {
  const found = coveredFindings(policyOf({ ...names, grants: list })).filter((f) => f.rule !== 'families-apart');
  const indexOf = (message: string) => Number(/^grants\[(\d+)\]/.exec(message)?.[1]);
  const rules = new Set(found.filter((f) => f.rule !== 'redundant-entry').map((f) => indexOf(f.message)));
  const rest = list.flatMap((grant, i) => {
    if (rules.has(i)) return [];
    const gone = (side: 'src' | 'dst') =>
      found
        .filter((f) => f.rule === 'redundant-entry' && indexOf(f.message) === i && f.message.includes(` in ${side} is`))
        .map((f) => /: "([^"]+)" in/.exec(f.message)?.[1] ?? '');
    const keep = (side: 'src' | 'dst') => grant[side].filter((name) => !gone(side).includes(name));
    return [{ ...grant, src: keep('src'), dst: keep('dst') }];
  });
  return { rest, found: found.length };
}

describe('what is reported as covered', () => {
  it('can go without anything changing, on any tailnet', () => {
    let found = 0;
    fc.assert(
      fc.property(grants, fc.option(self, { nil: undefined }), tailnets, (list, own, devices) => {
        const all = own === undefined ? list : [...list, own];
        const less = without(all);
        found += less.found;
        expect(answers(compiled({ ...names, grants: less.rest }, devices))).toEqual(
          answers(compiled({ ...names, grants: all }, devices)),
        );
      }),
      { numRuns: 120, seed: 20261125 },
    );
    // A linter that never says anything would pass as well.
    expect(found).toBeGreaterThan(50);
  });
});

const rulesOf = (list: readonly object[], more: object = {}) =>
  coveredFindings(policyOf({ ...names, ...more, grants: list })).map((f) => `${f.rule} ${f.message.split(' ')[0]}`);

describe('a rule', () => {
  const narrow = { src: ['tag:a'], dst: ['tag:b'], ip: ['tcp:22'] };

  it.each<[string, object, object]>([
    ['with more ports', narrow, { ...narrow, ip: ['tcp:20-30'] }],
    ['with more protocols', narrow, { ...narrow, ip: ['*'] }],
    ['from all tags', narrow, { ...narrow, src: ['autogroup:tagged'] }],
    ['from anybody', narrow, { ...narrow, src: ['*'] }],
    ['to everything', narrow, { ...narrow, dst: ['*'] }],
    ['from the group of a user', { ...narrow, src: ['ada@example.com'] }, { ...narrow, src: ['group:g'] }],
    ['to the prefix around it', { ...narrow, dst: ['10.0.3.0/24'] }, { ...narrow, dst: ['lan'] }],
    [
      'from all members, to oneself',
      { ...narrow, src: ['group:g'], dst: ['autogroup:self'] },
      { ...narrow, src: ['autogroup:member'], dst: ['autogroup:self'] },
    ],
    [
      'with the same posture',
      { ...narrow, srcPosture: ['posture:p'] },
      { ...narrow, ip: ['*'], srcPosture: ['posture:p'] },
    ],
    ['without a posture', { ...narrow, srcPosture: ['posture:p'] }, narrow],
    ['of an upper bound', { ...narrow, src: ['autogroup:admin'] }, { ...narrow, src: ['autogroup:member'] }],
  ])('is covered by one %s, wherever it stands', (_what, small, large) => {
    expect(rulesOf([small, large])).toEqual(['shadowed-rule grants[0]']);
    expect(rulesOf([large, small])).toEqual(['shadowed-rule grants[1]']);
  });

  it.each<[string, object, object]>([
    ['one port beside it', narrow, { ...narrow, ip: ['tcp:23'] }],
    ['another protocol', narrow, { ...narrow, ip: ['udp:22'] }],
    ['another tag', narrow, { ...narrow, src: ['tag:b'] }],
    ['a user outside the group', { ...narrow, src: ['bob@example.com'] }, { ...narrow, src: ['group:g'] }],
    ['another domain', { ...narrow, src: ['eve@example.org'] }, { ...narrow, src: ['user:*@example.com'] }],
    ['a domain, which is assumed', { ...narrow, src: ['ada@example.com'] }, { ...narrow, src: ['user:*@example.com'] }],
    ['members where a tag is meant', narrow, { ...narrow, src: ['autogroup:member'] }],
    ['a prefix inside it', { ...narrow, dst: ['lan'] }, { ...narrow, dst: ['10.0.3.0/24'] }],
    ['the internet around a prefix', { ...narrow, dst: ['192.0.2.0/24'] }, { ...narrow, dst: ['autogroup:internet'] }],
    [
      'a prefix as wide as the internet',
      { ...narrow, dst: ['autogroup:internet'] },
      { ...narrow, dst: ['0.0.0.0/0', '::/0'] },
    ],
    ['a rule with a posture', narrow, { ...narrow, ip: ['*'], srcPosture: ['posture:p'] }],
    ['another posture', { ...narrow, srcPosture: ['posture:q'] }, { ...narrow, srcPosture: ['posture:p'] }],
    ['a via grant', { ...narrow, dst: ['lan'] }, { ...narrow, dst: ['10.0.0.0/8'], via: ['tag:b'] }],
    ['an IP set around it', { ...narrow, dst: ['lan'] }, { ...narrow, dst: ['ipset:ten'] }],
    ['a role', { ...narrow, src: ['ada@example.com'] }, { ...narrow, src: ['autogroup:admin'] }],
    [
      'one that does not give its capability',
      { ...narrow, app: { 'example.com/cap/x': [] } },
      { ...narrow, ip: ['*'] },
    ],
    [
      'a literal that a tagged device may have',
      { ...narrow, src: ['100.64.0.2'] },
      { ...narrow, src: ['autogroup:tagged'] },
    ],
  ])('is not covered by %s', (_what, small, large) => {
    const sets = { ipsets: { 'ipset:ten': ['10.0.0.0/8'] } };
    expect(rulesOf([small, large], sets).filter((f) => f.endsWith('grants[0]'))).toEqual([]);
  });

  it('may be covered by several together', () => {
    const list = [narrow, { ...narrow, src: ['tag:b'] }, { ...narrow, src: ['tag:a', 'tag:b'] }];
    expect(rulesOf(list)).toEqual(['redundant-rule grants[2]']);
    expect(rulesOf(list.slice(1))).toEqual(['shadowed-rule grants[0]']);
    expect(rulesOf([narrow, { ...narrow, src: ['tag:a', 'tag:b'] }, { ...narrow, ip: ['tcp:80'] }])).toEqual([
      'shadowed-rule grants[0]',
    ]);
  });

  it('that stands twice is reported where it stands the second time', () => {
    expect(rulesOf([narrow, narrow, narrow])).toEqual(['shadowed-rule grants[1]', 'shadowed-rule grants[2]']);
  });

  it('with a default posture is held against those with the same one', () => {
    const wide = { ...narrow, ip: ['*'] };
    expect(rulesOf([narrow, wide], { defaultSrcPosture: ['posture:p'] })).toEqual(['shadowed-rule grants[0]']);
    expect(rulesOf([{ ...narrow, srcPosture: ['posture:q'] }, wide], { defaultSrcPosture: ['posture:p'] })).toEqual([]);
  });

  it('without a family in common is told apart from one that is covered', () => {
    expect(rulesOf([{ src: ['10.0.0.1'], dst: ['fd00::1'], ip: ['*'] }])).toEqual(['families-apart grants[0]:']);
    expect(rulesOf([{ src: ['10.0.0.1'], dst: ['fd00::1', '10.0.0.2'], ip: ['*'] }])).toEqual([]);
    expect(rulesOf([{ src: ['10.0.0.1'], dst: [], ip: ['*'] }])).toEqual([]);
  });
});

describe('an entry', () => {
  const entries = (src: string[], dst: string[]) =>
    coveredFindings(policyOf({ ...names, grants: [{ src, dst, ip: ['tcp:22'] }] })).map((f) => f.message);

  it.each([
    [['group:g', 'ada@example.com'], ['tag:a'], '"ada@example.com" in src is part of "group:g"'],
    [['*', 'tag:b'], ['tag:a'], '"tag:b" in src is part of "*"'],
    [['tag:b'], ['tag:a', 'autogroup:tagged'], '"tag:a" in dst is part of "autogroup:tagged"'],
    [['tag:b', 'tag:b'], ['tag:a'], '"tag:b" in src is part of "tag:b"'],
  ])('of %j to %j is reported', (src, dst, message) => {
    expect(entries(src, dst)).toEqual([`grants[0]: ${message}`]);
  });

  it('is not, where it adds something', () => {
    expect(entries(['group:g', 'bob@example.com'], ['tag:a', 'lan'])).toEqual([]);
    expect(entries(['*', '10.0.0.0/8'], ['tag:a'])).toEqual([]);
  });
});
