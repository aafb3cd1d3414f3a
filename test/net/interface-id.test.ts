import { describe, expect, test } from 'vitest';
import {
  interfaceName,
  interfacesBeginning,
  interfaceValue,
  internInterface,
  isInterfaceName,
  NO_INTERFACE,
  UNNAMED_INTERFACE,
} from '../../src/net/interface-id.ts';

describe('interface numbers', () => {
  const names = ['!', '!!', 'a', 'docker0', 'eth', 'eth0', 'eth0.100', 'eth1', 'lo', 'tailscale0', '~~~~~~~~~~~~~~~'];

  test('grow with the dictionary order of the names and never meet the reserved values', () => {
    const numbers = names.map(internInterface);
    expect(numbers.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(numbers);
    expect(new Set(numbers).size).toBe(names.length);
    for (const n of numbers) expect(n > UNNAMED_INTERFACE && n < NO_INTERFACE).toBe(true);
  });

  test('give the name back', () => {
    for (const name of names) expect(interfaceName(internInterface(name))).toBe(name);
  });

  test('leave no number without a name', () => {
    expect(interfaceName(UNNAMED_INTERFACE)).toBe('');
    expect(interfaceName(1n)).toBe('!');
    expect(interfaceName(15n)).toBe('!'.repeat(15));
    expect(interfaceName(16n)).toBe(`${'!'.repeat(14)}"`);
    expect(interfaceName(NO_INTERFACE - 1n)).toBe('~'.repeat(15));
    expect(interfaceName(NO_INTERFACE)).toBeUndefined();
    expect(interfaceName(-1n)).toBeUndefined();
  });

  test('interfaceValue reads a packet', () => {
    expect(interfaceValue(undefined)).toBe(NO_INTERFACE);
    expect(interfaceValue('')).toBe(UNNAMED_INTERFACE);
    expect(interfaceValue('eth0')).toBe(internInterface('eth0'));
    expect(() => interfaceValue('a/b')).toThrow(RangeError);
  });
});

describe('isInterfaceName', () => {
  test.each(['lo', 'tailscale0', 'br-0123456789ab', 'eth0.100', 'veth@if3', 'a', '-', '...', 'x'.repeat(15)])(
    '%s',
    (name) => {
      expect(isInterfaceName(name)).toBe(true);
    },
  );

  test.each(['', '.', '..', 'a/b', 'eth0:1', 'a b', 'a\tb', 'a\n', 'x'.repeat(16), 'é', 'eth\0', '\x7f'])(
    'not %j',
    (name) => {
      expect(isInterfaceName(name)).toBe(false);
      expect(() => internInterface(name)).toThrow(RangeError);
    },
  );
});

describe('interfacesBeginning', () => {
  const veth = interfacesBeginning('veth');

  test.each(['veth', 'veth0', 'veth!', 'vethffffffffff', `veth${'~'.repeat(11)}`])('veth* has %s', (name) => {
    expect(veth.contains(internInterface(name))).toBe(true);
  });

  test.each(['vet', 'veti', 'vet~', 'Veth0', 'xveth', 'v', 'eth0'])('veth* has no %s', (name) => {
    expect(veth.contains(internInterface(name))).toBe(false);
  });

  test('has neither the unnamed interface nor the missing one', () => {
    expect(veth.contains(UNNAMED_INTERFACE)).toBe(false);
    expect(veth.contains(NO_INTERFACE)).toBe(false);
  });

  test('an empty beginning is every interface there is', () => {
    expect(interfacesBeginning('').intervals).toEqual([[UNNAMED_INTERFACE, NO_INTERFACE - 1n]]);
  });

  test('a whole name of full length is only itself; dots may begin a name', () => {
    expect(interfacesBeginning('x'.repeat(15)).size()).toBe(1n);
    expect(interfacesBeginning('.').contains(internInterface('.a'))).toBe(true);
    expect(() => interfacesBeginning('x'.repeat(16))).toThrow(RangeError);
    expect(() => interfacesBeginning('a b')).toThrow(RangeError);
  });
});
