import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Address, compareAddresses, formatAddress, LAST_VALUE, parseAddress } from '../../../src/net/address.ts';
import { containsAddress, formatPrefix, lastAddress, parsePrefix } from '../../../src/net/prefix.ts';

/** Values with long runs of zeros and ones, and mapped ones, beside arbitrary ones. */
const v6Value = fc.oneof(
  fc.bigInt({ min: 0n, max: LAST_VALUE[6] }),
  fc
    .array(fc.constantFrom(0n, 1n, 0xffffn, 0x1234n), { minLength: 8, maxLength: 8 })
    .map((groups) => groups.reduce<bigint>((value, group) => (value << 16n) + group, 0n)),
  fc.bigInt({ min: 0n, max: LAST_VALUE[4] }).map((low) => (0xffffn << 32n) + low),
);

const addresses: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt({ min: 0n, max: LAST_VALUE[4] }).map((value): Address => ({ family: 4, value })),
  v6Value.map((value): Address => ({ family: 6, value })),
);

/** Text that is nearly an address: an address with a few characters put in, taken out or exchanged. */
const nearly = fc
  .tuple(
    addresses.map(formatAddress),
    fc.array(
      fc.record({
        at: fc.nat(40),
        cut: fc.nat(2),
        text: fc.constantFrom('', '0', '1', '9', 'f', ':', '::', '.', '/', ' ', 'x', '%', '-'),
      }),
      { maxLength: 3 },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((t, e) => {
      const at = e.at % (t.length + 1);
      return t.slice(0, at) + e.text + t.slice(at + e.cut);
    }, text),
  );

describe('addresses', () => {
  test('parse is the inverse of format', () => {
    fc.assert(
      fc.property(addresses, (a) => {
        expect(parseAddress(formatAddress(a))).toEqual(a);
      }),
      { numRuns: 500 },
    );
  });

  test('what Node calls an address (without zone) is what parses', () => {
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (text) => {
        const expected = isIPv4(text) ? 4 : isIPv6(text) && !text.includes('%') ? 6 : undefined;
        expect(parseAddress(text)?.family).toBe(expected);
      }),
      { numRuns: 3000 },
    );
  });

  test('compareAddresses is an order', () => {
    fc.assert(
      fc.property(addresses, addresses, addresses, (a, b, c) => {
        expect(Math.sign(compareAddresses(a, b))).toBe(-Math.sign(compareAddresses(b, a)) + 0);
        expect(compareAddresses(a, b) === 0).toBe(formatAddress(a) === formatAddress(b));
        const [x, y, z] = [a, b, c].sort(compareAddresses);
        if (x && y && z) expect(compareAddresses(x, z)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('prefixes', () => {
  const cases = addresses.chain((address) =>
    fc.record({ address: fc.constant(address), length: fc.nat(address.family === 4 ? 32 : 128) }),
  );

  test('hold the address they were written with, and host bits say whether it is the first', () => {
    fc.assert(
      fc.property(cases, ({ address, length }) => {
        const parsed = parsePrefix(`${formatAddress(address)}/${length}`);
        expect(parsed).toBeDefined();
        if (parsed === undefined) return;
        const { prefix, hostBits } = parsed;
        expect(containsAddress(prefix, address)).toBe(true);
        expect(hostBits).toBe(prefix.first !== address.value);
        const size = 1n << BigInt((address.family === 4 ? 32 : 128) - length);
        expect(lastAddress(prefix).value - prefix.first + 1n).toBe(size);
        expect(prefix.first % size).toBe(0n);
        expect(parsePrefix(formatPrefix(prefix))).toEqual({ prefix, hostBits: false });
      }),
      { numRuns: 300 },
    );
  });
});
