import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../../src/net/address.ts';
import { AddressSet } from '../../../src/net/address-set.ts';
import { PacketSet } from '../../../src/net/packet-set.ts';
import { formatPrefix, parsePrefix } from '../../../src/net/prefix.ts';
import type { CompiledTailnet } from '../../../src/tailnet/compile.ts';
import { rulePackets } from '../../../src/tailnet/filter.ts';
import { compiled, device, policyOf, rules } from '../support.ts';

/*
 * What no capture of the control plane shows is bounded from above. So whatever the feature means in the end, as long as
 * it means what its documentation says, the compiled answers hold it: the same policy with the feature written out
 * admits no packet, shows no peer and offers no route beyond them.
 */

const DEVICES = [
  device('model', 1, 'tag:model'),
  device('orch', 2, 'tag:orch'),
  device('laptop', 3, 'ada@example.com'),
  device('desk', 4, 'bob@sales.example.com'),
  device('router', 5, 'tag:router', { approved: ['10.0.0.0/16'] }),
  device('exit', 6, 'tag:exit', { approved: ['0.0.0.0/0', '::/0'] }),
];

/** A name whose meaning is assumed, and what it could be written out as. */
interface Feature {
  readonly written: string;
  readonly out: readonly string[];
}

const PIECES = ['10.0.0.0/16', '10.0.128.0/17', '10.0.200.7', '100.64.0.1', '192.0.2.0/24', 'fd7a:115c:a1e0::1'];

const operations = fc.array(fc.tuple(fc.constantFrom('add', 'remove', ''), fc.constantFrom(...PIECES)), {
  minLength: 1,
  maxLength: 4,
});

/** The addresses that operations leave, done in their order. */
function exactly(list: readonly (readonly [string, string])[]): string[] {
  const set = list.reduce((sum, [action, piece]) => {
    const addresses = AddressSet.ofPrefixes(...[parsePrefix(piece)?.prefix].filter((p) => p !== undefined));
    return action === 'remove' ? sum.subtract(addresses) : sum.union(addresses);
  }, AddressSet.empty);
  return set.toPrefixes().map(formatPrefix);
}

const plain = (...names: string[]) =>
  fc.constantFrom(...names).map((written): Feature => ({ written, out: [written] }));

const users = fc.subarray(['ada@example.com', 'bob@sales.example.com']);

function sources(set: readonly string[]): fc.Arbitrary<Feature> {
  return fc.oneof(
    plain('tag:orch', 'tag:model', 'ada@example.com', '10.0.3.0/24', '*'),
    fc.constant({ written: 'ipset:s', out: set }),
    fc.tuple(fc.constantFrom('autogroup:admin', 'autogroup:auditor', 'group:synced'), users).map(([written, out]) => ({
      written,
      out,
    })),
    fc.constant({ written: 'user:*@example.com', out: ['ada@example.com'] }),
    fc
      .subarray(['100.99.1.1', '100.64.0.77', 'fd7a:115c:a1e0::9999'])
      .map((out) => ({ written: 'autogroup:shared', out })),
  );
}

function destinations(set: readonly string[], hasInternet: boolean): fc.Arbitrary<Feature> {
  return fc.oneof(
    plain('tag:orch', 'tag:model', 'ada@example.com', '10.0.3.0/24', 'autogroup:internet'),
    fc.constant({ written: 'ipset:s', out: [...set, ...(hasInternet ? ['autogroup:internet'] : [])] }),
    fc.tuple(fc.constantFrom('autogroup:it-admin', 'group:synced'), users).map(([written, out]) => ({ written, out })),
  );
}

