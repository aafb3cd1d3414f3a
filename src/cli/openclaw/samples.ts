import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assess, type Declaration } from '../../openclaw/assess.ts';
import type { Finding } from '../../openclaw/line.ts';
import { observationOfRecord } from '../../openclaw/record.ts';
import { CordonError } from '../../source/error.ts';

/**
 * Assesses every recorded audit below a folder, `DIR/VERSION/drift/NAME.json`.
 * @returns findings by `VERSION/NAME`, in the order of names; what holds is left out
 * @throws CordonError `no-samples` for a folder without any
 */
export function assessSamples(folder: string, declaration: Declaration): Map<string, readonly Finding[]> {
  const found = new Map<string, readonly Finding[]>();
  for (const version of foldersIn(folder)) {
    for (const file of filesIn(join(folder, version, 'drift'))) {
      const observation = observationOfRecord(recordIn(join(folder, version, 'drift', file)));
      // A record under another release's name was mixed up somewhere: no table can be trusted for it.
      const sure = observation.version === version ? observation : { ...observation, version: undefined };
      const findings = assess(declaration, sure).filter((f) => f.state !== 'holds');
      found.set(`${version}/${file.slice(0, -'.json'.length)}`, findings);
    }
  }
  if (found.size > 0) return found;
  throw new CordonError('no-samples', `${folder} has no records`, {
    hint: 'name a folder that holds VERSION/drift/NAME.json',
  });
}

function recordIn(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function foldersIn(folder: string): string[] {
  return entriesIn(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

function filesIn(folder: string): string[] {
  return entriesIn(folder)
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => entry.name)
    .sort();
}

function entriesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
