import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CordonError } from '../source/error.ts';
import { creatorSchema } from './identity.ts';
import { isPlainName } from './name.ts';

/**
 * What a lab leaves on disk while it runs: `RUNDIR/PREFIX/lab.json`, written before anything is made, so that a later
 * start can remove what a killed one left.
 */
const markerSchema = z.strictObject({
  schemaVersion: z.literal(1),
  prefix: z.string().refine(isPlainName),
  creator: creatorSchema,
  /** Names that were free when the lab took them, and that it made or was about to make. */
  namespaces: z.array(z.string().refine(isPlainName)),
  /** Processes it started. */
  processes: z.array(z.strictObject({ pid: z.int().positive(), startTicks: z.int().nonnegative() })),
});

export type Marker = Readonly<z.infer<typeof markerSchema>>;

/** Where labs leave their markers unless told otherwise. */
export const DEFAULT_RUN_DIRECTORY = '/run/cordon/lab';

const FILE = 'lab.json';

/** The lab's own folder: marker, logs and throw-away homes. */
export function labDirectory(runDirectory: string, prefix: string): string {
  return join(runDirectory, prefix);
}

/** Makes the lab's folder if need be and writes the marker into it, in one step for every reader. */
export function writeMarker(runDirectory: string, marker: Marker): void {
  const directory = labDirectory(runDirectory, marker.prefix);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const temporary = join(directory, `${FILE}.new`);
  writeFileSync(temporary, `${JSON.stringify(marker, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, join(directory, FILE));
}

/** Removes the lab's folder with everything in it. */
export function removeMarker(runDirectory: string, prefix: string): void {
  rmSync(labDirectory(runDirectory, prefix), { recursive: true, force: true });
}

/**
 * Markers of all labs that run or were killed.
 * @throws CordonError `lab-marker` for one that cannot be read: what it would have named is unknown
 */
export function readMarkers(runDirectory: string): readonly Marker[] {
  const markers: Marker[] = [];
  for (const name of list(runDirectory)) {
    const text = read(join(runDirectory, name, FILE));
    if (text === undefined) continue;
    markers.push(parseMarker(join(runDirectory, name, FILE), text));
  }
  return markers;
}

function parseMarker(file: string, text: string): Marker {
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CordonError('lab-marker', `${file} is not the marker of a lab`, {
      cause,
      hint: 'if no lab is running, remove its folder',
    });
  }
}

function list(directory: string): readonly string[] {
  return whenThere(() => readdirSync(directory)) ?? [];
}

function read(file: string): string | undefined {
  return whenThere(() => readFileSync(file, 'utf8'));
}

function whenThere<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
