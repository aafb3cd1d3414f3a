import { observeWorld } from '../observe/world.ts';
import { InputError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import { parseSnapshot } from '../state/snapshot.ts';
import type { Topology } from '../topology/model.ts';
import { makeLogger } from './log.ts';
import { readText } from './topology-file.ts';

/**
 * Evidence from a snapshot file, or from the world.
 * @throws InputError for a file that is no snapshot
 */
export async function evidenceFor(topology: Topology, snapshot: string | undefined): Promise<Evidence> {
  return snapshot === undefined ? observe(topology) : readSnapshot(snapshot);
}

/** Looks at the world; says on stderr when what answers is the emulator. */
export async function observe(topology: Topology): Promise<Evidence> {
  const log = makeLogger(process.env, process.stderr.isTTY === true).child({ module: 'observe' });
  const { evidence, emulated } = await observeWorld(topology, { env: process.env, now: () => new Date() });
  if (emulated) log.warn("the tailnet API is cordon's own emulator: this says nothing about a real tailnet");
  return evidence;
}

/** @throws InputError for a file that is no snapshot */
export function readSnapshot(file: string): Evidence {
  const parsed = parseSnapshot(file, readText(file));
  if (!parsed.ok) throw new InputError(parsed.diagnostics);
  return parsed.value;
}
