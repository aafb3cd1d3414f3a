import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CordonError } from '../../src/source/error.ts';
import { acquireLock } from './file-lock.ts';

/** Unfinished folders older than this were left by a process that died. */
const ABANDONED_MS = 24 * 60 * 60 * 1_000;
const UNFINISHED = '.unfinished-';

/**
 * Makes a folder of the cache if it is not there. It appears in one step when it is complete, so a process that finds it
 * can use it. A lock keeps two processes from doing the same work twice; correctness does not depend on it.
 * @param name folder name, unique for its content
 * @param make fills an empty folder on the same file system
 * @returns path of the folder
 * @throws CordonError `cache-unusable` if the cache cannot be written; whatever `make` throws
 */
export async function cachedFolder(
  cache: string,
  name: string,
  onWait: () => void,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const final = join(cache, name);
  if (existsSync(final)) return final;
  await writable(cache, () => mkdir(cache, { recursive: true }));
  const lock = await acquireLock(join(cache, `${name}.lock`), onWait);
  try {
    if (existsSync(final)) return final;
    await removeAbandoned(cache);
    const unfinished = join(cache, `${name}${UNFINISHED}${process.pid}-${randomBytes(4).toString('hex')}`);
    await writable(cache, () => mkdir(unfinished));
    try {
      await make(unfinished);
      await publish(unfinished, final);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    return final;
  } finally {
    await lock.release();
  }
}

/** Whoever renames first wins; the other's folder has the same content. */
async function publish(unfinished: string, final: string): Promise<void> {
  try {
    await rename(unfinished, final);
  } catch (error) {
    if (!existsSync(final)) throw error;
  }
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.includes(UNFINISHED)) continue;
    const { mtimeMs } = await stat(join(cache, name));
    if (Date.now() - mtimeMs > ABANDONED_MS) await rm(join(cache, name), { recursive: true, force: true });
  }
}

async function writable<T>(cache: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new CordonError('cache-unusable', `cannot write to ${cache}: ${(error as Error).message}`, {
      cause: error,
      hint: 'free space there, or set XDG_CACHE_HOME to a folder that can be written and executed from',
    });
  }
}
