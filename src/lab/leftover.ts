import { type Creator, formatCreator, lifeOf, startTicks } from './identity.ts';
import { ipBatch } from './ip.ts';
import { readMarkers, removeMarker } from './marker.ts';
import { namespaceExists, ownerOf } from './owner.ts';

/**
 * Removes what killed labs left: their processes, their namespaces, their folders. Only what is provably theirs goes: a
 * process with the recorded pid and start, a namespace that carries the dead maker's name, or one of a name that the
 * dead lab had reserved and in which nobody has done anything yet (it died between making and naming it).
 *
 * To be called under the labs' lock.
 * @throws CordonError `lab-marker`, `lab-ip`
 */
export async function removeLeftovers(runDirectory: string): Promise<void> {
  for (const marker of readMarkers(runDirectory)) {
    if (lifeOf(marker.creator) !== 'gone') continue;
    for (const { pid, startTicks: started } of marker.processes) endProcess(pid, started);
    await removeNamespaces(marker.namespaces, marker.creator);
    removeMarker(runDirectory, marker.prefix);
  }
}

/** Deletes those of the names that are the maker's, or that it had reserved and nobody has touched. */
export async function removeNamespaces(names: readonly string[], maker: Creator): Promise<void> {
  const own: string[] = [];
  for (const name of names) if (await isOf(name, maker)) own.push(name);
  await deleteNamespaces(own);
}

/** Deletes the names; the kernel frees a namespace, with all links that have an end in it, once no process is in it. */
export async function deleteNamespaces(names: readonly string[]): Promise<void> {
  const present = names.filter(namespaceExists);
  try {
    await ipBatch(
      undefined,
      present.map((name) => `netns del ${name}`),
      { keepGoing: true },
    );
  } catch (error) {
    // One that somebody else deleted meanwhile is gone as well.
    if (present.some(namespaceExists)) throw error;
  }
}

/**
 * Kills a process and its process group, if it is the one that started then.
 * @returns whether it was
 */
export function endProcess(pid: number, started: number): boolean {
  if (startTicks(pid) !== started) return false;
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // It ended by itself just now, or leads no group.
    }
  }
  return true;
}

async function isOf(name: string, maker: Creator): Promise<boolean> {
  if (!namespaceExists(name)) return false;
  const owner = await ownerOf(name);
  switch (owner.kind) {
    case 'lab':
      return formatCreator(owner.creator) === formatCreator(maker);
    case 'untouched':
    case 'no-namespace':
      return true;
    case 'foreign':
      return false;
  }
}
