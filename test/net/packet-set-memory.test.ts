import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { diagramWeight } from '../../src/net/diagram.ts';
import { IntervalSet } from '../../src/net/interval-set.ts';
import { PacketSet } from '../../src/net/packet-set.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** A set that no other number gives. */
function numbered(n: number): PacketSet {
  const value = IntervalSet.point(BigInt(n));
  return PacketSet.box({ src: value, dst: value, mark: value });
}

/** Lets the engine forget weak references of the current job, then collects. */
async function settle(): Promise<void> {
  await new Promise((done) => setTimeout(done, 0));
  collect();
}

test('nodes of sets that nobody holds leave the table, and held sets stay canonical', {
  timeout: 120_000,
}, async () => {
  const held = [1, 2, 3].map(numbered);
  const sum = PacketSet.unionAll(held);
  const boxes = [...sum.boxes()];
  let most = 0;
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 20_000; i++) numbered(1000 + round * 20_000 + i);
    most = Math.max(most, diagramWeight());
    await settle();
  }
  // Kept all, 100,000 sets of sixteen intervals and edges would come to 1,600,000.
  expect(most).toBeGreaterThan(500_000);
  expect(most).toBeLessThan(1_300_000);
  expect([1, 2, 3].map(numbered)).toEqual(held);
  for (const [i, set] of held.entries()) expect(numbered(i + 1)).toBe(set);
  expect(PacketSet.unionAll(boxes.map(PacketSet.box))).toBe(sum);
  expect(sum.complement().complement()).toBe(sum);
  expect(sum.subtract(numbered(2))).toBe(numbered(1).union(numbered(3)));
});

test('a set that is let go and made again is equal to itself', async () => {
  const text = () => [...numbered(77).boxes()].map((b) => `${b.family} ${b.src} ${b.dst} ${b.mark}`).join(';');
  const before = text();
  await settle();
  expect(text()).toBe(before);
  expect(numbered(77)).toBe(numbered(77));
});

test('results remembered before a sweep are not taken for those of later nodes with the same ids', async () => {
  const single = (n: number) => PacketSet.box({ mark: IntervalSet.point(BigInt(n)) });
  const ids = 400;
  const unions = (first: number, count: number, unite: (a: PacketSet, b: PacketSet) => PacketSet) => {
    const sets = Array.from({ length: count }, (_, i) => single(first + 2 * i));
    return sets.slice(1).map((set, i) =>
      unite(sets[i] ?? set, set)
        .values('mark')
        .toString(),
    );
  };
  const expected = (first: number, count: number) =>
    Array.from({ length: count - 1 }, (_, i) => `${first + 2 * i},${first + 2 * i + 2}`);
  PacketSet.sweep();
  expect(unions(1_000_000, ids, (a, b) => a.union(b))).toEqual(expected(1_000_000, ids));
  await settle();
  const before = diagramWeight();
  PacketSet.sweep();
  expect(diagramWeight()).toBeLessThan(before - 10 * ids);
  // Ids come back last in, first out: those of the unions, then those of the single sets, in reverse, hence the order.
  expect(unions(2_000_001, 3 * ids, (a, b) => b.union(a))).toEqual(expected(2_000_001, 3 * ids));
});

test('nodes are told apart by what they are, not by their hashes', { timeout: 120_000 }, () => {
  // One node and one partition each; among 200,000 hashes of 32 bits some five pairs are equal.
  const last = 200_000n;
  const sets = new Set<PacketSet>();
  for (let n = 1n; n <= last; n++) sets.add(PacketSet.box({ mark: IntervalSet.point(n) }));
  expect(sets.size).toBe(Number(last));
  let n = 0n;
  for (const set of sets) if (set.values('mark').min() !== ++n) expect(set.values('mark').toString()).toBe(`${n}`);
});
