import { InputError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import { parseSnapshot } from '../state/snapshot.ts';
import { readText } from './topology-file.ts';

/**
 * Reads a snapshot file.
 * @throws InputError for a file that is no snapshot, CordonError for one that cannot be read
 */
export function readSnapshot(file: string): Evidence {
  const parsed = parseSnapshot(file, readText(file));
  if (!parsed.ok) throw new InputError(parsed.diagnostics);
  return parsed.value;
}
