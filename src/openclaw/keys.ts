/** Steps from the root of a configuration; indexes of lists are written as decimal numbers. */
export type KeyPath = readonly string[];

/** One value that is not a map with entries: a scalar, a list (lists are values as a whole) or an empty map. */
export interface Leaf {
  readonly path: KeyPath;
  readonly value: unknown;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at `path`, own properties only; undefined where there is none. */
export function valueAt(root: unknown, path: KeyPath): unknown {
  let current = root;
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) return undefined;
    current = (current as Readonly<Record<string, unknown>>)[step];
  }
  return current;
}

/** Every leaf below `value`, in the order of the file. */
export function leavesOf(value: unknown, at: KeyPath = []): Leaf[] {
  if (!isRecord(value)) return [{ path: at, value }];
  const entries = Object.entries(value);
  if (entries.length === 0) return [{ path: at, value }];
  return entries.flatMap(([key, child]) => leavesOf(child, [...at, key]));
}

/** `gateway.auth.token`, as OpenClaw's own messages write paths. */
export function keyText(path: KeyPath): string {
  return path.join('.');
}

/** Steps of a path as it is written in tables, where no step holds a dot. */
export function keyPath(text: string): KeyPath {
  return text.split('.');
}

/** Same JSON value, whatever the order of keys. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, i) => sameValue(item, b[i]));
  }
  if (isRecord(a) && isRecord(b)) {
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length) return false;
    return keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key], b[key]));
  }
  return a === b;
}

/** Whether `path` matches a pattern of steps, where `*` stands for any one step and a last `**` for any rest. */
export function matches(pattern: KeyPath, path: KeyPath): boolean {
  const isOpen = pattern.at(-1) === '**';
  const steps = isOpen ? pattern.slice(0, -1) : pattern;
  if (isOpen ? path.length < steps.length : path.length !== steps.length) return false;
  return steps.every((step, i) => step === '*' || step === path[i]);
}
