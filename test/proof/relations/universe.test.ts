import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { literalsOf } from '../../../src/proof/relations/literals.ts';
import { buildUniverse } from '../../../src/proof/relations/universe.ts';
import { behindRoute } from '../../../src/proof/relations/via-range.ts';
import { parseDevices } from '../../../src/tailnet/device.ts';
import { parsePolicy } from '../../../src/tailnet/policy/parse.ts';
import { device } from '../../support/compare.ts';
import { accepted } from '../../topology/support.ts';

const policy = (text: object) => accepted(parsePolicy('p', JSON.stringify(text)));
const devices = (...list: object[]) => parseDevices({ devices: list }).devices;
const prefix = (text: string) => parsePrefix(text)?.prefix ?? { family: 4 as const, first: 0n, length: 32 };
const addresses = (...texts: string[]) => texts.flatMap((t) => parseAddress(t) ?? []);

describe('everybody a proof speaks about', () => {
  const rules = policy({
    tagOwners: { 'tag:a': [] },
    groups: { 'group:g': ['kim@example.com', 'user:*@example.org'] },
    hosts: { nas: '10.9.0.7', box: '100.64.0.8' },
    grants: [
      { src: ['tag:b', 'group:g'], dst: ['nas', 'box', '10.8.0.0/16', '*'], ip: ['*'], via: ['tag:c'] },
      { src: ['192.168.0.0/16'], dst: ['bob@example.com'], ip: ['*'] },
    ],
  });
  const universe = buildUniverse({
    devices: devices(device('x', [], 8), device('y', ['tag:a'], 9)),
    policies: [rules],
    tags: ['tag:role'],
  });

  it('are the devices, and whoever may come', () => {
    expect(universe.devices.map(universe.label)).toEqual([
      'x',
      'y',
      'a future holder of tag:a',
      'a future holder of tag:b',
      'a future holder of tag:c',
      'a future holder of tag:role',
      'a future device of bob@example.com',
      'a future device of future-member@example.org',
      'a future device of any member',
      'a future device of kim@example.com',
      'whoever routes 10.8.0.0/16',
      'whoever routes 10.9.0.7/32',
    ]);
  });

  it('have an address of each family that nobody else has', () => {
    const all = universe.devices.flatMap((d) => d.addresses.map(formatAddress));
    expect(new Set(all).size).toBe(all.length);
    const holder = universe.devices.find((d) => d.tags.includes('tag:role'));
    expect(holder?.addresses.map((a) => a.family)).toEqual([4, 6]);
  });

  it('send from the tailnet, from what is routed and from what a rule names', () => {
    const from = (text: string) => addresses(text).every((a) => universe.sources.contains(a));
    expect(['100.64.9.9', 'fd7a:115c:a1e0::1', '192.168.1.1'].map(from)).toEqual([true, true, true]);
    expect(['10.8.0.1', '8.8.8.8', 'fd00::1'].map(from)).toEqual([false, false, false]);
  });

  it('are told by their addresses', () => {
    const [first] = addresses('100.64.0.9');
    expect(first && universe.whois(first)).toBe('y');
    const [nobody] = addresses('100.64.0.77');
    expect(nobody && universe.whois(nobody)).toBe('whoever has 100.64.0.77');
  });

  it('have the same future in two universes that are compared', () => {
    const [one, two] = [devices(device('x', [], 8)), devices(device('x', [], 254, { addresses: ['100.127.255.254'] }))];
    const list = (own: typeof one, others: typeof one) =>
      buildUniverse({ devices: own, policies: [rules], others })
        .devices.slice(1)
        .flatMap((d) => d.addresses.map(formatAddress));
    expect(list(one, two)).toEqual(list(two, one));
    expect(list(one, two)).not.toContain('100.127.255.254');
  });

  it('include devices of which no address is listed, under one that nobody has', () => {
    const { unpinned, byId } = buildUniverse({ devices: devices(device('x', [], 8, { addresses: [] })), policies: [] });
    expect([...unpinned]).toEqual(['nxCNTRL']);
    expect(byId('nxCNTRL')?.addresses).toHaveLength(2);
  });

  it('include no router where somebody routes the network already', () => {
    const routes = { advertisedRoutes: ['10.0.0.0/8'], enabledRoutes: ['10.0.0.0/8'] };
    const { devices: all, label } = buildUniverse({ devices: devices(device('r', [], 8, routes)), policies: [rules] });
    expect(all.map(label).filter((l) => l.startsWith('whoever routes'))).toEqual([]);
  });
});

it('literals are told apart by who can have them', () => {
  const text = {
    grants: [
      {
        src: ['100.64.0.1', '10.0.0.0/8'],
        dst: ['100.64.0.0/24', 'fd7a:115c:a1e0:b1a::/64', '0.0.0.0/0', 'h'],
        ip: ['*'],
      },
    ],
    hosts: { h: 'fd00::/8' },
  };
  const { held, routed, sources } = literalsOf([policy(text)]);
  expect(held).toEqual([prefix('100.64.0.0/24')]);
  expect(routed).toEqual([prefix('fd00::/8'), prefix('fd7a:115c:a1e0:b1a::/64')]);
  expect(sources.format()).toBe('10.0.0.0/8,100.64.0.1');
});

describe('4via6', () => {
  const model = addresses('10.77.1.10', 'fd77:1::a');

  it.each([
    ['an IPv4 route', '10.77.0.0/16', '10.77.1.10,fd77:1::a'],
    ['another IPv6 route', 'fd77::/16', '10.77.1.10,fd77:1::a'],
    ['an exit node', '::/0', '10.77.1.10,fd77:1::a'],
    [
      'the network at a site',
      'fd7a:115c:a1e0:b1a:0:7:a4d:100/120',
      '10.77.1.10,fd77:1::a,fd7a:115c:a1e0:b1a:0:7:a4d:10a',
    ],
    ['the next network', 'fd7a:115c:a1e0:b1a:0:7:a4d:200/120', '10.77.1.10,fd77:1::a'],
    ['a whole site', 'fd7a:115c:a1e0:b1a:0:7::/96', '10.77.1.10,fd77:1::a,fd7a:115c:a1e0:b1a:0:7:a4d:10a'],
    ['all sites', 'fd7a:115c:a1e0:b1a::/64', '10.77.1.10,fd77:1::a,fd7a:115c:a1e0:b1a::/64'],
  ])('%s leads to', (_what, route, reached) => expect(behindRoute(model, prefix(route)).format()).toBe(reached));
});
