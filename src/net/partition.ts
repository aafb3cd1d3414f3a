import { mix } from './hash.ts';
import type { IntervalSet } from './interval-set.ts';

/** The inclusive high end of an interval: a number where the domain is small, for speed; a bigint elsewhere. */
export type Bound = number | bigint;

/**
 * A domain cut into consecutive intervals, each of a numbered class. Canonical: neighbouring intervals are of different
 * classes, and classes are numbered in the order of their lowest values. Equal partitions are the same object.
 *
 * Partitions are kept apart from the nodes that use them because few of them are used by many nodes (a tag's addresses
 * occur in hundreds of rules): two nodes with known partitions are combined class by class, however many intervals the
 * classes have.
 */
export interface Partition {
  /** Unique among the partitions in the table, small enough that a pair of them is an exact number. */
  readonly id: number;
  /** High ends, ascending; the last one is the end of the domain, the first interval begins at 0. */
  readonly highs: readonly Bound[];
  /** The class of each interval. */
  readonly classes: readonly number[];
  /** How many classes there are. */
  readonly count: number;
  /** Next partition with the same hash. */
  next: Partition | undefined;
}

/** The common refinement of two partitions: each of its classes lies in one class of either side. */
export interface Product {
  readonly partition: Partition;
  readonly left: readonly number[];
  readonly right: readonly number[];
}

/** Ids stay below this, so that `a * ID_LIMIT + b` is exact. */
export const ID_LIMIT = 2 ** 26;

/**
 * Remembered products, and remembered indicators, have about this many intervals in all; then they are forgotten, which
 * costs time only.
 */
const REMEMBERED_LIMIT = 2_000_000;
/** Smaller sets are not worth remembering. */
const INDICATOR_FROM = 8;
/** Coarser partitions are remembered for up to this many classes: the description of how to merge them is the key. */
const COARSEN_LIMIT = 64;

const table = new Map<number, Partition>();
const freeIds: number[] = [];
let nextId = 0;
let weight = 0;

const products = new Map<number, Product>();
let productWeight = 0;
const coarser = new Map<string, Partition>();
/** By the end of the domain, since one set cuts differently long domains differently. */
const indicators = new Map<IntervalSet, Map<Bound, Partition>>();
let indicatorWeight = 0;

/** How many intervals the partitions in the table have together. */
export function partitionWeight(): number {
  return weight;
}

/** Takes the other partitions out of the table and forgets all remembered results. */
export function retainPartitions(live: ReadonlySet<Partition>): void {
  products.clear();
  productWeight = 0;
  coarser.clear();
  indicators.clear();
  indicatorWeight = 0;
  for (const [hash, bucket] of table) {
    let kept: Partition | undefined;
    for (let p: Partition | undefined = bucket; p !== undefined; ) {
      const after: Partition | undefined = p.next;
      if (live.has(p)) {
        p.next = kept;
        kept = p;
      } else {
        freeIds.push(p.id);
        weight -= p.highs.length;
      }
      p = after;
    }
    if (kept === undefined) table.delete(hash);
    else table.set(hash, kept);
  }
}

/**
 * The partition into the values of a set and the others, in the domain 0..`max`. Which of the two is class 0 depends on
 * where the set begins: see `isFirst`. One class only when the set has all of the domain or nothing of it.
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
  if (key !== undefined) coarser.set(key, result);
  return result;
}

/** The class of a value of the domain. */
export function classOf(p: Partition, value: bigint): number {
  let low = 0;
  let high = p.highs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (p.highs[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return p.classes[low] ?? 0;
}

/** Collects intervals in ascending order, joins neighbours with one label, and numbers the labels. */
class PartitionBuilder {
  readonly #highs: Bound[] = [];
  readonly #classes: number[] = [];
  readonly #numbers = new Map<number, number>();
  #last = -1;

  /** The interval from the previous high end to `high`; labels are numbers from 0 on. */
  add(high: Bound, label: number): void {
    if (label === this.#last) {
      this.#highs[this.#highs.length - 1] = high;
      return;
    }
    this.#last = label;
    let number = this.#numbers.get(label);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(label, number);
    }
    this.#highs.push(high);
    this.#classes.push(number);
  }

  /** The label of each class. */
  labels(): number[] {
    return [...this.#numbers.keys()];
  }

  /** The canonical partition; the last interval added must end the domain. */
  partition(): Partition {
    return intern(this.#highs, this.#classes, this.#numbers.size);
  }
}

function intern(highs: readonly Bound[], classes: readonly number[], count: number): Partition {
  const hash = hashOf(highs, classes);
  const bucket = table.get(hash);
  for (let p = bucket; p !== undefined; p = p.next) if (isSame(p, highs, classes)) return p;
  const id = freeIds.pop() ?? nextId++;
  if (id >= ID_LIMIT) throw new RangeError('packet sets need more than 67 million partitions');
  const partition: Partition = { id, highs, classes, count, next: bucket };
  table.set(hash, partition);
  weight += highs.length;
  return partition;
}

function hashOf(highs: readonly Bound[], classes: readonly number[]): number {
  let hash = 0;
  for (let i = 0; i < highs.length; i++) {
    const high = highs[i] ?? 0;
    if (typeof high === 'number') hash = mix(hash, high);
    // Of a bigint the top 53 bits and the low 32: blocks differ at the top, hosts of one block at the bottom.
    else hash = mix(mix(hash, Number(high) % 4294967291), Number(BigInt.asUintN(32, high)));
    hash = mix(hash, classes[i] ?? 0);
  }
  return hash;
}

function isSame(p: Partition, highs: readonly Bound[], classes: readonly number[]): boolean {
  if (p.highs.length !== highs.length) return false;
  for (let i = 0; i < highs.length; i++) {
    if (p.highs[i] !== highs[i] || p.classes[i] !== classes[i]) return false;
  }
  return true;
}
