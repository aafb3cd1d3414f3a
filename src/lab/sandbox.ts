import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { CordonError } from '../source/error.ts';
import { PLAIN_ENVIRONMENT } from './ip.ts';

/** One program to run in a namespace: its arguments, without a shell, and what it reads. */
export interface Job {
  readonly namespace: string;
  readonly argv: readonly string[];
  readonly stdin?: string;
}

export interface JobResult {
  /** Negative: the number of the signal that ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One packet, or one TCP connection, from a namespace. */
export interface Shot {
  readonly namespace: string;
  readonly proto: 'tcp' | 'udp';
  readonly family: 4 | 6;
  /** Source address and port; the kernel chooses what is left out (a port only together with an address). */
  readonly src?: string;
  readonly sport?: number;
  readonly dst: string;
  readonly dport: number;
  /** The interface that it has to leave through (socket(7), SO_BINDTODEVICE). */
  readonly device?: string;
  /** Owner of the socket, and its mark (socket(7), SO_MARK); root and none when left out. */
  readonly uid?: number;
  readonly mark?: number;
  /** Namespace whose kernel is asked for half-open connections, and the source address that it sees (NAT). */
  readonly receiver?: string;
  readonly seenAs?: string;
}

/** What came of a shot. */
export interface Hit {
  /** `answered`, `connected` (a handshake and no answer), `timeout`, or the kernel's error code (errno(3)). */
  readonly outcome: string;
  /** The receiver got it: a listener read its id, or its kernel answered the SYN, whatever became of the answer. */
  readonly delivered: boolean;
}

export interface ShootOptions {
  /** How long an answer may take (default 300). */
  readonly timeoutMs?: number;
  /** How many connections may be waiting at once. */
  readonly window?: number;
}

/** Whether a sandbox can be had here; `missing` says why not, one sentence each. */
export type Opened =
  | { readonly ok: true; readonly sandbox: Sandbox }
  | { readonly ok: false; readonly missing: readonly string[] };

const WINDOW = 4_000;
/** `ip` and `nft` are done in milliseconds; a machine under load gets a thousand times that. */
const JOB_MS = 60_000;
const jobResults = z.array(z.tuple([z.int(), z.string(), z.string()]));
const talked = z.tuple([z.boolean(), z.boolean()]);
const hits = z.array(z.tuple([z.string(), z.boolean()]));
const answerSchema = z.union([
  z.strictObject({ ready: z.int() }),
  z.strictObject({ done: z.unknown() }),
  z.strictObject({ error: z.string() }),
]);

type Answer = z.infer<typeof answerSchema>;

/**
 * Network namespaces that nobody else on the machine sees, with links, rules, listeners and probes in them. They hang on
 * one process, which hangs on this one: whatever way either ends, the kernel takes back everything.
 *
 * Needs no root where the kernel lets users make namespaces (user_namespaces(7)); then the only uid in it is root.
 */
export class Sandbox {
  /** Pid of the process that holds the namespaces. */
  readonly pid: number;
  /** Whether it is of real root's making. */
  readonly isPrivileged: boolean;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: ((answer: Answer) => void)[];
  #batches = 0;

  private constructor(
    child: ChildProcessWithoutNullStreams,
    pid: number,
    isPrivileged: boolean,
    waiting: ((answer: Answer) => void)[],
  ) {
    this.#child = child;
    this.#waiting = waiting;
    this.pid = pid;
    this.isPrivileged = isPrivileged;
  }

  /**
   * Starts one, as root, or else as the root of a user namespace.
   * @param cgroups cgroup paths that rules name; they exist in the sandbox, with nobody in them
   * @param as only in this way
   */
  static async open(cgroups: readonly string[] = [], as?: 'root' | 'user'): Promise<Opened> {
    if (process.platform !== 'linux') return { ok: false, missing: ['Linux: the lab is made of network namespaces'] };
    const ways = as === undefined ? (['root', 'user'] as const).slice(process.getuid?.() === 0 ? 0 : 1) : [as];
    const missing: string[] = [];
    for (const way of ways) {
      const started = await start(way === 'user');
      if (typeof started === 'string') {
        missing.push(started);
        continue;
      }
      const sandbox = new Sandbox(started.child, started.pid, way === 'root', started.waiting);
      try {
        await sandbox.#call('prepare', [cgroups]);
        return { ok: true, sandbox };
      } catch (error) {
        await sandbox.close();
        missing.push(`a mount namespace of its own: ${(error as Error).message}`);
      }
    }
    return { ok: false, missing };
  }

  /** Makes empty namespaces, known to `ip netns` inside the sandbox. */
  async make(namespaces: readonly string[]): Promise<void> {
    await this.#call('make', [namespaces]);
  }

  /** Writes values below /proc/sys/net of a namespace; what the kernel does not have is left out. */
  async settings(namespace: string, values: readonly (readonly [path: string, value: string])[]): Promise<void> {
    await this.#call('settings', [namespace, values]);
  }

  /** Runs programs, up to eight at once, and returns what came of each. */
  async run(jobs: readonly Job[], timeoutMs = JOB_MS): Promise<readonly JobResult[]> {
    const items = jobs.map((j) => [j.namespace, j.argv, j.stdin ?? '']);
    const answer = await this.#call('run', [items, timeoutMs / 1000]);
    return jobResults.parse(answer).map(([code, stdout, stderr]) => ({ code, stdout, stderr }));
  }

