import { LAST_VALUE } from './address.ts';
import { mix } from './hash.ts';
import { NO_INTERFACE } from './interface-id.ts';
import { type Interval, IntervalSet } from './interval-set.ts';
import { type Bound, classOf, ID_LIMIT, type Partition, partitionWeight, retainPartitions } from './partition.ts';
import { coarsen, forgetPartitionResults, indicator } from './partition-algebra.ts';

/**
 * Interval decision diagrams: nodes, their canonical form and the table that makes equal nodes the same object
 * (Bryant 1986 for binary diagrams; Strehl and Thiele 1998 for interval-labelled edges).
 *
 * A node cuts the whole domain of its level into classes, each leading to a node of a later level or to a terminal.
 * Canonical: different classes lead to different nodes, a node with one class does not exist, and no two nodes are
 * equal. So two diagrams mean the same exactly when they are the same object.
 *
 * The IP version has no level: a packet set is a pair of diagrams, and each family has its own address levels. Hence
 * every level has one fixed domain, and a level that a path skips means "any value" wherever the node is shared.
 */
export const LEVEL = {
  proto: 0,
  src4: 1,
  src6: 2,
  dst4: 3,
  dst6: 4,
  sport: 5,
  dport: 6,
  icmpType: 7,
  icmpCode: 8,
  ct: 9,
  iif: 10,
  oif: 11,
  uid: 12,
  mark: 13,
  terminal: 14,
} as const;

/** One of the levels, or `terminal`, which comes after all of them. */
export type Level = (typeof LEVEL)[keyof typeof LEVEL];

/** A place in a diagram: all that is left to decide there. */
export type Node = Decision | Terminal;

/** No packet, or every packet whatever the remaining fields. */
export interface Terminal {
  readonly id: 0 | 1;
  readonly level: typeof LEVEL.terminal;
}

/** A node that decides on one field. Only `makeNode` creates them. */
export interface Decision {
  /** Unique among the nodes in the table, small enough that a pair of them is an exact number. */
  readonly id: number;
  readonly level: Exclude<Level, typeof LEVEL.terminal>;
  readonly partition: Partition;
  /** Where each class of the partition leads; no two are the same. */
  readonly kids: readonly Node[];
  /** Next node with the same hash. */
  next: Decision | undefined;
}

/** No packet. */
export const FALSE: Terminal = { id: 0, level: LEVEL.terminal };
/** Every packet, whatever the remaining fields. */
export const TRUE: Terminal = { id: 1, level: LEVEL.terminal };

/** Highest value of each level; the lowest is always 0. */
export const LEVEL_MAX: readonly bigint[] = [
  255n,
  LAST_VALUE[4],
  LAST_VALUE[6],
  LAST_VALUE[4],
  LAST_VALUE[6],
  65535n,
  65535n,
  255n,
  255n,
  6n,
  NO_INTERFACE,
  NO_INTERFACE,
  1n << 32n,
  (1n << 32n) - 1n,
];

const table = new Map<number, Decision>();
const freeIds: number[] = [];
let nextId = 2;
let edgeCount = 0;

/** How many intervals and edges all diagrams have together: what they take of memory, in units of some ten bytes. */
export function diagramWeight(): number {
  return partitionWeight() + edgeCount;
}

/**
 * The canonical node of `level` whose classes lead to `kids`: classes that lead to the same place are joined, and where
 * all do, that place is the answer.
 */
export function makeNode(level: Decision['level'], partition: Partition, kids: readonly Node[]): Node {
  const numbers = new Map<Node, number>();
  const groups = kids.map((kid) => {
    const number = numbers.get(kid) ?? numbers.size;
    numbers.set(kid, number);
    return number;
  });
  const [first = FALSE] = kids;
  if (numbers.size <= 1) return first;
  if (numbers.size === kids.length) return intern(level, partition, kids);
  return intern(level, coarsen(partition, groups), [...numbers.keys()]);
}

function intern(level: Decision['level'], partition: Partition, kids: readonly Node[]): Decision {
  let hash = mix(level, partition.id);
  for (const kid of kids) hash = mix(hash, kid.id);
  const bucket = table.get(hash);
  for (let node = bucket; node !== undefined; node = node.next) {
    if (node.level === level && node.partition === partition && isSame(node.kids, kids)) return node;
  }
  const id = freeIds.pop() ?? nextId++;
  if (id >= ID_LIMIT) throw new RangeError('packet sets need more than 67 million nodes');
  const node: Decision = { id, level, partition, kids, next: bucket };
  table.set(hash, node);
  edgeCount += kids.length;
  return node;
}

function isSame(a: readonly Node[], b: readonly Node[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Takes every node out of the table that no root reaches. The caller must hold no node but the roots, and must drop
 * every cache that names nodes, because their ids are given out again.
 */
export function sweep(roots: Iterable<Node>): void {
  const live = reachable(roots);
  for (const [hash, bucket] of table) {
    let kept: Decision | undefined;
    for (let node: Decision | undefined = bucket; node !== undefined; ) {
      const after: Decision | undefined = node.next;
      if (live.has(node)) {
        node.next = kept;
        kept = node;
      } else {
        freeIds.push(node.id);
        edgeCount -= node.kids.length;
      }
      node = after;
    }
    if (kept === undefined) table.delete(hash);
    else table.set(hash, kept);
  }
  forgetPartitionResults();
  retainPartitions(new Set([...live].map((node) => node.partition)));
}

/** The decision nodes that the roots reach, roots included. */
export function reachable(roots: Iterable<Node>): Set<Decision> {
  const seen = new Set<Decision>();
  const open: Node[] = [...roots];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.level === LEVEL.terminal || seen.has(node)) continue;
    seen.add(node);
    for (const kid of node.kids) open.push(kid);
  }
  return seen;
}

/** The node whose values in `set` lead to `kid` and whose other values lead to FALSE. `set` has nothing below 0. */
export function test(level: Decision['level'], set: IntervalSet, kid: Node): Node {
  const partition = indicator(set, LEVEL_MAX[level] ?? 0n, WIDE.has(level) ? same : Number);
  const startsInside = set.contains(0n);
  if (partition.count === 1) return startsInside ? kid : FALSE;
  return makeNode(level, partition, startsInside ? [kid, FALSE] : [FALSE, kid]);
}

/** Where `value` leads from a decision node; values outside the domain lead to FALSE. */
export function follow(node: Decision, value: bigint): Node {
  if (value < 0n || value > (LEVEL_MAX[node.level] ?? -1n)) return FALSE;
  return node.kids[classOf(node.partition, value)] ?? FALSE;
}

/** The places a decision node leads to with the values that lead there, FALSE left out, in order of the lowest value. */
export function edges(node: Decision): [Node, IntervalSet][] {
  const values: Interval[][] = node.kids.map(() => []);
  let from = 0n;
  node.partition.highs.forEach((bound, i) => {
    const high = BigInt(bound);
    values[node.partition.classes[i] ?? 0]?.push([from, high]);
    from = high + 1n;
  });
  return node.kids
    .map((kid, i): [Node, IntervalSet] => [kid, IntervalSet.from(values[i] ?? [])])
    .filter(([kid]) => kid !== FALSE);
}

/** Levels whose values need more than a double holds: addresses of IPv6 and interface names. */
const WIDE: ReadonlySet<Level> = new Set<Level>([LEVEL.src6, LEVEL.dst6, LEVEL.iif, LEVEL.oif]);

function same(value: bigint): Bound {
  return value;
}
