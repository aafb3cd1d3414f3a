import { type Decision, edges, FALSE, follow, LEVEL, LEVEL_MAX, makeNode, type Node, TRUE, test } from './diagram.ts';
import { apply } from './diagram-apply.ts';
import { ICMP_PROTOCOLS, PORT_PROTOCOLS } from './field.ts';
import { type Interval, IntervalSet } from './interval-set.ts';

type DecisionLevel = Decision['level'];

/** Levels of the fields that only some protocols have. */
const PORT_LEVELS: readonly DecisionLevel[] = [LEVEL.sport, LEVEL.dport];
const ICMP_LEVELS: readonly DecisionLevel[] = [LEVEL.icmpType, LEVEL.icmpCode];

/** The diagram in which the levels no longer matter: a path passes if it passed with some value there. */
export function forgetLevels(root: Node, levels: readonly DecisionLevel[]): Node {
  const last = Math.max(...levels);
  const done = new Map<Node, Node>();
  const visit = (node: Node): Node => {
    if (node.level === LEVEL.terminal || node.level > last) return node;
    const known = done.get(node);
    if (known !== undefined) return known;
    const kids = node.kids.map(visit);
    const result = levels.includes(node.level) ? unionAll(kids) : makeNode(node.level, node.partition, kids);
    done.set(node, result);
    return result;
  };
  return visit(root);
}

/**
 * The diagram in which the protocol no longer matters: a packet passes if a packet of some protocol passed that agrees
 * with it on every other field that both of them have.
 */
export function forgetProtocol(root: Node): Node {
  if (root.level !== LEVEL.proto) return root;
  const any = unionAll(root.kids);
  const kinds = PORT_PROTOCOLS.union(ICMP_PROTOCOLS).complement(0n, LEVEL_MAX[LEVEL.proto] ?? 0n);
  return unionAll([
    test(LEVEL.proto, PORT_PROTOCOLS, forgetLevels(any, ICMP_LEVELS)),
    test(LEVEL.proto, ICMP_PROTOCOLS, forgetLevels(any, PORT_LEVELS)),
    test(LEVEL.proto, kinds, forgetLevels(any, [...PORT_LEVELS, ...ICMP_LEVELS])),
  ]);
}

/** The union of many diagrams, in pairs, so that large intermediate results are few. */
export function unionAll(nodes: readonly Node[]): Node {
  let round = nodes;
  while (round.length > 1) {
    const next: Node[] = [];
    for (let i = 0; i < round.length; i += 2) next.push(apply('union', round[i] ?? FALSE, round[i + 1] ?? FALSE));
    round = next;
  }
  return round[0] ?? FALSE;
}

/** The values at a level with which some path passes; the whole domain where a passing path skips the level. */
export function valuesAt(root: Node, level: DecisionLevel): IntervalSet {
  const values: Interval[] = [];
  const full = IntervalSet.of([0n, LEVEL_MAX[level] ?? 0n]);
  const seen = new Set<Node>();
  const open = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node === FALSE || seen.has(node)) continue;
    seen.add(node);
    // Every node but FALSE lets something pass, so a path that has gone by the level takes all its values.
    if (node.level === LEVEL.terminal || node.level > level) return full;
    if (node.level < level) for (const kid of node.kids) open.push(kid);
    else for (const [, set] of edges(node)) for (const interval of set.intervals) values.push(interval);
  }
  return IntervalSet.from(values);
}

/** True when the path of these values passes. `valueAt` is asked only for levels that the path decides on. */
export function accepts(root: Node, valueAt: (level: DecisionLevel) => bigint): boolean {
  let node = root;
  while (node.level !== LEVEL.terminal) node = follow(node, valueAt(node.level));
  return node === TRUE;
}
