import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FIELDS, type Field } from '../../../src/net/field.ts';
import { IntervalSet } from '../../../src/net/interval-set.ts';
import { PacketSet } from '../../../src/net/packet-set.ts';
import { CLASSES, concrete, listed, pair, problem, symbolic, universe, valuesOf } from './small-universe.ts';

describe('symbolic answers equal those of a list of packets', () => {
  test('contains', () => {
    fc.assert(
      fc.property(problem, ({ active, e }) => {
        const all = universe(active);
        const expected = listed(e, all);
        const set = symbolic(e);
        for (const p of all) expect(set.contains(concrete(p))).toBe(expected.has(p));
      }),
      { numRuns: 400 },
    );
  });

  test('equal lists are the same object, different lists are not', () => {
    fc.assert(
      fc.property(pair, ({ active, a, b }) => {
        const all = universe(active);
        const same = listed(a, all).symmetricDifference(listed(b, all)).size === 0;
        expect(symbolic(a) === symbolic(b)).toBe(same);
      }),
      { numRuns: 400 },
    );
  });

  test('isEmpty, isSubsetOf, overlaps', () => {
    fc.assert(
      fc.property(pair, ({ active, a, b }) => {
        const all = universe(active);
        const [listA, listB] = [listed(a, all), listed(b, all)];
        const [setA, setB] = [symbolic(a), symbolic(b)];
        expect(setA.isEmpty()).toBe(listA.size === 0);
        expect(setA.isSubsetOf(setB)).toBe(listA.isSubsetOf(listB));
        expect(setA.overlaps(setB)).toBe(!listA.isDisjointFrom(listB));
      }),
      { numRuns: 300 },
    );
  });

  test('values', () => {
    fc.assert(
      fc.property(problem, ({ active, e }) => {
        const packets = [...listed(e, universe(active))];
        const set = symbolic(e);
        const any = (field: Field, of: typeof packets) => {
          const classes = [...CLASSES[field].keys()].filter((i) =>
            of.some((p) => p[field] === undefined || p[field] === i),
          );
          return valuesOf(field, classes);
        };
        for (const field of active) {
          // Numbers of addresses are cut to the range of the family.
          const expected =
            field === 'src' || field === 'dst'
              ? any(
                  field,
                  packets.filter((p) => p.family === 0),
                )
                  .intersect(IntervalSet.of([0n, 0xffffffffn]))
                  .union(
                    any(
                      field,
                      packets.filter((p) => p.family === 1),
                    ),
                  )
              : any(field, packets);
          expect(set.values(field).toString()).toBe(expected.toString());
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('boxes', () => {
  test('are not empty, do not meet, and add up to the set', () => {
    fc.assert(
      fc.property(problem, ({ e }) => {
        const set = symbolic(e);
        const parts = [...set.boxes()].map(PacketSet.box);
        let sum = PacketSet.none;
        for (const part of parts) {
          expect(part.isEmpty()).toBe(false);
          expect(sum.overlaps(part)).toBe(false);
          sum = sum.union(part);
        }
        expect(sum).toBe(set);
        expect(PacketSet.unionAll(parts.toReversed())).toBe(set);
      }),
      { numRuns: 300 },
    );
  });
});

describe('sample', () => {
  const wishes = fc.record(
    Object.fromEntries(
      FIELDS.map((f) => [f, fc.array(fc.constantFrom(...CLASSES[f].map((c) => c.min() ?? 0n)), { maxLength: 2 })]),
    ) as Record<Field, fc.Arbitrary<bigint[]>>,
    { requiredKeys: [] },
  );

  test('is in the set, or the set is empty', () => {
    fc.assert(
      fc.property(problem, wishes, ({ e }, prefer) => {
        const set = symbolic(e);
        const packet = set.sample(prefer);
        expect(packet === undefined).toBe(set.isEmpty());
        if (packet !== undefined) expect(set.contains(packet)).toBe(true);
        expect(set.sample(prefer)).toEqual(packet);
      }),
      { numRuns: 400 },
    );
  });

  test('has the first wish that the set allows', () => {
    fc.assert(
      fc.property(problem, fc.constantFrom(...FIELDS), fc.nat(), ({ e }, field, n) => {
        const values = CLASSES[field].map((c) => c.min() ?? 0n);
        const wish = values[n % values.length] ?? 0n;
        const set = symbolic(e);
        const narrowed = set.restrict(field, IntervalSet.point(wish));
        const packet = set.sample({ [field]: [wish] });
        if (!narrowed.isEmpty()) expect(packet && narrowed.contains(packet)).toBe(true);
        else expect(packet).toEqual(set.sample());
      }),
      { numRuns: 300 },
    );
  });
});

describe('laws', () => {
  const sets = problem.map(({ e }) => symbolic(e));

  test('of set algebra', () => {
    fc.assert(
      fc.property(sets, sets, sets, (a, b, c) => {
        expect(a.union(b)).toBe(b.union(a));
        expect(a.intersect(b)).toBe(b.intersect(a));
        expect(a.union(b.union(c))).toBe(a.union(b).union(c));
        expect(a.intersect(b.intersect(c))).toBe(a.intersect(b).intersect(c));
        expect(a.intersect(b.union(c))).toBe(a.intersect(b).union(a.intersect(c)));
        expect(a.union(b.intersect(c))).toBe(a.union(b).intersect(a.union(c)));
        expect(a.union(a.intersect(b))).toBe(a);
        expect(a.subtract(b)).toBe(a.intersect(b.complement()));
        expect(b.subtract(a)).toBe(b.intersect(a.complement()));
        expect(a.subtract(b).union(b.subtract(a))).toBe(a.union(b).subtract(b.intersect(a)));
        expect(a.subtract(b).union(a.intersect(b))).toBe(a);
        expect(a.union(b).complement()).toBe(a.complement().intersect(b.complement()));
        expect(a.complement().complement()).toBe(a);
        expect(a.union(a.complement())).toBe(PacketSet.all);
        expect(a.intersect(a.complement())).toBe(PacketSet.none);
        expect(PacketSet.unionAll([a, b, c])).toBe(a.union(b).union(c));
      }),
      { numRuns: 200 },
    );
  });

  test('of forget and restrict', () => {
    fc.assert(
      fc.property(sets, sets, fc.constantFrom(...FIELDS), fc.nat(), (a, b, field, n) => {
        const values = CLASSES[field][n % CLASSES[field].length] ?? IntervalSet.empty;
        const forgotten = a.forget(field);
        expect(a.isSubsetOf(forgotten)).toBe(true);
        expect(a.union(b).forget(field)).toBe(forgotten.union(b.forget(field)));
        expect(
          a
            .intersect(b)
            .forget(field)
            .isSubsetOf(forgotten.intersect(b.forget(field))),
        ).toBe(true);
        const narrowed = a.restrict(field, values);
        expect(narrowed).toBe(a.intersect(PacketSet.box({ [field]: values })));
        expect(narrowed.restrict(field, values)).toBe(narrowed);
        expect(a.restrict(field, a.values(field))).toBe(a);
        // Not so for family and protocol: what lacks a field agrees with every value of it, so another round goes further.
        if (field !== 'family' && field !== 'proto') expect(forgotten.forget(field)).toBe(forgotten);
      }),
      { numRuns: 200 },
    );
  });
});
