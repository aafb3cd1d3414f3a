import { randomUUID } from 'node:crypto';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';

/** A held lock says that it is alive this often. */
const HEARTBEAT_MS = 5_000;
/** A lock without a sign of life for this long is nobody's any more. */
const STALE_MS = 30_000;
const POLL_MS = 250;

const holderSchema = z.object({ token: z.string(), pid: z.number(), host: z.string() });

/** A lock that is held. */
export interface HeldLock {
  release(): Promise<void>;
}

/**
 * Takes a lock that is a file, waiting for its holder. A lock whose process has ended, or which has shown no sign of life,
 * is taken over.
 * @param onWait called once if somebody else holds it
 */
export async function acquireLock(path: string, onWait: () => void): Promise<HeldLock> {
  const token = randomUUID();
  const content = JSON.stringify({ token, pid: process.pid, host: hostname() });
  for (let waited = false; ; ) {
    if (await create(path, content)) break;
    if (await isStale(path)) {
      await rm(path, { force: true });
      continue;
    }
    if (!waited) onWait();
    waited = true;
    await setTimeout(POLL_MS);
  }
  const heartbeat = setInterval(() => {
    const now = new Date();
    // A lock that is gone was taken for stale; the work goes on, and whoever publishes first wins.
    utimes(path, now, now).catch(() => {});
  }, HEARTBEAT_MS);
  heartbeat.unref();
  return {
    async release() {
      clearInterval(heartbeat);
      if ((await holderOf(path))?.token === token) await rm(path, { force: true });
    },
  };
}

async function create(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(path: string): Promise<boolean> {
  const holder = await holderOf(path);
  if (holder !== undefined && holder.host === hostname() && !isRunning(holder.pid)) return true;
  try {
    return Date.now() - (await stat(path)).mtimeMs > STALE_MS;
  } catch {
    return false;
  }
}

/** Undefined when the file is gone or not (yet) readable. */
async function holderOf(path: string): Promise<z.infer<typeof holderSchema> | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Signal 0 asks without sending; EPERM means that it is there and somebody else's. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
