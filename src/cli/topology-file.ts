import { isUtf8 } from 'node:buffer';
import { existsSync, readFileSync } from 'node:fs';
import { type Diagnostic, formatDiagnostic } from '../source/diagnostic.ts';
import { CordonError, InputError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import { compileTopology } from '../topology/compile.ts';
import { loadTopology } from '../topology/load.ts';
import type { Topology } from '../topology/model.ts';

/** Where the texts of a topology come from: the file system, or a revision. */
export interface TextSource {
  /** @throws CordonError if there is no such text */
  read(path: string): string;
  has(path: string): boolean;
}

/** The file system. */
export const FILES: TextSource = { read: readText, has: existsSync };

/** True for a YAML file: a topology. */
export function isTopologyFile(path: string): boolean {
  return /\.ya?ml$/.test(path);
}

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
export function readTopology(
  path: string,
  source: TextSource = FILES,
): { topology: Topology; warnings: readonly Diagnostic[] } {
  // A base that is not there is the loader's to report, with the place that names it; one that is unreadable is not.
  const readBase = (base: string) => (source.has(base) ? source.read(base) : undefined);
  const loaded = loadTopology(path, source.read(path), readBase);
  if (!loaded.ok) throw new InputError(loaded.diagnostics);
  return { topology: loaded.value, warnings: loaded.warnings };
}

/** Reads and compiles a topology file; throws as `readTopology` does. */
export function readDeclared(path: string, source: TextSource = FILES): Declared {
  const { topology, warnings } = readTopology(path, source);
  const compiled = compileTopology(topology);
  if (!compiled.ok) throw new InputError(compiled.diagnostics);
  return { topology, evidence: compiled.value, warnings: [...warnings, ...compiled.warnings] };
}

/** Says on stderr what compiles and is yet worth a look. */
export function sayWarnings({ warnings }: { readonly warnings: readonly Diagnostic[] }): void {
  for (const w of warnings) process.stderr.write(`${formatDiagnostic(w)}\n`);
}

/**
 * The text of a file that a command was given.
 * @throws CordonError `file-unreadable`, `file-not-text`
 */
export function readText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new CordonError('file-unreadable', `${path}: ${readProblem(cause)}`, {
      cause,
      hint: 'name a file that exists; `cordon --help` shows what each command reads',
    });
  }
  // Decoding leniently would put other characters into a policy than the file has.
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new CordonError('file-not-text', `${path}: this is not UTF-8 text`, {
      hint: 'cordon reads YAML, HuJSON and JSON; save the file as UTF-8',
    });
  }
  return bytes.toString('utf8');
}

/** Why the file system refused to read a file, in words. */
function readProblem(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'ENOENT' ? 'there is no such file' : fileProblem(cause);
}

/** Why the file system refused, in words. */
export function fileProblem(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  return FILE_PROBLEMS[code ?? ''] ?? code ?? 'it cannot be used';
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  EISDIR: 'it is a directory',
  ENOTDIR: 'part of the path is not a directory',
  EEXIST: 'there is a file of that name',
  EACCES: 'permission denied',
  ENOSPC: 'no space left',
  EROFS: 'read-only file system',
};
