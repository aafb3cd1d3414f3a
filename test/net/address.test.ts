import { describe, expect, test } from 'vitest';
import { type Address, compareAddresses, formatAddress, parseAddress } from '../../src/net/address.ts';

const v4 = (value: bigint): Address => ({ family: 4, value });
const v6 = (value: bigint): Address => ({ family: 6, value });

describe('parseAddress accepts', () => {
  test.each([
    ['0.0.0.0', v4(0n)],
    ['100.64.0.1', v4(0x64400001n)],
    ['255.255.255.255', v4(0xffffffffn)],
    ['::', v6(0n)],
    ['::1', v6(1n)],
    ['1::', v6(1n << 112n)],
    ['fd7a:115c:a1e0::1', v6((0xfd7a115ca1e0n << 80n) + 1n)],
    ['FD7A:115C:A1E0::1', v6((0xfd7a115ca1e0n << 80n) + 1n)],
    ['1:2:3:4:5:6:7:8', v6(0x00010002000300040005000600070008n)],
    ['2001:0db8::0001', v6((0x20010db8n << 96n) + 1n)],
    // Go's netip accepts one elided group; RFC 5952 only forbids writing it.
    ['1:2:3:4:5:6:7::', v6(0x00010002000300040005000600070000n)],
    ['::2:3:4:5:6:7:8', v6(0x00000002000300040005000600070008n)],
    // Mixed notation is IPv6, mapped or not.
    ['::ffff:1.2.3.4', v6(0xffff01020304n)],
    ['::ffff:102:304', v6(0xffff01020304n)],
    ['::1.2.3.4', v6(0x01020304n)],
    ['64:ff9b::192.0.2.33', v6((0x0064ff9bn << 96n) + 0xc0000221n)],
    ['1:2:3:4:5:6:1.2.3.4', v6(0x00010002000300040005000601020304n)],
  ])('%s', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });
});

describe('parseAddress refuses', () => {
  test.each([
    ['nothing', ''],
    ['a name', 'localhost'],
    ['white space only', ' '],
    ['a star', '*'],
    ['three parts', '1.2.3'],
    ['five parts', '1.2.3.4.5'],
    ['an empty part', '1..3.4'],
    ['a trailing dot', '1.2.3.4.'],
    ['a part above 255', '1.2.3.256'],
    ['a leading zero (octal elsewhere)', '01.2.3.4'],
    ['a leading zero at the end', '1.2.3.04'],
    ['two zeros', '1.2.3.00'],
    ['hexadecimal', '0x1.2.3.4'],
    ['one number', '16909060'],
    ['a sign', '+1.2.3.4'],
    ['a negative part', '1.2.3.-4'],
    ['leading white space', ' 1.2.3.4'],
    ['trailing white space', '1.2.3.4 '],
    ['inner white space', '1.2. 3.4'],
    ['a final newline', '1.2.3.4\n'],
    ['a NUL', '1.2.3.4\0'],
    ['full-width digits', '１.2.3.4'],
    ['Arabic-Indic digits', '١.2.3.4'],
    ['a mask', '1.2.3.4/32'],
    ['a mask on IPv6', '::1/128'],
    ['a port', '1.2.3.4:80'],
    ['a zone', 'fe80::1%eth0'],
    ['an empty zone', 'fe80::1%'],
    ['a zone on IPv4', '1.2.3.4%eth0'],
    ['brackets', '[::1]'],
    ['brackets and a port', '[::1]:80'],
    ['one colon', ':'],
    ['three colons', ':::'],
    ['two elisions', '1::2::3'],
    ['seven groups', '1:2:3:4:5:6:7'],
    ['nine groups', '1:2:3:4:5:6:7:8:9'],
    ['eight groups and an elision', '1:2:3:4::5:6:7:8'],
    ['eight groups and a final elision', '1:2:3:4:5:6:7:8::'],
    ['a lone leading colon', ':1:2:3:4:5:6:7'],
    ['a lone final colon', '1:2:3:4:5:6:7:'],
    ['five digits', '12345::'],
    ['five digits with zeros', '::00001'],
    ['a letter beyond f', '::g'],
    ['leading white space, IPv6', ' ::1'],
    ['trailing white space, IPv6', '::1 '],
    ['a final newline, IPv6', '::1\n'],
    ['IPv4 first', '1.2.3.4::'],
    ['IPv4 in the middle', '::1.2.3.4:5'],
    ['IPv4 with a leading zero in mixed notation', '::ffff:01.2.3.4'],
    ['IPv4 part above 255 in mixed notation', '::ffff:1.2.3.256'],
    ['short IPv4 in mixed notation', '::ffff:1.2.3'],
    ['seven groups and IPv4', '1:2:3:4:5:6:7:1.2.3.4'],
    ['five groups and IPv4', '1:2:3:4:5:1.2.3.4'],
    ['the markup of the library', '::<1>'],
  ])('%s', (_why, text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe('formatAddress', () => {
  test.each([
    ['1.2.3.4', '1.2.3.4'],
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    // RFC 5952 section 4.1: no leading zeros; 4.3: lower case.
    ['2001:0DB8::00A0', '2001:db8::a0'],
    // 4.2.2: one zero group is not elided.
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    // 4.2.3: the longest run, the first of equals.
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    // 5: the mapped range in mixed notation, its neighbours not.
    ['::ffff:102:304', '::ffff:1.2.3.4'],
    ['::ffff:0:0', '::ffff:0.0.0.0'],
    ['::1.2.3.4', '::102:304'],
    ['::1:ffff:102:304', '::1:ffff:102:304'],
    ['::fffe:102:304', '::fffe:102:304'],
  ])('%s is written %s', (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });
});

describe('compareAddresses', () => {
  test('puts every IPv4 address before every IPv6 address, then sorts by number', () => {
    const sorted = [v4(0n), v4(1n), v4(0xffffffffn), v6(0n), v6(1n), v6(1n << 127n)];
    expect(sorted.toReversed().sort(compareAddresses)).toEqual(sorted);
    expect(compareAddresses(v4(1n), v4(1n))).toBe(0);
    expect(compareAddresses(v4(1n), v6(1n))).not.toBe(0);
  });
});
