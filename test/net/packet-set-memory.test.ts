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
