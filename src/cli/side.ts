import { InputError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import type { State } from '../state/state.ts';
import { parsePolicy } from '../tailnet/policy/parse.ts';
import type { Topology } from '../topology/model.ts';
import { readDeclared, readText } from './topology-file.ts';
import { observe, readSnapshot } from './world.ts';

/** One side of `cordon diff`. */
export interface DiffSide {
  readonly state: State;
  /** Name for blame. */
  readonly file: string;
  /** Where the side is a topology. */
  readonly topology?: Topology;
}

/** True for a YAML file: a topology. */
export function isTopologyFile(path: string): boolean {
  return /\.ya?ml$/.test(path);
}

/**
 * Reads one side: `live`, a topology (`.yaml`), a snapshot (JSON with `sources`) or a tailnet policy file.
 * @param devices body of the API's device list for a policy file; none = roles alone
 * @param topology names what `live` observes
 * @throws InputError for a policy that does not parse, CordonError for a file that cannot be read
 */
export async function readSide(name: string, devices: unknown, topology: Topology | undefined): Promise<DiffSide> {
  if (name === 'live' && topology !== undefined) {
    return { state: interpret(await observe(topology)), file: 'live policy' };
  }
  if (isTopologyFile(name)) {
    const declared = readDeclared(name);
    return { state: interpret(declared.evidence), file: name, topology: declared.topology };
  }
  const text = readText(name);
  if (isSnapshot(text)) return { state: interpret(readSnapshot(name)), file: name };
  const parsed = parsePolicy(name, text);
  if (!parsed.ok) throw new InputError(parsed.diagnostics);
  return { state: interpret(policyEvidence(text, devices)), file: name };
}

function policyEvidence(text: string, devices: unknown): Evidence {
  return {
    sources: {
      'tailnet/policy': { status: 'ok', body: { text } },
      'tailnet/devices': { status: 'ok', body: devices ?? { devices: [] } },
    },
  };
}

function isSnapshot(text: string): boolean {
  return /^\s*\{/.test(text) && /"schemaVersion"/.test(text) && /"sources"/.test(text);
}
