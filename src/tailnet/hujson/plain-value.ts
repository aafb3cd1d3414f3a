import type { HujsonNode } from './parse.ts';

/** The plain JSON value of a node, comments gone. A key `__proto__` is a key like any other. */
export function plainValue(node: HujsonNode): unknown {
  switch (node.kind) {
    case 'object':
      return Object.fromEntries(node.members.map((m) => [m.key, plainValue(m.value)]));
    case 'array':
      return node.items.map(plainValue);
    case 'null':
      return null;
    default:
      return node.value;
  }
}