const policies = fc.tuple(operations, fc.boolean()).chain(([list, hasInternet]) => {
  const set = exactly(list);
  const grant = fc.record({
    src: fc.array(sources(set), { minLength: 1, maxLength: 2 }),
    dst: fc.array(destinations(set, hasInternet), { minLength: 1, maxLength: 2 }),
    ip: fc.constantFrom(['tcp:22'], ['*'], ['udp:53', 'tcp:443']),
    via: fc.constantFrom(undefined, undefined, ['tag:router'], ['tag:exit']),
  });
  return fc.array(grant, { minLength: 1, maxLength: 3 }).map((grants) => {
    const sets = {
      'ipset:inner': list.map(([action, piece]) => `${action} ${piece}`.trim()),
      'ipset:s': ['add ipset:inner', ...(hasInternet ? ['autogroup:internet'] : [])],
    };
    const write = (side: 'written' | 'out') =>
      grants.map(({ src, dst, ip, via }) => ({
        src: src.flatMap((f) => f[side]),
        dst: dst.flatMap((f) => f[side]),
        ip,
        ...(via === undefined ? {} : { via }),
      }));
    return { assumed: { ipsets: sets, grants: write('written') }, exact: { grants: write('out') } };
  });
});

function packetsOn(tailnet: CompiledTailnet, id: string): PacketSet {
  return PacketSet.unionAll(tailnet.rulesOn(id).map(rulePackets));
}

function routesOf(tailnet: CompiledTailnet, id: string): string[] {
  return tailnet
    .routesAt(id)
    .flatMap((r) => [...r.prefixes, ...r.maybe].map((prefix) => `${r.peer} ${formatPrefix(prefix)}`));
}

/** What one answer has and the other lacks. */
function excess(part: CompiledTailnet, whole: CompiledTailnet): string[] {
  return DEVICES.flatMap(({ id }) => {
    const out: string[] = [];
    if (!packetsOn(part, id).isSubsetOf(packetsOn(whole, id))) out.push(`packets at ${id}`);
    for (const peer of part.peersOf(id)) if (!whole.peersOf(id).includes(peer)) out.push(`${id} sees ${peer}`);
    const offered = routesOf(whole, id);
    for (const route of routesOf(part, id)) if (!offered.includes(route)) out.push(`${id} has ${route}`);
    return out;
  });
}

