import { describe, expect, test } from 'vitest';
import { isOnLink, networkOf, type Route, RouteTable } from '../../../src/lab/matrix/route-table.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { address, prefix } from '../topology.ts';

const route = (to: string, device: string, metric: number): Route => ({
  prefix: prefix(to),
  device,
  via: undefined,
  metric,
});
const found = (routes: readonly Route[], to: string, device?: string) =>
  new RouteTable(routes).find(address(to), device)?.device;

describe('what the kernel finds in a table', () => {
  const routes = [
    route('10.0.0.0/8', 'wide', 0),
    route('10.1.0.0/16', 'far', 200),
    route('10.1.0.0/16', 'near', 100),
    route('10.1.2.3/32', 'host', 300),
    route('fd00::/8', 'six', 0),
  ];

  test.each([
    ['10.1.2.3', 'host'], // the longest prefix, whatever its metric
    ['10.1.2.4', 'near'], // among equals the lowest metric, whatever the order
    ['10.2.0.1', 'wide'],
    ['11.0.0.1', undefined],
    ['fd00::1', 'six'],
    ['fe80::1', undefined],
  ])('%s over %s', (to, device) => expect(found(routes, to)).toBe(device));

  test('a bound socket sees its device alone', () => {
    expect(found(routes, '10.1.2.3', 'far')).toBe('far');
    expect(found(routes, '10.1.2.3', 'wide')).toBe('wide');
    expect(found(routes, '10.2.0.1', 'host')).toBeUndefined();
  });
});

test('an address is on a link if some network of the link has it', () => {
  const addresses = [
    { address: address('10.0.0.5'), length: 24 },
    { address: address('100.64.0.1'), length: 32 },
  ];
  const link = { name: 'eth0', network: 'n', hubPort: 'p', mac: '', addresses, linkLocal: address('fe80::1') };
  expect(addresses.map((a) => formatPrefix(networkOf(a)))).toEqual(['10.0.0.0/24', '100.64.0.1/32']);
  expect(['10.0.0.0', '10.0.0.255', '10.0.1.0', '100.64.0.1'].map((a) => isOnLink(link, address(a)))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
