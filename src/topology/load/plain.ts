import type { Path } from './places.ts';

/** The value at a path of plain data; undefined where the path leads nowhere. Own properties only. */
export function valueAt(root: unknown, path: Path): unknown {
  let current = root;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}

/** Takes out the value at a path. List items become holes, so that the other indexes stay those of the file. */
export function removeAt(root: unknown, path: Path): void {
  const parent = valueAt(root, path.slice(0, -1));
  const step = path.at(-1);
  if (typeof parent !== 'object' || parent === null || step === undefined || !Object.hasOwn(parent, step)) return;
  if (Array.isArray(parent)) parent[Number(step)] = undefined;
  else delete (parent as Record<string, unknown>)[String(step)];
}

/** A deep copy of plain data whose objects have no prototype. */
export function copyPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyPlain);
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(value)) result[key] = copyPlain(item);
  return result;
}

/** What a value is, in words. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return String(value);
  return 'text';
}
