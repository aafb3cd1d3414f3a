import { FALSE, ID_LIMIT, LEVEL, type Level, type Node, PartitionBuilder, TRUE } from './diagram.ts';

/** A set operation on two diagrams of the same family. */
export type Operation = 'union' | 'intersect' | 'subtract';

/** Results are kept up to this many per operation; then the cache starts afresh, which costs time and nothing else. */
const CACHE_LIMIT = 1_000_000;

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

/** Walks the two partitions of the earlier level together; a side that does not decide at that level is one interval. */
function combine(op: Operation, a: Node, b: Node): Node {
  const out = new PartitionBuilder();
  const level = earlierLevel(a, b);
  if (level === LEVEL.terminal) throw new Error('two terminals are always decided');
  if (b.level > level) alone(a, (kid) => apply(op, kid, b), out);
  else if (a.level > level) alone(b, (kid) => apply(op, a, kid), out);
  else {
    let i = 0;
    let j = 0;
    for (;;) {
      const highA = a.highs[i];
      const highB = b.highs[j];
      if (highA === undefined || highB === undefined) break;
      const kid = apply(op, a.kids[i] ?? FALSE, b.kids[j] ?? FALSE);
      if (highA < highB) {
        out.add(highA, kid);
        i++;
      } else {
        out.add(highB, kid);
        j++;
        if (highA === highB) i++;
      }
    }
  }
  return out.node(level);
}

/** Adds the partition of a node that meets a side without a decision at its level. */
function alone(node: Node, below: (kid: Node) => Node, out: PartitionBuilder): void {
  for (const [i, kid] of node.kids.entries()) out.add(node.highs[i] ?? 0, below(kid));
}

function earlierLevel(a: Node, b: Node): Level {
  if (b.level < a.level) return b.level;
  return a.level;
}
