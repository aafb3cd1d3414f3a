import { describe, expect, it } from 'vitest';
import { AddressSet } from '../../src/net/address-set.ts';
import { compileTailnet } from '../../src/tailnet/compile.ts';
import { approvedRoutes, type Device, isExitRoute, parseDevices } from '../../src/tailnet/device.ts';
import { dense } from '../bench/tailnet-world.ts';
import { compiled, device, policyOf } from './support.ts';

const SELF = { src: ['autogroup:member'], dst: ['autogroup:self'], ip: ['tcp:22'] };

/** Ordered pairs by the definition: a rule on the one has a source that meets the other, or the other way round. */
function bruteForce(list: readonly Device[], rulesOn: (id: string) => readonly { readonly src: AddressSet }[]): number {
  const places = list.map((d) => {
    const subnets = approvedRoutes(d).filter((r) => !isExitRoute(r));
    return {
      rules: rulesOn(d.id),
      at: AddressSet.ofAddresses(...d.addresses).union(AddressSet.ofPrefixes(...subnets)),
    };
  });
  const admits = (to: (typeof places)[number], from: (typeof places)[number]) =>
    to.rules.some((r) => r.src.overlaps(from.at));
  return places.reduce((sum, a) => sum + places.filter((b) => a !== b && (admits(a, b) || admits(b, a))).length, 0);
}

describe('peerPairs', () => {
  const ada = ['a1', 'a2', 'a3'].map((name, i) => device(name, 10 + i, 'ada@x.example'));
  const bob = ['b1', 'b2'].map((name, i) => device(name, 20 + i, 'bob@x.example'));
  const lone = device('lone', 30, 'eve@x.example');
  const tagged = device('t', 40, 'tag:t');

  it('counts the devices of each owner, where only they see each other', () => {
    expect(compiled({ grants: [SELF] }, [...ada, ...bob, lone, tagged]).peerPairs()).toBe(6 + 2);
  });

  it('counts nobody twice who is seen by another rule as well', () => {
    const grants = [SELF, { src: ['ada@x.example'], dst: ['autogroup:member'], ip: ['*'] }];
    // Ada's devices see and are seen by all six; Bob's see each other.
    expect(compiled({ grants }, [...ada, ...bob, lone, tagged]).peerPairs()).toBe(6 * 5 - 6 + 2);
  });

  it('counts routers of tailnet addresses as met by the owners behind them', () => {
    const router = device('r', 41, 'tag:t', { approved: ['100.64.0.8/29'] });
    const own = device('o', 42, 'bob@x.example', { approved: ['100.64.0.8/29'] });
    const list = [...ada, ...bob, lone, tagged, router, own];
    const tailnet = compiled({ grants: [SELF] }, list);
    expect(tailnet.peersOf('r')).toEqual(['a1', 'a2', 'a3']);
    expect(tailnet.peerPairs()).toBe(list.reduce((sum, d) => sum + tailnet.peersOf(d.id).length, 0));
    // Ada 6, Bob with his router 6, both routers with each of Ada's devices 6 each.
    expect(tailnet.peerPairs()).toBe(6 + 6 + 12);
  });

  it('counts two such routers once, where the one is of an owner behind the other', () => {
    const router = device('r', 41, 'tag:t', { approved: ['100.64.0.8/29'] });
    const own = device('o', 13, 'ada@x.example', { approved: ['100.64.0.8/29'] });
    const tailnet = compiled({ grants: [SELF] }, [...ada, router, own]);
    expect(tailnet.peersOf('r')).toEqual(['a1', 'a2', 'a3', 'o']);
    expect(tailnet.peerPairs()).toBe(4 * 3 + 2 * 4);
  });

  it('does not take a device that is shared in for one of its owner here', () => {
    const shared = { ...device('s', 50, 'ada@x.example'), isExternal: true };
    expect(compiled({ grants: [SELF] }, [...ada, shared]).peerPairs()).toBe(6);
  });

  it.each([
    [60, 3],
    [150, 12],
    [150, 60],
  ])('is what the definition gives, for a dense tailnet of %i devices and %i rules', (nodes, rules) => {
    const world = dense(nodes, rules);
    const { devices, problems } = parseDevices(JSON.parse(world.devices));
    expect(problems).toEqual([]);
    const tailnet = compileTailnet(policyOf(world.policy), { devices, users: [] });
    const pairs = bruteForce(devices, tailnet.rulesOn);
    expect(tailnet.peerPairs()).toBe(pairs);
    expect([pairs > 0, pairs < nodes * (nodes - 1)]).toEqual([true, true]);
  });
});
