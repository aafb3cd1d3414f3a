import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What the kernel did with one packet in the tables of a comparison. */
export interface Observed {
  readonly verdict: 'accept' | 'drop';
  readonly table: string;
  readonly chain: string;
  readonly handle: number | null;
}

/** Reads `nft monitor trace` of one namespace. Packets are told apart by their length. */
export class Tracer {
  readonly #process: ChildProcess;
  readonly #lengths = new Map<string, number>();
  readonly #seen = new Map<number, Observed>();
  readonly #waiting = new Map<number, () => void>();

  constructor(namespace: string) {
    this.#process = spawn('ip', ['netns', 'exec', namespace, 'stdbuf', '-oL', 'nft', '-a', 'monitor', 'trace'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (this.#process.stdout === null) throw new Error('nft monitor has no output');
    createInterface({ input: this.#process.stdout }).on('line', (line) => this.#line(line));
    this.#process.stderr?.on('data', (data: Buffer) => process.stderr.write(`nft monitor: ${data.toString()}`));
  }

  #line(line: string): void {
    const event = /^trace id (\S+) (\S+) (\S+) (\S+) (packet:|rule|unknown rule|policy|verdict) (.*)$/.exec(line);
    if (event === null) return;
    const [, id = '', , table = '', chain = '', kind, rest = ''] = event;
    if (kind === 'packet:') {
      // At egress the headers are not spelled out: the packet is the one that had this id before.
      const length = /\bip6? length (\d+)/.exec(rest)?.[1];
      if (length === undefined) return;
      this.#lengths.set(id, Number(length));
      this.#waiting.get(Number(length))?.();
      return;
    }
    const length = this.#lengths.get(id);
    if (length === undefined || !/^r\d+$/.test(table)) return;
    // A rule younger than the monitor's cache is "unknown": its handle is what counts.
    const rule = /(?:# |^)handle (\d+) \(verdict (accept|drop)\)/.exec(rest);
    const policy = kind === 'policy' ? /^(accept|drop)/.exec(rest)?.[1] : undefined;
    const verdict = rule?.[2] ?? policy;
    if (verdict !== 'accept' && verdict !== 'drop') return;
    const handle = rule === null ? null : Number(rule[1]);
    this.#seen.set(length, { verdict, table, chain, handle });
  }

  /** Resolves when a packet of this length is reported, false after the time. */
  waitFor(length: number, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#waiting.set(length, () => {
        clearTimeout(timer);
        this.#waiting.delete(length);
        resolve(true);
      });
    });
  }

  /** The last verdict in the tables of the comparison for a packet of this length, and forgets everything. */
  take(): Map<number, Observed> {
    const seen = new Map(this.#seen);
    this.#seen.clear();
    this.#lengths.clear();
    return seen;
  }

  stop(): void {
    this.#process.kill();
  }
}
