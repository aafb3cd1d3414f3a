import type { Family } from './address.ts';
import { edges, FALSE, LEVEL, LEVEL_MAX, type Node } from './diagram.ts';
import type { Field } from './field.ts';
import { LEVEL_FIELDS, levelOf } from './field-level.ts';
import { IntervalSet } from './interval-set.ts';

/** A product of one interval set for each field. */
export type Box = Readonly<Record<Field, IntervalSet>>;

/** The disjoint boxes that make up the diagram of a family, in order of their lowest values, field by field. */
export function* boxesOf(root: Node, family: Family): Generator<Box> {
  if (root === FALSE) return;
  const full = Object.fromEntries(
    LEVEL_FIELDS.map((field) => [field, IntervalSet.of([0n, LEVEL_MAX[levelOf(field, family)] ?? 0n])]),
  ) as Record<Field, IntervalSet>;
  yield* below(root, 0, { ...full, family: IntervalSet.point(BigInt(family)) }, family);
}

function* below(node: Node, index: number, box: Box, family: Family): Generator<Box> {
  const field = LEVEL_FIELDS[index];
  if (field === undefined) yield box;
  else if (node.level === LEVEL.terminal || node.level !== levelOf(field, family))
    yield* below(node, index + 1, box, family);
  else for (const [kid, set] of edges(node)) yield* below(kid, index + 1, { ...box, [field]: set }, family);
}