  /**
   * As `run`, for programs that have to succeed.
   * @returns what each wrote to its standard output
   * @throws CordonError `lab-program` with the words of the first that failed
   */
  async mustRun(jobs: readonly Job[], timeoutMs = JOB_MS): Promise<readonly string[]> {
    const results = await this.run(jobs, timeoutMs);
    results.forEach((result, i) => {
      if (result.code === 0) return;
      const job = jobs[i];
      throw new CordonError('lab-program', `${job?.argv.join(' ')} in ${job?.namespace}: ${result.stderr.trim()}`);
    });
    return results.map((r) => r.stdout);
  }

  /** Answers a port on every address of a namespace. */
  async listen(namespace: string, proto: 'tcp' | 'udp', port: number): Promise<void> {
    await this.#call('listen', [namespace, proto, port]);
  }

  /** Sends everything, in this order and much of it at once. */
  async shoot(shots: readonly Shot[], options: ShootOptions = {}): Promise<readonly Hit[]> {
    const items = shots.map(itemOf);
    const run = `cordon-${this.pid}-${++this.#batches}`;
    const seconds = (options.timeoutMs ?? 300) / 1000;
    const answer = hits.parse(await this.#call('probe', [run, items, seconds, options.window ?? WINDOW]));
    return answer.map(([outcome, delivered]) => ({ outcome, delivered }));
  }

  /**
   * Opens a TCP connection that stays open.
   * @returns its number for `talk`; undefined when it does not come about within a second
   */
  async openFlow(shot: Shot): Promise<number | undefined> {
    const flow = z.int().parse(await this.#call('open_flow', [itemOf(shot), 1]));
    return flow < 0 ? undefined : flow;
  }

  /** Sends a line over an open flow, and says whether it arrived and whether its echo came back. */
  async talk(flow: number, text: string, timeoutMs = 300): Promise<{ arrived: boolean; answered: boolean }> {
    const [arrived, answered] = talked.parse(await this.#call('talk', [flow, text, timeoutMs / 1000]));
    return { arrived, answered };
  }

  /** Puts an Ethernet frame (in hexadecimal) on a link, as a packet socket does (packet(7), PACKET_QDISC_BYPASS). */
  async sendFrame(namespace: string, device: string, frame: string, bypassesQueue = false): Promise<void> {
    await this.#call('frame', [namespace, device, frame, bypassesQueue]);
  }

  /** Whether some listener reads this payload, now or soon. */
  async hasSeen(payload: string, timeoutMs = 300): Promise<boolean> {
    return z.boolean().parse(await this.#call('seen', [payload, timeoutMs / 1000]));
  }

  /** Ends the process, and with it everything in the sandbox. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2_000);
    await ended;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call(command: string, args: readonly unknown[]): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) return resolve({ error: ENDED });
      this.#waiting.push(resolve);
      this.#child.stdin.write(`${JSON.stringify([command, args])}\n`);
    });
    if ('done' in answer) return answer.done;
    throw new CordonError('lab-sandbox', `the lab could not ${command}: ${'error' in answer ? answer.error : ENDED}`);
  }
}

/** In the order of the prober's KEYS. */
function itemOf(s: Shot): readonly unknown[] {
  const { namespace, proto, family, dst, dport } = s;
  const bound = [s.src ?? null, s.sport ?? 0, dst, dport, s.device ?? null];
  return [namespace, proto, family, ...bound, s.uid ?? null, s.mark ?? null, s.receiver ?? null, s.seenAs ?? null];
}

const ENDED = 'its process has ended';

interface Started {
  readonly child: ChildProcessWithoutNullStreams;
  readonly pid: number;
  readonly waiting: ((answer: Answer) => void)[];
}

/** The process once it is ready, or why there is none. */
async function start(asUser: boolean): Promise<Started | string> {
  const who = asUser ? ['--user', '--map-root-user'] : [];
  // -I: neither the environment nor the working directory has a say in which modules are loaded.
  const child = spawn('unshare', [...who, '--net', '--mount', 'python3', '-I', '-S', proberFile()], {
    env: { ...PLAIN_ENVIRONMENT },
    // A session of its own: Ctrl-C on a terminal is for us, and we end it in good order.
    detached: true,
  });
  const waiting: ((answer: Answer) => void)[] = [];
  let words = '';
  child.stderr.on('data', (data: Buffer) => {
    words = (words + data.toString()).slice(-2_000);
  });
  child.stdin.on('error', () => undefined);
  const first = new Promise<Answer>((resolve) => waiting.push(resolve));
  const endAll = (error: string) => {
    for (const resolve of waiting.splice(0)) resolve({ error });
  };
  child.once('error', (error) => endAll(error.message));
  child.once('close', () => endAll(words.trim().split('\n').at(-1) || ENDED));
  createInterface({ input: child.stdout }).on('line', (line) =>
    waiting.shift()?.(answerSchema.parse(JSON.parse(line))),
  );
  const answer = await first;
  if ('ready' in answer) return { child, pid: answer.ready, waiting };
  const why = 'error' in answer ? answer.error : ENDED;
  return asUser
    ? `namespaces of a plain user (unshare --user --net --mount python3): ${why}; run as root, or let users make them (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)`
    : `the right to make namespaces (CAP_SYS_ADMIN), unshare (util-linux) and python3: ${why}`;
}

/** It is no module of ours, so the build leaves it where it is. */
function proberFile(): string {
  const beside = join(import.meta.dirname, 'prober.py');
  return existsSync(beside) ? beside : join(import.meta.dirname, '..', '..', '..', 'src', 'lab', 'prober.py');
}
