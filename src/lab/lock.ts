import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CordonError } from '../source/error.ts';

const WAIT_MS = 30_000;
const RETRY_MS = 20;

/**
 * Runs `work` while no other process of this machine runs it under the same name. The lock is a listening socket in the
 * abstract name space (unix(7)): the kernel lets go of it when its holder dies, however it dies.
 * @throws CordonError `lab-busy` after half a minute; whatever `work` throws
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const server = await acquire(`\0${name}`);
  try {
    return await work();
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function acquire(path: string): Promise<Server> {
  for (let waited = 0; waited <= WAIT_MS; waited += RETRY_MS) {
    const server = await listen(path);
    if (server !== undefined) return server;
    await sleep(RETRY_MS);
  }
  throw new CordonError('lab-busy', 'another process has been starting or removing a lab for half a minute', {
    hint: 'see which cordon process that is, and end it',
  });
}

function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}
