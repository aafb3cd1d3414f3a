import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bitset, Weights } from '../../../src/tailnet/compile/bitset.ts';

const SIZE = 100;
const elements = fc.uniqueArray(fc.nat({ max: SIZE - 1 }));

function setOf(list: readonly number[]): Bitset {
  const set = new Bitset(SIZE);
  for (const i of list) set.add(i);
  return set;
}

describe('Bitset', () => {
  it('is a set of numbers', () => {
    fc.assert(
      fc.property(elements, elements, (a, b) => {
        const union = setOf(a);
        union.addAll(setOf(b));
        const other = setOf([1, 2, 3]);
        other.setUnion(setOf(a), setOf(b));
        const expected = [...new Set([...a, ...b])].sort((x, y) => x - y);
        expect([...union.values()]).toEqual(expected);
        expect([...other.values()]).toEqual(expected);
        expect(union.count()).toBe(expected.length);
        for (let i = 0; i < SIZE; i++) expect(union.has(i)).toBe(expected.includes(i));
      }),
      { numRuns: 50 },
    );
  });

  it.each([1, 31, 32, 33, 100])('fills up to its size, %i', (size) => {
    const set = new Bitset(size);
    set.fill();
    expect([...set.values()]).toEqual(Array.from({ length: size }, (_, i) => i));
  });

  it.each<[string, readonly number[]]>([
    ['all different', Array.from({ length: SIZE }, (_, i) => i * i)],
    ['the same in some words', Array.from({ length: SIZE }, (_, i) => (i < 64 ? 3 : i))],
    ['large', Array.from({ length: SIZE }, () => 1e9)],
  ])('adds up weights that are %s', (_, weights) => {
    const table = new Weights(weights);
    fc.assert(
      fc.property(elements, (list) => {
        expect(setOf(list).weight(table)).toBe(list.reduce((sum, i) => sum + (weights[i] ?? 0), 0));
      }),
      { numRuns: 50 },
    );
  });
});
