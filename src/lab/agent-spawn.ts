import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SpawnCommand } from './command.ts';
import type { Reply } from './reply.ts';

/** A server gets this long to end by itself before it is killed. */
const GRACE_MS = 1_000;

const running = new Set<ChildProcess>();

/** Starts a program in a process group of its own; answers `spawned`, or `refused` with the kernel's error code. */
export function answerSpawn(command: SpawnCommand, send: (reply: Reply) => void): void {
  const log = openSync(command.log, 'a', 0o600);
  const child = spawn(command.command, command.args, {
    cwd: command.workingDirectory,
    env: { ...command.environment },
    stdio: ['ignore', log, log],
    // A group of its own: what the program starts ends with it.
    detached: true,
  });
  closeSync(log);
  child.once('error', (error: NodeJS.ErrnoException) =>
    send({ kind: 'refused', seq: command.seq, error: error.code ?? error.message }),
  );
  child.once('spawn', () => {
    running.add(child);
    send({ kind: 'spawned', seq: command.seq, pid: child.pid ?? 0 });
  });
  child.once('exit', () => running.delete(child));
}

/** Ends every program that is still running, with its process group. */
export async function endSpawned(): Promise<void> {
  const children = [...running];
  for (const child of children) signalGroup(child, 'SIGTERM');
  for (let waited = 0; running.size > 0 && waited < GRACE_MS; waited += 20) await sleep(20);
  for (const child of children) signalGroup(child, 'SIGKILL');
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}
