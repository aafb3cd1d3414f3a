import { describe, expect, test } from 'vitest';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { AddressSet } from '../../src/net/address-set.ts';
import { IntervalSet } from '../../src/net/interval-set.ts';
import { formatPrefix, parsePrefix } from '../../src/net/prefix.ts';

function address(text: string): Address {
  const a = parseAddress(text);
  if (a === undefined) throw new Error(text);
  return a;
}

function prefixes(...texts: string[]): AddressSet {
  return AddressSet.ofPrefixes(...texts.flatMap((t) => parsePrefix(t)?.prefix ?? []));
}

describe('AddressSet', () => {
  test('the families never mix', () => {
    const v4 = prefixes('0.0.0.0/0');
    expect(v4.contains(address('1.2.3.4'))).toBe(true);
    expect(v4.contains(address('::1.2.3.4'))).toBe(false);
    expect(v4.contains(address('::ffff:1.2.3.4'))).toBe(false);
    expect(v4.overlaps(prefixes('::/0'))).toBe(false);
    expect(v4.complement().equals(prefixes('::/0'))).toBe(true);
    expect(v4.isSubsetOf(prefixes('::/0'))).toBe(false);
    expect(v4.union(prefixes('::/0')).equals(AddressSet.all)).toBe(true);
  });

  test.each([
    [AddressSet.all, '*'],
    [AddressSet.empty, 'none'],
    [prefixes('0.0.0.0/0'), '0.0.0.0/0'],
    [prefixes('::/0'), '::/0'],
    [prefixes('10.0.0.0/9', '10.128.0.0/9'), '10.0.0.0/8'],
    [prefixes('10.0.0.0/9', '11.0.0.0/8'), '10.0.0.0/9,11.0.0.0/8'],
    [prefixes('10.0.0.0/32', '10.0.0.1/32', '10.0.0.2/32'), '10.0.0.0-10.0.0.2'],
    [prefixes('1.2.3.4', '::1'), '1.2.3.4,::1'],
    [prefixes('fd00::/9', 'fd80::/9', '::ffff:0:0/96'), '::ffff:0.0.0.0/96,fd00::/8'],
    [AddressSet.all.subtract(prefixes('0.0.0.0')), '0.0.0.1-255.255.255.255,::/0'],
  ])('format %#', (set, text) => {
    expect(set.format()).toBe(text);
  });

  test('ofRange is inclusive and refuses what is not a range', () => {
    const range = AddressSet.ofRange(address('10.0.0.1'), address('10.0.0.6'));
    expect(range.toPrefixes().map(formatPrefix)).toEqual(['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6/32']);
    expect(() => AddressSet.ofRange(address('10.0.0.2'), address('10.0.0.1'))).toThrow(RangeError);
    expect(AddressSet.ofRange(address('10.0.0.2'), address('10.0.0.2')).format()).toBe('10.0.0.2');
    expect(() => AddressSet.ofRange(address('10.0.0.2'), address('::ff'))).toThrow(RangeError);
    expect(() => AddressSet.ofRange(address('10.0.0.2'), address('ff::'))).toThrow(RangeError);
    expect(() => AddressSet.ofRange(address('::1'), address('10.0.0.2'))).toThrow(RangeError);
  });

  test('toPrefixes reaches both ends of both families', () => {
    expect(AddressSet.all.toPrefixes().map(formatPrefix)).toEqual(['0.0.0.0/0', '::/0']);
    expect(AddressSet.all.subtract(prefixes('255.255.255.255', '::/1')).toPrefixes().length).toBe(32 + 1);
  });

  test('sample is the lowest address, IPv4 first', () => {
    expect(prefixes('fd00::/8', '10.0.0.0/8').sample()).toEqual(address('10.0.0.0'));
    expect(prefixes('fd00::/8').sample()).toEqual(address('fd00::'));
    expect(AddressSet.empty.sample()).toBeUndefined();
  });

  test('ofIntervals cuts what is beyond the family', () => {
    const wide = IntervalSet.of([0n, 1n << 130n]);
    expect(AddressSet.ofIntervals(wide, wide).equals(AddressSet.all)).toBe(true);
  });
});
