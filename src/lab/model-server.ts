import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Address, formatAddress } from '../net/address.ts';
import { CordonError } from '../source/error.ts';
import type { LabAgent } from './agent-client.ts';
import { startTicks } from './identity.ts';
import { PLAIN_ENVIRONMENT, SYSTEM_PATH } from './ip.ts';
import { ReceiverKernel } from './receiver.ts';

/** What answers a model host's port. */
export interface ModelServer {
  /** `ollama`: the real program. `stand-in`: a small HTTP server that says in every answer what it is. */
  readonly kind: 'ollama' | 'stand-in';
  readonly host: string;
  readonly addresses: readonly Address[];
  readonly port: number;
  /** Path of the real program. */
  readonly program: string | undefined;
}

/** `OLLAMA_HOST` without a port means this one (envconfig/config.go: Host). */
export const OLLAMA_PORT = 11434;

/** Up after a quarter of a second on an idle machine; the search for GPUs can take longer. */
const START_MS = 30_000;
const POLL_MS = 20;

/** The real program, where this machine has it on the path or in a system directory. */
export function findOllama(path: string): string | undefined {
  return [...path.split(delimiter), ...SYSTEM_PATH.split(':')]
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, 'ollama'))
    .find(isExecutable);
}

export interface OllamaStart {
  readonly agent: LabAgent;
  readonly program: string;
  /** The one address that it listens on. */
  readonly address: Address;
  readonly port: number;
  /** Throw-away home: key pair and models are written below it. */
  readonly home: string;
  readonly log: string;
  /** Gets the pid as soon as there is one. */
  readonly onSpawned: (pid: number) => void;
  /** Ends the waiting. */
  readonly isStopping: () => boolean;
}

/**
 * Runs `ollama serve` and waits until it listens. It sees no environment of ours: no proxy, no key, no home.
 * @throws CordonError `lab-ollama` with the end of its log when it does not come up
 */
export async function startOllama(start: OllamaStart): Promise<void> {
  const { agent, home, log, port } = start;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const host = start.address.family === 6 ? `[${formatAddress(start.address)}]` : formatAddress(start.address);
  const pid = await agent.spawn({
    command: start.program,
    args: ['serve'],
    // The lab has no way out anyway; this keeps the server from asking for one at start.
    environment: { ...PLAIN_ENVIRONMENT, HOME: home, OLLAMA_HOST: `${host}:${port}`, OLLAMA_NO_CLOUD: '1' },
    workingDirectory: home,
    log,
  });
  start.onSpawned(pid);
  const startedAt = startTicks(pid);
  const kernel = new ReceiverKernel(agent.pid);
  for (let waited = 0; waited < START_MS && !start.isStopping(); waited += POLL_MS) {
    if (kernel.isListeningOn(start.address, port)) return;
    if (startTicks(pid) === undefined || startTicks(pid) !== startedAt) break;
    await sleep(POLL_MS);
  }
  throw new CordonError('lab-ollama', `${start.program} serve does not listen on ${host}:${port}: ${lastLines(log)}`, {
    hint: 'start it by hand to see why, or let the stand-in answer instead',
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function lastLines(log: string): string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return lines.at(-1) === '' ? 'it wrote nothing' : lines.slice(-3).join(' | ');
}
