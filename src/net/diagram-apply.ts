import { FALSE, LEVEL, makeNode, type Node, TRUE } from './diagram.ts';
import { ID_LIMIT } from './partition.ts';
import { product } from './partition-algebra.ts';

/** A set operation on two diagrams of the same family. */
export type Operation = 'union' | 'intersect' | 'subtract';

/** Results are kept up to this many per operation; then the cache starts afresh, which costs time and nothing else. */
const CACHE_LIMIT = 500_000;

const caches: Readonly<Record<Operation, Map<number, Node>>> = {
  union: new Map(),
  intersect: new Map(),
  subtract: new Map(),
};

/** Forgets all results; required when nodes leave the table. */
export function clearApplyCaches(): void {
  for (const cache of Object.values(caches)) cache.clear();
}

/** The diagram of `a` op `b`; each pair of nodes is worked out once. */
export function apply(op: Operation, a: Node, b: Node): Node {
  const known = trivial(op, a, b);
  if (known !== undefined) return known;
  const swap = op !== 'subtract' && a.id > b.id;
  const key = swap ? b.id * ID_LIMIT + a.id : a.id * ID_LIMIT + b.id;
  const cache = caches[op];
  const cached = cache.get(key);
  if (cached !== undefined) return cached;
  const result = combine(op, a, b);
  if (cache.size >= CACHE_LIMIT) cache.clear();
  cache.set(key, result);
  return result;
}

/** The result where one side is a terminal that decides it, or both sides are the same. */
function trivial(op: Operation, a: Node, b: Node): Node | undefined {
  switch (op) {
    case 'union':
      if (a === b || b === FALSE || a === TRUE) return a;
      return a === FALSE || b === TRUE ? b : undefined;
    case 'intersect':
      if (a === b || a === FALSE || b === TRUE) return a;
      return b === FALSE || a === TRUE ? b : undefined;
    case 'subtract':
      if (a === b || a === FALSE || b === TRUE) return FALSE;
      return b === FALSE ? a : undefined;
  }
}

/** Combines class by class at the earlier level; a side that does not decide there is the same for every class. */
function combine(op: Operation, a: Node, b: Node): Node {
  if (a.level !== LEVEL.terminal && a.level < b.level) {
    return makeNode(
      a.level,
      a.partition,
      a.kids.map((kid) => apply(op, kid, b)),
    );
  }
  if (b.level !== LEVEL.terminal && b.level < a.level) {
    return makeNode(
      b.level,
      b.partition,
      b.kids.map((kid) => apply(op, a, kid)),
    );
  }
  if (a.level === LEVEL.terminal || b.level === LEVEL.terminal) throw new RangeError('two terminals decide themselves');
  const { partition, left, right } = product(a.partition, b.partition);
  const kids = left.map((i, n) => apply(op, a.kids[i] ?? FALSE, b.kids[right[n] ?? 0] ?? FALSE));
  return makeNode(a.level, partition, kids);
}
