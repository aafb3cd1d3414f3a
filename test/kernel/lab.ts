import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeNamespace, type TestNamespace } from '../support/namespace.ts';
import type { Answer, Probe, Request } from './agent.ts';

const AGENT = fileURLToPath(new URL('./agent.ts', import.meta.url));

/** Without its id; each form of the union on its own. */
type Order = Request extends infer R ? (R extends { id: number } ? Omit<R, 'id'> : never) : never;

/** One machine of the lab: a network namespace with an agent in it. */
export class LabHost {
  readonly namespace: TestNamespace;
  readonly #agent: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #next = 0;

  constructor(label: string) {
    this.namespace = makeNamespace(label);
    // Addresses are usable at once, without waiting for duplicate address detection.
    this.namespace.exec(['sysctl', '-qw', 'net.ipv6.conf.all.accept_dad=0', 'net.ipv6.conf.default.accept_dad=0']);
    this.namespace.exec(['ip', 'link', 'set', 'lo', 'up']);
    this.#agent = spawn('ip', ['netns', 'exec', this.namespace.name, process.execPath, AGENT]);
    createInterface({ input: this.#agent.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  #ask(order: Order): Promise<Answer> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (answer) =>
        answer.error === undefined ? resolve(answer) : reject(new Error(answer.error)),
      );
      this.#agent.stdin.write(`${JSON.stringify({ ...order, id })}\n`);
    });
  }

  /** The process whose sockets send and receive here. */
  get agentPid(): number {
    return this.#agent.pid ?? 0;
  }

  /** Waits for TCP and UDP on a port of each address. */
  async listen(addresses: readonly string[], ports: readonly number[]): Promise<void> {
    const orders = addresses.flatMap((address) =>
      ports.flatMap((port) =>
        (['tcp', 'udp'] as const).map((proto) => ({ op: 'listen' as const, proto, address, port })),
      ),
    );
    await Promise.all(orders.map((o) => this.#ask(o)));
  }

  /** Sends one probe; true when its answer came back. */
  async probe(probe: Probe, token: string, timeoutMs = 700): Promise<boolean> {
    return (await this.#ask({ op: 'probe', probe, token, timeoutMs })).answered === true;
  }

  /** Tokens that have arrived here. */
  async seen(): Promise<ReadonlySet<string>> {
    return new Set((await this.#ask({ op: 'seen' })).seen);
  }

  /** Gives an interface its addresses and brings it up. */
  configure(link: string, addresses: readonly string[]): void {
    for (const address of addresses)
      this.namespace.exec(['ip', 'addr', 'add', address, 'dev', link, ...(address.includes(':') ? ['nodad'] : [])]);
    this.namespace.exec(['ip', 'link', 'set', link, 'up']);
  }

  /** Loads a ruleset file. */
  load(text: string): void {
    this.namespace.exec(['nft', '-f', '-'], text);
  }

  /** `nft -s list ruleset`. */
  list(): string {
    return this.namespace.exec(['nft', '-s', 'list', 'ruleset']);
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#agent.once('exit', resolve));
    this.#agent.stdin.end();
    await gone;
    this.namespace.remove();
  }
}

/**
 * A veth pair between two machines. A `tunnel` has no neighbours to discover, like a TUN device: both ends have the same
 * hardware address and ask nobody for it.
 */
export function connectHosts(a: LabHost, nameA: string, b: LabHost, nameB: string, medium: 'wire' | 'tunnel'): void {
  const peer = ['peer', 'name', nameB, 'netns', b.namespace.name];
  a.namespace.exec(['ip', 'link', 'add', nameA, 'type', 'veth', ...peer]);
  if (medium === 'wire') return;
  for (const [host, name] of [
    [a, nameA],
    [b, nameB],
  ] as const) {
    host.namespace.exec(['ip', 'link', 'set', name, 'address', '02:00:00:00:00:01', 'arp', 'off']);
  }
}
