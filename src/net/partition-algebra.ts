import type { IntervalSet } from './interval-set.ts';
import { type Bound, ID_LIMIT, type Partition, PartitionBuilder } from './partition.ts';

/** The common refinement of two partitions: each of its classes lies in one class of either side. */
export interface Product {
  readonly partition: Partition;
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/**
 * Remembered products, and remembered indicators, have about this many intervals in all; then they are forgotten, which
 * costs time only.
 */
const REMEMBERED_LIMIT = 2_000_000;
/** Smaller sets are not worth remembering. */
const INDICATOR_FROM = 8;
/** So many coarser partitions are remembered at most. */
const COARSER_LIMIT = 100_000;
/** Coarser partitions are remembered for up to this many classes: the description of how to merge them is the key. */
const COARSEN_LIMIT = 64;

const products = new Map<number, Product>();
let productWeight = 0;
const coarser = new Map<string, Partition>();
/** By the end of the domain, since one set cuts differently long domains differently. */
const indicators = new Map<IntervalSet, Map<Bound, Partition>>();
let indicatorWeight = 0;

/** Forgets all remembered results; required when partitions leave the table. */
export function forgetPartitionResults(): void {
  products.clear();
  productWeight = 0;
  coarser.clear();
  indicators.clear();
  indicatorWeight = 0;
}

/**
 * The partition into the values of a set and the others, in the domain 0..`max`. Class 0 is the side that the value 0
 * is on. There is one class only when the set has all of the domain or nothing of it.
 * @param bound gives the representation of a high end in this domain
 */
export function indicator(set: IntervalSet, max: bigint, bound: (value: bigint) => Bound): Partition {
  const end = bound(max);
  const large = set.intervals.length >= INDICATOR_FROM;
  const cached = large ? indicators.get(set)?.get(end) : undefined;
  if (cached !== undefined) return cached;
  const out = new PartitionBuilder();
  let from = 0n;
  for (const [low, high] of set.intervals) {
    if (low > max) break;
    if (low > from) out.add(bound(low - 1n), 0);
    out.add(high < max ? bound(high) : end, 1);
    from = high + 1n;
  }
  if (from <= max) out.add(end, 0);
  const partition = out.partition();
  if (large) rememberIndicator(set, end, partition);
  return partition;
}

function rememberIndicator(set: IntervalSet, end: Bound, partition: Partition): void {
  if (indicatorWeight > REMEMBERED_LIMIT) {
    indicators.clear();
    indicatorWeight = 0;
  }
  indicatorWeight += partition.highs.length;
  const known = indicators.get(set);
  if (known === undefined) indicators.set(set, new Map([[end, partition]]));
  else known.set(end, partition);
}

/** The common refinement, worked out once for each pair. */
export function product(p: Partition, q: Partition): Product {
  if (p === q) {
    const same = Array.from({ length: p.count }, (_, i) => i);
    return { partition: p, left: same, right: same };
  }
  const key = p.id * ID_LIMIT + q.id;
  const cached = products.get(key);
  if (cached !== undefined) return cached;
  const result = refine(p, q);
  if (productWeight > REMEMBERED_LIMIT) {
    products.clear();
    productWeight = 0;
  }
  products.set(key, result);
  productWeight += result.partition.highs.length + result.left.length;
  return result;
}

function refine(p: Partition, q: Partition): Product {
  const out = new PartitionBuilder();
  let i = 0;
  let j = 0;
  for (;;) {
    const a = p.highs[i];
    const b = q.highs[j];
    if (a === undefined || b === undefined) break;
    const label = (p.classes[i] ?? 0) * q.count + (q.classes[j] ?? 0);
    if (a < b) {
      out.add(a, label);
      i++;
    } else {
      out.add(b, label);
      j++;
      if (a === b) i++;
    }
  }
  const labels = out.labels();
  return {
    partition: out.partition(),
    left: labels.map((label) => Math.floor(label / q.count)),
    right: labels.map((label) => label % q.count),
  };
}

/**
 * The partition in which classes of the same group are one class.
 * @param groups the group of each class, numbered in the order of first appearance
 */
export function coarsen(p: Partition, groups: readonly number[]): Partition {
  const key = groups.length <= COARSEN_LIMIT ? `${p.id}:${groups.join()}` : undefined;
  const cached = key === undefined ? undefined : coarser.get(key);
  if (cached !== undefined) return cached;
  const out = new PartitionBuilder();
  for (let i = 0; i < p.highs.length; i++) out.add(p.highs[i] ?? 0, groups[p.classes[i] ?? 0] ?? 0);
  const result = out.partition();
  if (key === undefined) return result;
  if (coarser.size >= COARSER_LIMIT) coarser.clear();
  coarser.set(key, result);
  return result;
}
