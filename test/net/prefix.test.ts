import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/net/address.ts';
import {
  containsAddress,
  containsPrefix,
  formatPrefix,
  lastAddress,
  overlaps,
  type Prefix,
  parsePrefix,
  TAILNET_V4,
  TAILNET_V6,
} from '../../src/net/prefix.ts';

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`${text} is not a prefix`);
  return parsed.prefix;
}

describe('parsePrefix accepts', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8', false],
    ['10.0.0.1/8', '10.0.0.0/8', true],
    ['10.255.255.255/8', '10.0.0.0/8', true],
    ['1.2.3.4', '1.2.3.4/32', false],
    ['1.2.3.4/32', '1.2.3.4/32', false],
    ['1.2.3.4/31', '1.2.3.4/31', false],
    ['1.2.3.5/31', '1.2.3.4/31', true],
    ['0.0.0.0/0', '0.0.0.0/0', false],
    ['1.2.3.4/0', '0.0.0.0/0', true],
    ['::/0', '::/0', false],
    ['::1/0', '::/0', true],
    ['::1', '::1/128', false],
    ['::1/128', '::1/128', false],
    ['::1/127', '::/127', true],
    ['fd7a:115c:a1e0::/48', 'fd7a:115c:a1e0::/48', false],
    ['fd7a:115c:a1e0:1::/48', 'fd7a:115c:a1e0::/48', true],
    // A mapped prefix stays IPv6, with IPv6 lengths.
    ['::ffff:1.2.3.0/120', '::ffff:1.2.3.0/120', false],
    ['::ffff:1.2.3.4/24', '::/24', true],
  ])('%s as %s, host bits %s', (text, canonical, hostBits) => {
    const parsed = parsePrefix(text);
    expect(parsed && formatPrefix(parsed.prefix)).toBe(canonical);
    expect(parsed?.hostBits).toBe(hostBits);
  });
});

describe('parsePrefix refuses', () => {
  test.each([
    [''],
    ['/'],
    ['/24'],
    ['10.0.0.0/'],
    ['10.0.0.0/33'],
    ['10.0.0.0/128'],
    ['10.0.0.0/-1'],
    ['10.0.0.0/+8'],
    ['10.0.0.0/08'],
    ['10.0.0.0/00'],
    ['10.0.0.0/8.0'],
    ['10.0.0.0/8e0'],
    ['10.0.0.0/0x8'],
    ['10.0.0.0/ 8'],
    ['10.0.0.0 /8'],
    ['10.0.0.0/8 '],
    [' 10.0.0.0/8'],
    ['10.0.0.0/8\n'],
    ['10.0.0.0/8/8'],
    ['10.0.0.0//8'],
    ['10.0.0/8'],
    ['010.0.0.0/8'],
    ['10.0.0.0/255.0.0.0'],
    ['10.0.0.0/٨'],
    ['::/129'],
    ['::/1000'],
    ['::/064'],
    ['fe80::1%eth0/64'],
    ['fe80::/64%eth0'],
    ['[::]/0'],
    ['::ffff:1.2.3.4/129'],
  ])('%j', (text) => {
    expect(parsePrefix(text)).toBeUndefined();
  });
});

describe('relations between prefixes', () => {
  test.each([
    ['10.0.0.0/8', '10.0.0.0/8', true, true],
    ['10.0.0.0/8', '10.1.0.0/16', true, true],
    ['10.1.0.0/16', '10.0.0.0/8', false, true],
    ['10.0.0.0/8', '11.0.0.0/8', false, false],
    ['10.0.0.0/9', '10.128.0.0/9', false, false],
    ['0.0.0.0/0', '255.255.255.255/32', true, true],
    // The same numbers in the other family are other addresses.
    ['::/0', '10.0.0.0/8', false, false],
    ['0.0.0.0/0', '::/128', false, false],
  ])('%s and %s: contains %s, overlaps %s', (a, b, contains, overlap) => {
    expect(containsPrefix(prefix(a), prefix(b))).toBe(contains);
    expect(overlaps(prefix(a), prefix(b))).toBe(overlap);
    expect(overlaps(prefix(b), prefix(a))).toBe(overlap);
  });

  test.each([
    ['100.63.255.255', false],
    ['100.64.0.0', true],
    ['100.127.255.255', true],
    ['100.128.0.0', false],
    ['::6440:1', false],
  ])('the tailnet IPv4 range and %s: %s', (text, inside) => {
    const address = parseAddress(text);
    expect(address && containsAddress(TAILNET_V4, address)).toBe(inside);
  });

  test.each([
    ['fd7a:115c:a1df:ffff:ffff:ffff:ffff:ffff', false],
    ['fd7a:115c:a1e0::', true],
    ['fd7a:115c:a1e0:ffff:ffff:ffff:ffff:ffff', true],
    ['fd7a:115c:a1e1::', false],
  ])('the tailnet IPv6 range and %s: %s', (text, inside) => {
    const address = parseAddress(text);
    expect(address && containsAddress(TAILNET_V6, address)).toBe(inside);
  });

  test('lastAddress', () => {
    expect(lastAddress(prefix('10.0.0.0/8'))).toEqual(parseAddress('10.255.255.255'));
    expect(lastAddress(prefix('1.2.3.4'))).toEqual(parseAddress('1.2.3.4'));
    expect(lastAddress(prefix('::/0'))).toEqual(parseAddress('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'));
  });

  test('the constants are what they are written as', () => {
    expect(formatPrefix(TAILNET_V4)).toBe('100.64.0.0/10');
    expect(formatPrefix(TAILNET_V6)).toBe('fd7a:115c:a1e0::/48');
  });
});
