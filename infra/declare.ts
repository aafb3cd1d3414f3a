import { readFileSync } from 'node:fs';
import * as pulumi from '@pulumi/pulumi';
import type { Diagnostic, Result } from '../src/source/diagnostic.ts';
import { formatDiagnostic } from '../src/source/diagnostic.ts';
import type { Evidence } from '../src/state/evidence.ts';
import { compileTopology } from '../src/topology/compile.ts';
import { loadTopology } from '../src/topology/load.ts';
import type { Topology } from '../src/topology/model.ts';

/** A topology and what the world has to hold for it to be true. */
export interface Declaration {
  readonly topology: Topology;
  readonly evidence: Evidence;
  readonly warnings: readonly Diagnostic[];
}

/**
 * Loads and compiles a topology file.
 * @param file its path as configured, for messages
 * @param resolvePath makes a path that a message may show into one that can be read
 * @throws RunError with every diagnostic
 */
export function declare(file: string, resolvePath: (path: string) => string): Declaration {
  const topology = expectOk(
    loadTopology(file, readTopology(file, resolvePath), (path) => readOptional(resolvePath(path))),
    'the topology is not valid',
  );
  const compiled = expectOk(compileTopology(topology.value), 'the topology cannot be compiled');
  return {
    topology: topology.value,
    evidence: compiled.value,
    warnings: [...topology.warnings, ...compiled.warnings],
  };
}

function readTopology(file: string, resolvePath: (path: string) => string): string {
  try {
    return readFileSync(resolvePath(file), 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new pulumi.RunError(`the topology file of cordon:topology cannot be read: ${why}`);
  }
}

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function expectOk<T>(result: Result<T>, what: string): Extract<Result<T>, { readonly ok: true }> {
  if (result.ok) return result;
  throw new pulumi.RunError(`${what}:\n${result.diagnostics.map(formatDiagnostic).join('\n')}`);
}
