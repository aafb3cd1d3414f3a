import { CordonError } from '../source/error.ts';
import { type Creator, lifeOf } from './identity.ts';
import { allDone, ipBatch } from './ip.ts';
import { deleteNamespaces, removeLeftovers, removeNamespaces } from './leftover.ts';
import { withLock } from './lock.ts';
import { type Marker, readMarkers, removeMarker, writeMarker } from './marker.ts';
import { formatAlias, namespaceNames, ownerOf } from './owner.ts';
import { namespaceLines } from './script.ts';

/** Who claims, and where it is written down. */
export interface Claimant {
  readonly runDirectory: string;
  readonly prefix: string;
  readonly creator: Creator;
}

/**
 * Makes namespaces of exactly these names and marks them as the claimant's. What killed labs left is removed first;
 * a name that anybody else holds is refused, and then nothing is made.
 * @param before the claimant's marker so far, when it claims more names later
 * @returns the marker, as it was written before the first namespace was made
 * @throws CordonError `lab-running`, `lab-namespace-exists`, `lab-marker`, `lab-busy`, `lab-ip`
 */
export function claimNamespaces(claimant: Claimant, names: readonly string[], before?: Marker): Promise<Marker> {
  return withLock(`cordon-lab:${claimant.runDirectory}`, async () => {
    await removeLeftovers(claimant.runDirectory);
    if (before === undefined) refuseSecondLab(claimant);
    await refuseTakenNames(names);
    const marker: Marker = {
      schemaVersion: 1,
      prefix: claimant.prefix,
      creator: claimant.creator,
      namespaces: [...(before?.namespaces ?? []), ...names],
      processes: before?.processes ?? [],
    };
    writeMarker(claimant.runDirectory, marker);
    try {
      await ipBatch(undefined, namespaceLines(names));
      const alias = formatAlias(claimant.prefix, claimant.creator);
      await allDone(names.map((name) => ipBatch(name, [`link set dev lo alias ${alias}`, 'link set dev lo up'])));
    } catch (error) {
      await removeNamespaces(names, claimant.creator);
      if (before === undefined) removeMarker(claimant.runDirectory, claimant.prefix);
      else writeMarker(claimant.runDirectory, before);
      throw error;
    }
    return marker;
  });
}

function refuseSecondLab(claimant: Claimant): void {
  const other = readMarkers(claimant.runDirectory).find((m) => m.prefix === claimant.prefix);
  if (other === undefined) return;
  throw new CordonError('lab-running', `a lab named ${claimant.prefix} is running: process ${other.creator.pid}`, {
    hint: 'end that process, which removes its lab, or give this lab another prefix',
  });
}

/** All taken names at once. A dead lab's namespace without a marker is deleted: its alias says enough. */
async function refuseTakenNames(names: readonly string[]): Promise<void> {
  const existing = namespaceNames();
  const taken: string[] = [];
  const dead: string[] = [];
  let isForeign = false;
  for (const name of names.filter((n) => existing.has(n))) {
    const owner = await ownerOf(name);
    if (owner.kind !== 'lab') {
      isForeign = true;
      taken.push(`${name} (not made by a lab of cordon)`);
    } else if (lifeOf(owner.creator) !== 'gone') {
      taken.push(`${name} (of the lab ${owner.prefix}, process ${owner.creator.pid}, which is running)`);
    } else {
      dead.push(name);
    }
  }
  if (taken.length > 0) {
    const plural = taken.length > 1 ? 'network namespaces exist' : 'a network namespace exists';
    throw new CordonError('lab-namespace-exists', `${plural} already: ${taken.join(', ')}`, {
      hint: isForeign
        ? 'give the host another access.name in the topology, or, if nothing needs it, remove it with: ip netns del NAME'
        : 'end the other lab first, or give the host another access.name in the topology',
    });
  }
  await deleteNamespaces(dead);
}
