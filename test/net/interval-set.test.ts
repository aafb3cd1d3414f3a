import { describe, expect, test } from 'vitest';
import { IntervalSet } from '../../src/net/interval-set.ts';

const set = (...intervals: [number, number][]) =>
  IntervalSet.of(...intervals.map(([low, high]) => [BigInt(low), BigInt(high)] as const));

describe('canonical form', () => {
  test.each([
    ['nothing', set(), 'none'],
    ['one', set([1, 3]), '1-3'],
    ['a point', set([7, 7]), '7'],
    ['unsorted', set([10, 12], [1, 3]), '1-3,10-12'],
    ['overlapping', set([1, 5], [3, 9]), '1-9'],
    ['contained', set([1, 9], [3, 5]), '1-9'],
    ['adjacent', set([1, 3], [4, 6]), '1-6'],
    ['a gap of one', set([1, 3], [5, 6]), '1-3,5-6'],
    ['repeated', set([1, 3], [1, 3]), '1-3'],
    ['the same low end', set([1, 1], [1, 9], [1, 4]), '1-9'],
  ])('%s', (_what, s, text) => {
    expect(s.toString()).toBe(text);
  });

  test('a reversed interval is an error, not an empty set', () => {
    expect(() => set([3, 2])).toThrow(RangeError);
    expect(() => set([1, 1], [3, 2])).toThrow(RangeError);
  });

  test('points', () => {
    expect(IntervalSet.points(3n, 1n, 2n, 9n, 9n).toString()).toBe('1-3,9');
    expect(IntervalSet.points()).toBe(IntervalSet.empty);
    expect(IntervalSet.point(4n).equals(set([4, 4]))).toBe(true);
  });

  test('takes long lists', () => {
    const many = IntervalSet.from(Array.from({ length: 200_000 }, (_, i) => [2n * BigInt(i), 2n * BigInt(i)] as const));
    expect(many.intervals.length).toBe(200_000);
    expect(many.union(set([0, 400_000])).toString()).toBe('0-400000');
  });
});

describe('operations at the edges', () => {
  test.each([
    [set([1, 3]), set([4, 6]), '1-6', 'none', '1-3'],
    [set([1, 3]), set([3, 6]), '1-6', '3', '1-2'],
    [set([1, 3]), set([5, 6]), '1-3,5-6', 'none', '1-3'],
    [set([1, 9]), set([3, 5]), '1-9', '3-5', '1-2,6-9'],
    [set([3, 5]), set([1, 9]), '1-9', '3-5', 'none'],
    [set([1, 9]), set([1, 9]), '1-9', '1-9', 'none'],
    [set([1, 9]), set([1, 1], [9, 9]), '1-9', '1,9', '2-8'],
    // One cut through three intervals.
    [set([1, 3], [5, 7], [9, 11]), set([2, 10]), '1-11', '2-3,5-7,9-10', '1,11'],
    // Several cuts in one interval.
    [set([0, 20]), set([2, 3], [5, 6], [19, 30]), '0-30', '2-3,5-6,19-20', '0-1,4,7-18'],
    [set(), set([1, 2]), '1-2', 'none', 'none'],
    [set([1, 2]), set(), '1-2', 'none', '1-2'],
  ])('%s with %s', (a, b, union, intersection, difference) => {
    expect(a.union(b).toString()).toBe(union);
    expect(b.union(a).toString()).toBe(union);
    expect(a.intersect(b).toString()).toBe(intersection);
    expect(b.intersect(a).toString()).toBe(intersection);
    expect(a.subtract(b).toString()).toBe(difference);
    expect(a.overlaps(b)).toBe(intersection !== 'none');
    expect(a.isSubsetOf(b)).toBe(difference === 'none');
  });

  test('complement looks only inside the range', () => {
    expect(set([3, 5]).complement(0n, 9n).toString()).toBe('0-2,6-9');
    expect(set([0, 20]).complement(5n, 9n).toString()).toBe('none');
    expect(set([30, 40]).complement(5n, 9n).toString()).toBe('5-9');
    expect(set().complement(5n, 5n).toString()).toBe('5');
  });

  test('isSubsetOf is not fooled by an interval that spans a gap', () => {
    expect(set([1, 6]).isSubsetOf(set([1, 3], [5, 6]))).toBe(false);
    expect(set([5, 6]).isSubsetOf(set([1, 3], [5, 6]))).toBe(true);
    expect(set([1, 1], [5, 5], [6, 6]).isSubsetOf(set([1, 3], [5, 6]))).toBe(true);
  });

  test('contains, min, next, size', () => {
    const s = set([2, 3], [7, 7], [10, 12]);
    expect([1, 2, 3, 4, 6, 7, 8, 9, 10, 12, 13].filter((v) => s.contains(BigInt(v)))).toEqual([2, 3, 7, 10, 12]);
    expect(s.min()).toBe(2n);
    expect(set().min()).toBeUndefined();
    expect([0, 2, 3, 4, 7, 8, 12, 13].map((v) => s.next(BigInt(v)))).toEqual([2n, 2n, 3n, 7n, 7n, 10n, 12n, undefined]);
    expect(s.size()).toBe(6n);
  });

  test('numbers beyond 2^53 stay exact', () => {
    const s = IntervalSet.of([2n ** 64n, 2n ** 64n], [2n ** 64n + 2n, 2n ** 64n + 2n]);
    expect(s.contains(2n ** 64n + 1n)).toBe(false);
    expect(s.intervals.length).toBe(2);
  });

  test('equals', () => {
    expect(set([1, 2]).equals(set([1, 1], [2, 2]))).toBe(true);
    expect(set([1, 2]).equals(set([1, 3]))).toBe(false);
    expect(set([1, 2]).equals(set([0, 2]))).toBe(false);
    expect(set([1, 2]).equals(set([1, 2], [4, 4]))).toBe(false);
  });
});
