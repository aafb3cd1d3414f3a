import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AddressSet } from '../../../src/net/address-set.ts';
import {
  interfaceName,
  interfacesBeginning,
  internInterface,
  isInterfaceName,
  NO_INTERFACE,
} from '../../../src/net/interface-id.ts';
import { IntervalSet } from '../../../src/net/interval-set.ts';
import { containsPrefix, formatPrefix, overlaps } from '../../../src/net/prefix.ts';

const LAST = 24;
const members = fc.subarray(Array.from({ length: LAST + 1 }, (_, i) => i));
const of = (list: Iterable<number>) => IntervalSet.points(...[...list].map(BigInt));
const list = (set: IntervalSet) =>
  new Set(Array.from({ length: LAST + 1 }, (_, i) => i).filter((i) => set.contains(BigInt(i))));

describe('interval sets are sets of numbers', () => {
  test('operations', () => {
    fc.assert(
      fc.property(members, members, (a, b) => {
        const [sa, sb] = [new Set(a), new Set(b)];
        const [ia, ib] = [of(a), of(b)];
        expect(list(ia)).toEqual(sa);
        // Structural equality with the set built from the answer: so the result is canonical too.
        expect(ia.union(ib)).toEqual(of(sa.union(sb)));
        expect(ia.intersect(ib)).toEqual(of(sa.intersection(sb)));
        expect(ia.subtract(ib)).toEqual(of(sa.difference(sb)));
        expect(ia.complement(0n, BigInt(LAST))).toEqual(of(list(IntervalSet.of([0n, BigInt(LAST)])).difference(sa)));
        expect(ia.isSubsetOf(ib)).toBe(sa.isSubsetOf(sb));
        expect(ia.overlaps(ib)).toBe(!sa.isDisjointFrom(sb));
        expect(ia.equals(ib)).toBe(sa.symmetricDifference(sb).size === 0);
        expect(ia.isEmpty()).toBe(a.length === 0);
        expect(ia.size()).toBe(BigInt(a.length));
        expect(ia.min()).toBe(a[0] === undefined ? undefined : BigInt(a[0]));
      }),
      { numRuns: 500 },
    );
  });

  test('intervals are sorted, disjoint and apart, whatever they were made of', () => {
    const intervals = fc.array(
      fc.tuple(fc.nat(60), fc.nat(9)).map(([low, n]) => [BigInt(low), BigInt(low + n)] as const),
    );
    fc.assert(
      fc.property(intervals, (parts) => {
        const set = IntervalSet.of(...parts);
        set.intervals.forEach(([low, high], i) => {
          const before = set.intervals[i - 1];
          expect(low <= high).toBe(true);
          if (before !== undefined) expect(before[1] + 1n < low).toBe(true);
        });
        for (let v = -1n; v < 72n; v++) {
          expect(set.contains(v)).toBe(parts.some(([low, high]) => low <= v && v <= high));
          expect(set.next(v)).toBe(set.intersect(IntervalSet.of([v, 99n])).min());
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('address sets', () => {
  const blocks = fc.array(
    fc.tuple(fc.nat(200), fc.nat(40)).map(([low, n]) => [BigInt(low), BigInt(low + n)] as const),
    { maxLength: 6 },
  );
  const sets = fc
    .tuple(blocks, blocks)
    .map(([a, b]) => AddressSet.ofIntervals(IntervalSet.of(...a), IntervalSet.of(...b)));

  test('prefixes are disjoint, as few as possible, and make up the set', () => {
    fc.assert(
      fc.property(sets, (set) => {
        for (const s of [set, set.complement()]) {
          const prefixes = s.toPrefixes();
          expect(AddressSet.ofPrefixes(...prefixes).equals(s)).toBe(true);
          for (const [i, p] of prefixes.entries()) {
            const next = prefixes[i + 1];
            if (next === undefined) continue;
            expect(overlaps(p, next)).toBe(false);
            // Two halves of one block would have been that block.
            const parent = {
              ...p,
              first:
                (p.first >> BigInt((p.family === 4 ? 33 : 129) - p.length)) <<
                BigInt((p.family === 4 ? 33 : 129) - p.length),
              length: p.length - 1,
            };
            const halves =
              next.length === p.length && p.length > 0 && containsPrefix(parent, p) && containsPrefix(parent, next);
            expect(halves, `${formatPrefix(p)} ${formatPrefix(next)}`).toBe(false);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  test('laws', () => {
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        expect(a.union(b).equals(b.union(a))).toBe(true);
        expect(a.subtract(b).equals(a.intersect(b.complement()))).toBe(true);
        expect(a.complement().complement().equals(a)).toBe(true);
        expect(a.union(b).complement().equals(a.complement().intersect(b.complement()))).toBe(true);
        expect(a.overlaps(b)).toBe(!a.intersect(b).isEmpty());
        expect(a.isSubsetOf(b)).toBe(a.subtract(b).isEmpty());
        expect(a.format() === b.format()).toBe(a.equals(b));
        const sample = a.sample();
        expect(sample === undefined).toBe(a.isEmpty());
        if (sample !== undefined) expect(a.contains(sample)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('interface numbers', () => {
  const names = fc
    .string({ minLength: 1, maxLength: 15, unit: fc.constantFrom('!', '0', 'a', 'e', 't', 'h', '-', '.', '~', 'Z') })
    .filter(isInterfaceName);

  test('keep dictionary order, and beginnings are intervals', () => {
    fc.assert(
      fc.property(names, names, fc.nat(15), (a, b, n) => {
        expect(internInterface(a) < internInterface(b)).toBe(a < b);
        expect(interfaceName(internInterface(a))).toBe(a);
        const beginning = a.slice(0, n);
        expect(interfacesBeginning(beginning).contains(internInterface(b))).toBe(b.startsWith(beginning));
        expect(interfacesBeginning(beginning).contains(internInterface(a))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('every number below the reserved one is a name', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: NO_INTERFACE - 1n }), (value) => {
        const name = interfaceName(value) ?? '';
        expect(name === '.' || name === '..' || internInterface(name) === value).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
