import { nameIn } from './aliases.ts';
import { type KeyPath, valueAt } from './keys.ts';
import type { VersionKnowledge } from './version.ts';

/** What a line is decided on. */
export interface Reading {
  /** Key in the file. */
  readonly path: KeyPath;
  /** What the file says; undefined = nothing. */
  readonly value: unknown;
  /** Whether the map that holds the key is there. */
  readonly hasMap: boolean;
}

/**
 * What a configuration (or one agent's part of it) says under a key of the tables. A model may be a text in place of a
 * map with `primary`.
 */
export function readingOf(root: unknown, key: KeyPath, version: VersionKnowledge): Reading {
  const path = nameIn(key, version.family);
  const map = valueAt(root, path.slice(0, -1));
  if (key.at(-1) === 'primary' && typeof map === 'string') {
    return { path: path.slice(0, -1), value: map, hasMap: true };
  }
  return { path, value: valueAt(root, path), hasMap: map !== undefined };
}
