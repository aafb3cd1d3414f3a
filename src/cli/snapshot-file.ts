import { InputError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import { parseSnapshot } from '../state/snapshot.ts';
import { readText } from './topology-file.ts';

/**
 * Reads a snapshot file.
 * @throws InputError for a file that is no snapshot, CordonError for one that cannot be read
 */
export function readSnapshot(file: string): Evidence {
  return snapshotIn(file, readText(file));
}

/**
 * The evidence in a snapshot's text.
 * @throws InputError
 */
export function snapshotIn(file: string, text: string): Evidence {
  const parsed = parseSnapshot(file, text);
  if (!parsed.ok) throw new InputError(parsed.diagnostics);
  return parsed.value;
}
