import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSet } from '../../../src/net/address-set.ts';
import { overlaps } from '../../../src/net/prefix.ts';
import type { CompiledTailnet } from '../../../src/tailnet/compile.ts';
import { approvedRoutes, type Device, isExitRoute } from '../../../src/tailnet/device.ts';
import { compiled, device } from '../../tailnet/support.ts';

const ROUTES = ['10.1.0.0/16', '10.1.2.0/24', '10.2.0.0/16', '0.0.0.0/0', '100.64.0.0/28'];
const owners = fc.constantFrom('tag:a', 'tag:b', 'tag:a,tag:b', 'ada@x.example', 'bob@x.example');
const devices: fc.Arbitrary<Device[]> = fc
  .array(fc.tuple(owners, fc.subarray(ROUTES, { maxLength: 2 })), { minLength: 2, maxLength: 7 })
  .map((list) => list.map(([owner, approved], i) => device(`d${i}`, i + 1, owner, { approved })));

const source = fc.constantFrom(
  '*',
  'tag:a',
  'tag:b',
  'group:g',
  'ada@x.example',
  'autogroup:member',
  'autogroup:tagged',
  '100.64.0.2',
  '10.1.0.0/16',
  'autogroup:danger-all',
  'autogroup:admin',
  'nohost',
);
const target = fc.constantFrom(
  '*',
  'tag:a',
  'tag:b',
  'group:g',
  'bob@x.example',
  'autogroup:self',
  'autogroup:internet',
  '100.64.0.1',
  '10.1.0.0/16',
  '10.0.0.0/8',
  'svc:web',
);
const grant = fc.record({
  src: fc.array(source, { minLength: 1, maxLength: 2 }),
  dst: fc.array(target, { minLength: 1, maxLength: 2 }),
  ip: fc.subarray(['*', 'tcp:80', 'udp:53', '22-23'], { minLength: 1, maxLength: 2 }),
});
const grants = fc.array(grant, { minLength: 1, maxLength: 4 });
const policy = (list: object[]) => ({
  groups: { 'group:g': ['ada@x.example'] },
  tagOwners: { 'tag:a': [], 'tag:b': [] },
  grants: list,
});

function subnets(d: Device): AddressSet {
  return AddressSet.ofPrefixes(...approvedRoutes(d).filter((r) => !isExitRoute(r)));
}

/** The definition, device by device: a rule on `to` has a source that meets `from`. */
function admits(tailnet: CompiledTailnet, to: Device, from: Device): boolean {
  const addresses = AddressSet.ofAddresses(...from.addresses).union(subnets(from));
  return tailnet.rulesOn(to.id).some((r) => r.src.overlaps(addresses));
}

describe('compileTailnet', () => {
  it('finds by classes the peers that the rules define one by one', () => {
    fc.assert(
      fc.property(devices, grants, (list, rules) => {
        const tailnet = compiled(policy(rules), list);
        for (const d of list) {
          const peers = list.filter((o) => o !== d && (admits(tailnet, d, o) || admits(tailnet, o, d)));
          expect(tailnet.peersOf(d.id)).toEqual(peers.map((o) => o.id));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('offers routes of peers only, and only those in force', () => {
    fc.assert(
      fc.property(devices, grants, (list, rules) => {
        const tailnet = compiled(policy(rules), list);
        for (const d of list) {
          for (const { peer, prefixes, maybe } of tailnet.routesAt(d.id)) {
            expect(tailnet.peersOf(d.id)).toContain(peer);
            const router = list.find((o) => o.id === peer);
            const approved = router === undefined ? [] : approvedRoutes(router);
            for (const r of [...prefixes, ...maybe]) expect(approved).toContainEqual(r);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('never takes anything away when a grant is added', () => {
    fc.assert(
      fc.property(devices, grants, grant, (list, rules, more) => {
        const before = compiled(policy(rules), list);
        const after = compiled(policy([...rules, more]), list);
        for (const d of list) {
          expect(after.rulesOn(d.id).slice(0, before.rulesOn(d.id).length)).toEqual(before.rulesOn(d.id));
          expect(after.peersOf(d.id)).toEqual(expect.arrayContaining([...before.peersOf(d.id)]));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('does not depend on the order of devices', () => {
    fc.assert(
      fc.property(devices, grants, (list, rules) => {
        const one = compiled(policy(rules), list);
        const other = compiled(policy(rules), list.toReversed());
        for (const d of list) {
          expect(other.rulesOn(d.id)).toEqual(one.rulesOn(d.id));
          expect([...other.peersOf(d.id)].sort()).toEqual([...one.peersOf(d.id)].sort());
        }
      }),
      { numRuns: 100 },
    );
  });

  it('delivers only what concerns the device: its own addresses, its routes, or everything', () => {
    fc.assert(
      fc.property(devices, grants, (list, rules) => {
        const tailnet = compiled(policy(rules), list);
        for (const d of list) {
          const local = AddressSet.ofAddresses(...d.addresses).union(AddressSet.ofPrefixes(...approvedRoutes(d)));
          for (const rule of tailnet.rulesOn(d.id).filter((r) => r.exact)) {
            expect(rule.dst.every((t) => t.addresses.overlaps(local))).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has routes that overlap in the generated tailnets, or the properties above say little', () => {
    const sample = fc.sample(devices, { numRuns: 200, seed: 1 });
    const nested = sample.filter((list) => {
      const routes = list.flatMap((d) => approvedRoutes(d).filter((r) => !isExitRoute(r)));
      return routes.some((a, i) => routes.some((b, j) => i !== j && overlaps(a, b)));
    });
    expect(nested.length).toBeGreaterThan(50);
  });
});