describe('what is assumed', () => {
  it('holds what the written-out policy does', () => {
    fc.assert(
      fc.property(policies, ({ assumed, exact }) => {
        const bound = compiled(assumed, DEVICES);
        expect(excess(compiled(exact, DEVICES), bound)).toEqual([]);
      }),
      { numRuns: 150, seed: 20261125 },
    );
  });

  it('holds every part of the sources that a posture may let through', () => {
    fc.assert(
      fc.property(fc.subarray(DEVICES.slice(1, 4)), fc.boolean(), (meeting, byDefault) => {
        const grant = { src: ['tag:orch', 'autogroup:member'], dst: ['tag:model', '10.0.0.0/24'], ip: ['tcp:22'] };
        const posture = byDefault
          ? { defaultSrcPosture: ['posture:p'], grants: [grant] }
          : { grants: [{ ...grant, srcPosture: ['posture:p'] }] };
        const bound = compiled({ postures: { 'posture:p': ["node:os == 'linux'"] }, ...posture }, DEVICES);
        const src = meeting.flatMap((d) => d.addresses.map(formatAddress));
        expect(excess(compiled({ grants: [{ ...grant, src }] }, DEVICES), bound)).toEqual([]);
        expect(bound.unmodelled.map((u) => u.kind)).toEqual(['assumed']);
        expect(bound.rulesOn('model').some((r) => r.exact)).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('places a service on whatever device may host it', () => {
    const bound = compiled({ grants: [{ src: ['tag:orch'], dst: ['svc:web'], ip: ['tcp:443'] }] }, DEVICES);
    for (const { id } of DEVICES) {
      const [rule] = bound.rulesOn(id);
      expect(rule?.dst[0]?.addresses.format()).toContain('100.64.0.7-');
      expect(rule?.exact).toBe(false);
    }
    expect(bound.peersOf('orch')).toEqual(['model', 'laptop', 'desk', 'router', 'exit']);
  });
});

describe('an IP set', () => {
  const grant = (dst: string) => ({ src: ['tag:orch'], dst: [dst], ip: ['tcp:1'] });
  const on = (ipsets: object, id: string) =>
    rules(compiled({ hosts: { nas: '10.0.0.9' }, ipsets, grants: [grant('ipset:a')] }, DEVICES), id);

  it('is placed where its parts are', () => {
    const sets = {
      'ipset:a': ['add ipset:b', 'remove 10.0.1.0/24', '100.64.0.1'],
      'ipset:b': ['host:nas', '10.9.0.0/16'],
    };
    expect(on(sets, 'router')).toEqual(['? 100.64.0.2,fd7a:115c:a1e0::2 -> 10.0.0.9:1 6']);
    expect(on(sets, 'model')).toEqual(['? 100.64.0.2,fd7a:115c:a1e0::2 -> 100.64.0.1:1 6']);
    expect(on(sets, 'laptop')).toEqual([]);
  });

  it('as a source is all of its addresses, the internet included', () => {
    const ipsets = { 'ipset:a': ['add autogroup:internet', '10.0.0.9'] };
    const [rule] = compiled({ ipsets, grants: [{ ...grant('tag:model'), src: ['ipset:a'] }] }, DEVICES).rulesOn(
      'model',
    );
    const has = (value: bigint) => rule?.src.contains({ family: 4, value });
    expect([has(0x08080808n), has(0x0a000009n), has(0x0a00000an)]).toEqual([true, true, false]);
  });

  it('keeps what it removes', () => {
    const sets = { 'ipset:a': ['add 10.0.0.0/16', 'remove 10.0.0.0/16'] };
    expect(on(sets, 'router')).toEqual(['? 100.64.0.2,fd7a:115c:a1e0::2 -> 10.0.0.0/16:1 6']);
  });

  it.each<[string, object]>([
    ['is not defined', {}],
    ['contains itself', { 'ipset:a': ['ipset:b'], 'ipset:b': ['ipset:a'] }],
    ['names a tag', { 'ipset:a': ['tag:model'] }],
    ['has an operation that nobody knows', { 'ipset:a': ['10.0.0.0/8', 'toggle 10.0.0.1'] }],
    ['has two targets in one operation', { 'ipset:a': ['add 10.0.0.0/8 10.1.0.0/16'] }],
    ['names a host that is none', { 'ipset:a': ['nohost'] }],
  ])('is anything at all where it %s', (_what, sets) => {
    expect(on(sets, 'laptop')).toEqual(['? 100.64.0.2,fd7a:115c:a1e0::2 -> *:1 6']);
    const { unmodelled } = compiled({ ipsets: sets, grants: [grant('ipset:a')] }, DEVICES);
    expect(unmodelled.map((u) => u.kind)).toEqual(['unmodelled']);
  });

  it('that many others share is looked at once', () => {
    const sets = Object.fromEntries(
      Array.from({ length: 60 }, (_, i) => [`ipset:${i}`, [`ipset:${i + 1}`, `add ipset:${i + 1}`]]),
    );
    const last = { ...sets, 'ipset:60': ['10.0.0.1'], 'ipset:a': ['ipset:0'] };
    expect(on(last, 'router')).toEqual(['? 100.64.0.2,fd7a:115c:a1e0::2 -> 10.0.0.1:1 6']);
  });
});

describe('what the parser keeps', () => {
  it('has a place for every name and key that it does not know', () => {
    const { unmodelled } = policyOf(`{
  "grants": [],
  "tagOwners": {"tag:x": ["autogroup:robots"], "tag:y": ["ada@example.com", "tag:x", "autogroup:member"]},
  "autoApprovers": {"routes": {"ten": ["tag:x"]}, "exitNode": ["*"], "domains": {"a.example": ["tag:x"]}},
  "tests": [{"src": "tag:x", "deny": ["tag:y:1"], "srcPostureAttrs": {"node:os": "linux"}, "note": 1}],
}`);
    expect(unmodelled.map((u) => [u.kind, u.span?.line, u.touches[0]])).toEqual([
      ['unmodelled', 3, 'ownership'],
      ['unmodelled', 4, 'ownership'],
      ['unmodelled', 4, 'ownership'],
      ['unmodelled', 4, 'ownership'],
      ['unmodelled', 5, 'tests'],
      ['unmodelled', 5, 'tests'],
    ]);
  });
});
