import { readFileSync } from 'node:fs';
import type { Diagnostic } from '../source/diagnostic.ts';
import { CordonError, InputError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import { compileTopology } from '../topology/compile.ts';
import { loadTopology } from '../topology/load.ts';
import type { Topology } from '../topology/model.ts';

/** A topology with what it compiles to. */
export interface Declared {
  readonly topology: Topology;
  readonly evidence: Evidence;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Reads a topology file and the base policy it names.
 * @throws InputError with every diagnostic at once
 * @throws CordonError `file-unreadable`
 */
export function readTopology(path: string): { topology: Topology; warnings: readonly Diagnostic[] } {
  const loaded = loadTopology(path, readText(path), readTextIfThere);
  if (!loaded.ok) throw new InputError(loaded.diagnostics);
  return { topology: loaded.value, warnings: loaded.warnings };
}

/** Reads and compiles a topology file; throws as `readTopology` does. */
export function readDeclared(path: string): Declared {
  const { topology, warnings } = readTopology(path);
  const compiled = compileTopology(topology);
  if (!compiled.ok) throw new InputError(compiled.diagnostics);
  return { topology, evidence: compiled.value, warnings: [...warnings, ...compiled.warnings] };
}

/**
 * The text of a file that a command was given.
 * @throws CordonError `file-unreadable`
 */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = { ENOENT: 'there is no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' }[
      code ?? ''
    ];
    throw new CordonError('file-unreadable', `${path}: ${why ?? code ?? 'cannot be read'}`, {
      cause,
      hint: 'name a file that exists; `cordon --help` shows what each command reads',
    });
  }
}

function readTextIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
