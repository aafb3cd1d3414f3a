import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSet } from '../../../src/net/address-set.ts';
import { formatPrefix, overlaps } from '../../../src/net/prefix.ts';
import type { CompiledTailnet } from '../../../src/tailnet/compile.ts';
import { approvedRoutes, type Device, isExitRoute } from '../../../src/tailnet/device.ts';
import { compiled } from '../../tailnet/support.ts';
import { NaiveTailnet } from './naive.ts';
import {
  devices as devicesWith,
  exactGrant,
  grant,
  listOf,
  packetsInto,
  policyWith as policy,
  withPrimaries,
} from './worlds.ts';

const devices = devicesWith();
const grants = listOf(grant);

function subnets(d: Device): AddressSet {
  return AddressSet.ofPrefixes(...approvedRoutes(d).filter((r) => !isExitRoute(r)));
}

/** The definition, device by device: a rule on `to` has a source that meets `from`. */
function admits(tailnet: CompiledTailnet, to: Device, from: Device): boolean {
  const addresses = AddressSet.ofAddresses(...from.addresses).union(subnets(from));
  return tailnet.rulesOn(to.id).some((r) => r.src.overlaps(addresses));
}

/** `router: routes`, sorted, of the routes that are certain. */
function routes(tailnet: CompiledTailnet, id: string): string[] {
  return tailnet.routesAt(id).map(({ peer, prefixes }) => `${peer}: ${prefixes.map(formatPrefix).sort().join(' ')}`);
}

describe('compileTailnet', () => {
  it('finds by classes the rules, peers and routes that the definition gives device by device', () => {
    fc.assert(
      fc.property(devicesWith(false).map(withPrimaries), listOf(exactGrant), (list, rules) => {
        const tailnet = compiled(policy(rules), list);
        const naive = new NaiveTailnet(rules, list);
        for (const d of list) {
          expect(packetsInto(tailnet, d.id, true)).toBe(naive.packetsInto(d));
          expect(tailnet.peersOf(d.id)).toEqual(naive.peersOf(d));
          expect(routes(tailnet, d.id)).toEqual(naive.routesAt(d));
        }
      }),
      { numRuns: 150 },
    );
  });

  it('counts the peers that it would list, and each device in one class', () => {
    fc.assert(
      fc.property(devices, grants, (list, rules) => {
        const tailnet = compiled(policy(rules), list);
        expect(tailnet.peerPairs()).toBe(list.reduce((sum, d) => sum + tailnet.peersOf(d.id).length, 0));
        expect(
          tailnet
            .classes()
            .flatMap((c) => c.members)
            .sort(),
        ).toEqual(list.map((_, i) => i));
      }),
      { numRuns: 100 },
    );
  });

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
          expect(packetsInto(before, d.id).isSubsetOf(packetsInto(after, d.id))).toBe(true);
          expect(packetsInto(before, d.id, true).isSubsetOf(packetsInto(after, d.id, true))).toBe(true);
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
