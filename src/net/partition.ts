import { mix } from './hash.ts';

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

/** Ids stay below this, so that `a * ID_LIMIT + b` is exact. */
export const ID_LIMIT = 2 ** 26;

const table = new Map<number, Partition>();
const freeIds: number[] = [];
let nextId = 0;
let weight = 0;

/** How many intervals the partitions in the table have together. */
export function partitionWeight(): number {
  return weight;
}

/** Takes the other partitions out of the table; whoever remembers any must forget them, since ids are given out again. */
export function retainPartitions(live: ReadonlySet<Partition>): void {
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
export class PartitionBuilder {
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

/** The one object for this partition. */
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
