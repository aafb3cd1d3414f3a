import { LAST_VALUE } from './address.ts';
import { NO_INTERFACE } from './interface-id.ts';
import { type Interval, IntervalSet } from './interval-set.ts';

/**
 * Interval decision diagrams: nodes, their canonical form and the table that makes equal nodes the same object
 * (Bryant 1986 for binary diagrams; Strehl and Thiele 1998 for interval-labelled edges).
 *
 * A node cuts the whole domain of its level into consecutive intervals, each leading to a node of a later level or to a
 * terminal. Canonical: neighbouring intervals lead to different nodes, a node with one interval does not exist, and no
 * two nodes are equal. So two diagrams mean the same exactly when they are the same object.
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

/** The inclusive high end of an interval: a number where the domain is small, for speed; a bigint elsewhere. */
export type Bound = number | bigint;

/** A decision node or a terminal. Only `makeNode` creates decision nodes. */
export interface Node {
  /** Unique among the nodes in the table, small enough that a pair of them is an exact number. */
  readonly id: number;
  readonly level: Level;
  /** High ends of the intervals, ascending; the last one is the end of the domain. */
  readonly highs: readonly Bound[];
  /** `kids[i]` is where the interval that ends at `highs[i]` leads. */
  readonly kids: readonly Node[];
  /** Next node with the same hash. */
  next: Node | undefined;
}

/** No packet. */
export const FALSE: Node = { id: 0, level: LEVEL.terminal, highs: [], kids: [], next: undefined };
/** Every packet, whatever the remaining fields. */
export const TRUE: Node = { id: 1, level: LEVEL.terminal, highs: [], kids: [], next: undefined };

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

/** Ids stay below this, so that `a * ID_LIMIT + b` is exact. */
export const ID_LIMIT = 2 ** 26;

const table = new Map<number, Node>();
const freeIds: number[] = [];
let nextId = 2;
let count = 0;

/** How many decision nodes the table holds. */
export function tableSize(): number {
  return count;
}

/**
 * The canonical node for a partition. `highs` and `kids` are owned by the node afterwards; neighbouring kids must
 * differ already (see `PartitionBuilder`).
 */
export function makeNode(level: Level, highs: readonly Bound[], kids: readonly Node[]): Node {
  const [only] = kids;
  if (only !== undefined && kids.length === 1) return only;
  const hash = hashOf(level, highs, kids);
  const bucket = table.get(hash);
  for (let node = bucket; node !== undefined; node = node.next) {
    if (isSame(node, level, highs, kids)) return node;
  }
  const id = freeIds.pop() ?? nextId++;
  if (id >= ID_LIMIT) throw new RangeError('packet sets need more than 67 million nodes');
  const node: Node = { id, level, highs, kids, next: bucket };
  table.set(hash, node);
  count++;
  return node;
}

/**
 * Takes every node out of the table that no root reaches. The caller must hold no node but the roots, and must drop
 * every cache that names nodes, because their ids are given out again.
 */
export function sweep(roots: Iterable<Node>): void {
  const live = reachable(roots);
  for (const [hash, bucket] of table) {
    let kept: Node | undefined;
    for (let node: Node | undefined = bucket; node !== undefined; ) {
      const after: Node | undefined = node.next;
      if (live.has(node)) {
        node.next = kept;
        kept = node;
      } else {
        freeIds.push(node.id);
        count--;
      }
      node = after;
    }
    if (kept === undefined) table.delete(hash);
    else table.set(hash, kept);
  }
}

/** The decision nodes that the roots reach, roots included. */
export function reachable(roots: Iterable<Node>): Set<Node> {
  const seen = new Set<Node>();
  const open: Node[] = [...roots];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.level === LEVEL.terminal || seen.has(node)) continue;
    seen.add(node);
    for (const kid of node.kids) open.push(kid);
  }
  return seen;
}

/** Collects a partition in ascending order and joins neighbours that lead to the same node. */
export class PartitionBuilder {
  readonly #highs: Bound[] = [];
  readonly #kids: Node[] = [];

  /** The interval from the previous high end to `high` leads to `kid`. */
  add(high: Bound, kid: Node): void {
    const last = this.#kids.length - 1;
    if (last >= 0 && this.#kids[last] === kid) this.#highs[last] = high;
    else {
      this.#highs.push(high);
      this.#kids.push(kid);
    }
  }

  /** The canonical node; the last interval added must end the domain of `level`. */
  node(level: Level): Node {
    return makeNode(level, this.#highs, this.#kids);
  }
}

/** The node whose values in `set` lead to `kid` and whose other values lead to FALSE. Values beyond the domain are cut. */
export function test(level: Level, set: IntervalSet, kid: Node): Node {
  const max = LEVEL_MAX[level] ?? 0n;
  const out = new PartitionBuilder();
  let from = 0n;
  for (const [low, high] of set.intervals) {
    if (low > max) break;
    if (low > from) out.add(boundOf(level, low - 1n), FALSE);
    out.add(boundOf(level, high < max ? high : max), kid);
    from = high + 1n;
  }
  if (from <= max) out.add(boundOf(level, max), FALSE);
  return out.node(level);
}

/** Where `value` leads from a decision node; values outside the domain lead to FALSE. */
export function follow(node: Node, value: bigint): Node {
  if (value < 0n || value > (LEVEL_MAX[node.level] ?? -1n)) return FALSE;
  let low = 0;
  let high = node.highs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (node.highs[middle] ?? 0)) high = middle;
    else low = middle + 1;
  }
  return node.kids[low] ?? FALSE;
}

/** The edges of a decision node, grouped by where they lead, FALSE left out, in order of their lowest value. */
export function edges(node: Node): Map<Node, IntervalSet> {
  const byKid = new Map<Node, Interval[]>();
  let from = 0n;
  node.kids.forEach((kid, i) => {
    const high = BigInt(node.highs[i] ?? 0);
    if (kid !== FALSE) {
      const list = byKid.get(kid);
      if (list === undefined) byKid.set(kid, [[from, high]]);
      else list.push([from, high]);
    }
    from = high + 1n;
  });
  return new Map([...byKid].map(([kid, list]) => [kid, IntervalSet.from(list)]));
}

/** Addresses of IPv6 and interface names need more than a double holds; the other levels do not. */
function boundOf(level: Level, value: bigint): Bound {
  switch (level) {
    case LEVEL.src6:
    case LEVEL.dst6:
    case LEVEL.iif:
    case LEVEL.oif:
      return value;
    default:
      return Number(value);
  }
}

function hashOf(level: Level, highs: readonly Bound[], kids: readonly Node[]): number {
  let hash: number = level;
  for (let i = 0; i < kids.length; i++) {
    const high = highs[i] ?? 0;
    const low = typeof high === 'number' ? high | 0 : Number(BigInt.asIntN(32, high ^ (high >> 61n)));
    hash = Math.imul(hash ^ low, 0x01000193);
    hash = Math.imul(hash ^ (kids[i]?.id ?? 0), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isSame(node: Node, level: Level, highs: readonly Bound[], kids: readonly Node[]): boolean {
  if (node.level !== level || node.kids.length !== kids.length) return false;
  for (let i = 0; i < kids.length; i++) {
    if (node.kids[i] !== kids[i] || node.highs[i] !== highs[i]) return false;
  }
  return true;
}
