import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { CordonError } from '../source/error.ts';
import { AGENT_FILE } from './agent.ts';
import type { Command, ListenCommand, ProbeCommand, ReleaseCommand, SpawnCommand } from './command.ts';
import { startTicks } from './identity.ts';
import { PLAIN_ENVIRONMENT } from './ip.ts';
import { endProcess } from './leftover.ts';
import { type Probed, type Reply, replySchema } from './reply.ts';

/** Everything an agent answers a command with. */
type Answer = Extract<Reply, { seq: number }>;

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** Starting Node takes some 50 ms; a machine under load gets a few hundred times that. */
const START_MS = 20_000;
/** Longer than the agent gives the programs it started. */
const STOP_MS = 3_000;

/** The lab's end of one agent: a Node process inside a namespace that listens, probes and starts programs there. */
export class LabAgent {
  readonly pid: number;
  readonly startedAt: number;
  readonly #child: ChildProcess;
  readonly #onSeen: (id: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #seq = 0;

  private constructor(child: ChildProcess, pid: number, onSeen: (id: string) => void) {
    this.#child = child;
    this.#onSeen = onSeen;
    this.pid = pid;
    this.startedAt = startTicks(pid) ?? 0;
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => {
        const error = new CordonError('lab-agent', `the lab's process ${pid} has ended`);
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
        resolve();
      });
    });
    child.on('message', (message) => this.#receive(replySchema.parse(message)));
    child.on('error', () => {
      // A message that could not be sent: the exit handler tells whoever waits.
    });
  }

  /**
   * Starts an agent and waits until it is ready.
   * @param log file for what it writes to stderr, which it does only when it crashes
   * @param onStarted called with its pid as soon as there is a process
   * @param onSeen called with each probe id that one of its listeners reads
   * @throws CordonError `lab-agent`
   */
  static async start(
    namespace: string,
    log: string,
    onStarted: (agent: LabAgent) => void,
    onSeen: (id: string) => void,
  ): Promise<LabAgent> {
    const output = openSync(log, 'a', 0o600);
    const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, AGENT_FILE], {
      env: { ...PLAIN_ENVIRONMENT },
      stdio: ['ignore', output, output, 'ipc'],
      // A session of its own: Ctrl-C is for us, and we end it in good order.
      detached: true,
    });
    closeSync(output);
    const ready = firstMessage(child);
    if (child.pid !== undefined) {
      const agent = new LabAgent(child, child.pid, onSeen);
      onStarted(agent);
      if (await ready) return agent;
      await agent.stop();
    }
    throw new CordonError('lab-agent', `the lab's process in network namespace ${namespace} did not start`, {
      hint: `see ${log}`,
    });
  }

  /** @throws CordonError `lab-listen` when the address cannot be listened on */
  async listen(command: Omit<ListenCommand, 'kind' | 'seq'>): Promise<void> {
    const answer = await this.#call({ kind: 'listen', seq: this.#nextSeq(), ...command });
    if (answer.kind === 'listening') return;
    const why = answer.kind === 'refused' ? answer.error : answer.kind;
    throw new CordonError(
      'lab-listen',
      `${command.name} cannot listen on ${command.address} port ${command.port}: ${why}`,
    );
  }

  /** Returns the outcome and what closes the connection, which stays as it is until then. */
  async probe(command: Omit<ProbeCommand, 'kind' | 'seq'>): Promise<{ probed: Probed; release: () => void }> {
    const seq = this.#nextSeq();
    const answer = await this.#call({ kind: 'probe', seq, ...command });
    if (answer.kind !== 'probed') throw new CordonError('lab-agent', `a probe was answered with ${answer.kind}`);
    return { probed: answer, release: () => this.#send({ kind: 'release', seq }) };
  }

  /**
   * Starts a program in the namespace.
   * @returns its pid, which is also its process group
   * @throws CordonError `lab-spawn`
   */
  async spawn(command: Omit<SpawnCommand, 'kind' | 'seq'>): Promise<number> {
    const answer = await this.#call({ kind: 'spawn', seq: this.#nextSeq(), ...command });
    if (answer.kind === 'spawned') return answer.pid;
    const why = answer.kind === 'refused' ? answer.error : answer.kind;
    throw new CordonError('lab-spawn', `${command.command} could not be started: ${why}`);
  }

  /** Ends the agent and every program it started. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => endProcess(this.pid, this.startedAt), STOP_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #nextSeq(): number {
    return this.#seq++;
  }

  #call(command: Exclude<Command, ReleaseCommand>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (!this.#child.connected) {
        reject(new CordonError('lab-agent', `the lab's process ${this.pid} has ended`));
        return;
      }
      this.#waiting.set(command.seq, { resolve, reject });
      this.#send(command);
    });
  }

  #send(command: Command): void {
    if (this.#child.connected) this.#child.send(command);
  }

  #receive(reply: Reply): void {
    if (reply.kind === 'ready') return;
    if (reply.kind === 'seen') {
      this.#onSeen(reply.id);
      return;
    }
    this.#waiting.get(reply.seq)?.resolve(reply);
    this.#waiting.delete(reply.seq);
  }
}

/** True once the child says something, false when it ends or takes too long. */
function firstMessage(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), START_MS);
    const finish = (isReady: boolean) => {
      clearTimeout(timer);
      resolve(isReady);
    };
    child.once('message', () => finish(true));
    child.once('exit', () => finish(false));
    child.once('error', () => finish(false));
  });
}
