import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeNamespace, type TestNamespace } from '../../support/namespace.ts';
import { FIRST_TTL, MARKS, type TestPacket, type Way } from './packets.ts';
import { type Observed, Tracer } from './trace.ts';

const SENDER = fileURLToPath(new URL('./sender.py', import.meta.url));

/** Length of the first packet of a batch; each has its own. */
export const FIRST_LENGTH = 100;

/** The backlog of a link holds a thousand packets (net.core.netdev_max_backlog). */
const OPENED_AT_ONCE = 100;

const MARK_BY_TTL = MARKS.map((mark, i) => `${FIRST_TTL + i} : ${mark}`).join(', ');

/**
 * Marks and traces what the sender sends, before any rule of a comparison. `dscp cs5` means untracked; packets of 60
 * bytes only open connections.
 */
const HELPERS = `
table netdev helper {
	chain t0 { type filter hook ingress device "t0" priority -500; ip length > 60 meta nftrace set 1; ip6 length > 60 meta nftrace set 1
		meta mark set ip ttl map { ${MARK_BY_TTL} }
		meta mark set ip6 hoplimit map { ${MARK_BY_TTL} }
	}
	chain t1 { type filter hook ingress device "t1" priority -500; ip length > 60 meta nftrace set 1; ip6 length > 60 meta nftrace set 1
		meta mark set ip ttl map { ${MARK_BY_TTL} }
		meta mark set ip6 hoplimit map { ${MARK_BY_TTL} }
	}
}
table inet helper {
	chain pre { type filter hook prerouting priority -400; ip dscp cs5 notrack; ip6 dscp cs5 notrack; }
	chain out { type filter hook output priority -400; meta skuid 0-4294967294 ip length > 60 meta nftrace set 1; meta skuid 0-4294967294 ip6 length > 60 meta nftrace set 1; ip dscp cs5 notrack; ip6 dscp cs5 notrack; }
	chain track { type filter hook prerouting priority 0; ct state new; }
}
`;

/** Gives the connections of a batch their marks; the host's own errors about them are of another length. */
const MARKING = `
table inet marking {
	chain pre { type filter hook prerouting priority -140; ip length 60 ct mark set meta mark; ip6 length 60 ct mark set meta mark; }
	chain out { type filter hook output priority -140; ip length 60 ct mark set meta mark; ip6 length 60 ct mark set meta mark; }
}
`;

const SYSCTLS = [
  ...['all', 'default', 't0', 't1'].flatMap((d) => [`ipv4.conf.${d}.rp_filter=0`, `ipv6.conf.${d}.accept_dad=0`]),
  'ipv4.ip_forward=1',
  'ipv6.conf.all.forwarding=1',
  'netfilter.nf_conntrack_tcp_be_liberal=1',
  'netfilter.nf_conntrack_checksum=0',
  'netfilter.nf_conntrack_udp_timeout=60',
  'netfilter.nf_conntrack_udp_timeout_stream=3600',
  'netfilter.nf_conntrack_tcp_timeout_max_retrans=3600',
  'netfilter.nf_conntrack_tcp_timeout_unacknowledged=3600',
];

/** One machine with two links, t0 and t1, whose other ends are the sender's; and the kernel's trace of it. */
export class DifferentialLab {
  readonly #host: TestNamespace;
  readonly #peer: TestNamespace;
  readonly #sender: ChildProcess;
  readonly #tracer: Tracer;
  readonly #answers: ((line: string) => void)[] = [];
  #batches = 0;

  constructor() {
    this.#host = makeNamespace('dh');
    this.#peer = makeNamespace('dp');
    this.#network();
    this.load(HELPERS);
    this.#sender = spawn('python3', [SENDER, this.#host.name, this.#peer.name], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#sender.stdout === null) throw new Error('the sender has no output');
    createInterface({ input: this.#sender.stdout }).on('line', (line) => this.#answers.shift()?.(line));
    this.#tracer = new Tracer(this.#host.name);
  }

  #network(): void {
    const ip = (...argv: string[]) => this.#host.exec(['ip', ...argv]);
    for (const [i, link] of ['t0', 't1'].entries()) {
      ip(
        'link',
        'add',
        link,
        'address',
        MAC[link] ?? '',
        'type',
        'veth',
        'peer',
        'name',
        `p${i}`,
        'netns',
        this.#peer.name,
      );
    }
    const values = SYSCTLS.map((s) => `net.${s}`);
    this.#host.exec(['sysctl', '-qw', ...values]);
    this.#peer.exec(['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
    for (const [i, link] of ['t0', 't1'].entries()) {
      this.#peer.exec(['ip', 'link', 'set', `p${i}`, 'up']);
      ip('addr', 'add', `10.9.${i}.1/24`, 'dev', link);
      ip('addr', 'add', i === 0 ? 'fd09::1/64' : 'fd09:1::1/64', 'dev', link, 'nodad');
      ip('link', 'set', link, 'up');
      for (const n of [2, 3, 4]) {
        const mac = ['lladdr', PEER_MAC, 'dev', link, 'nud', 'permanent'];
        ip('neigh', 'replace', `10.9.${i}.${n}`, ...mac);
        ip('neigh', 'replace', i === 0 ? `fd09::${n}` : `fd09:1::${n}`, ...mac);
      }
    }
    ip('link', 'set', 'lo', 'up');
  }

  /** Links and addresses, as `--context` takes them. */
  links(): unknown {
    return JSON.parse(this.#host.exec(['ip', '-j', 'address', 'show'])) as unknown;
  }

  /** Loads a file; throws with nft's own words when it is refused. */
  load(text: string): void {
    this.#host.exec(['nft', '-f', '-'], text);
  }

  /** The tables of the comparison alone, as JSON and as text. */
  list(): { readonly json: string; readonly text: string } {
    const json = JSON.parse(this.#host.exec(['nft', '-j', 'list', 'ruleset'])) as { nftables: unknown[] };
    const own = json.nftables.filter((entry) => !/"(table|name)":"(helper|marking)"/.test(JSON.stringify(entry)));
    const text = this.#host.exec(['nft', 'list', 'ruleset']);
    const blocks = text.split(/^(?=table )/m).filter((block) => !/^table \S+ (helper|marking) /.test(block));
    return { json: JSON.stringify({ nftables: own }), text: blocks.join('') };
  }

  /** Removes the tables of the comparison. */
  clear(): void {
    const tables = this.#host.exec(['nft', 'list', 'tables']).split('\n');
    const gone = tables.filter((t) => /^table \S+ r\d+$/.test(t)).map((t) => `delete ${t}\n`);
    if (gone.length > 0) this.load(gone.join(''));
  }

  /** Opens the connections that packets belong to; nothing may be loaded. */
  async open(packets: readonly TestPacket[]): Promise<void> {
    this.#host.exec(['sysctl', '-qw', 'net.netfilter.nf_conntrack_tcp_loose=1']);
    this.load(MARKING);
    // Every first packet before every second one: an answer opens nothing.
    for (const step of [0, 1]) {
      const opening = packets.flatMap((p) => {
        const before = p.before[step];
        return before === undefined ? [] : [{ ...before, family: p.family, mark: p.mark, uid: 0 }];
      });
      for (let from = 0; from < opening.length; from += OPENED_AT_ONCE) {
        await this.#send(opening.slice(from, from + OPENED_AT_ONCE));
      }
    }
    this.load('delete table inet marking\n');
    this.#host.exec(['sysctl', '-qw', 'net.netfilter.nf_conntrack_tcp_loose=0']);
    this.#tracer.take();
  }

  /**
   * Sends a batch of packets of different lengths; what the kernel did with each, by length.
   * @param endOf makes the packet of this length that ends the batch
   */
  async observe(packets: readonly TestPacket[], endOf: (length: number) => TestPacket): Promise<Map<number, Observed>> {
    // Another length than the last time: the trace of the last end may still be going on.
    const length = END_LENGTH + (this.#batches++ % 100);
    const done = this.#tracer.waitFor(length, 10_000);
    await this.#send([...packets, endOf(length)]);
    if (!(await done)) throw new Error('the trace ended before the packets did');
    return this.#tracer.take();
  }

  #send(packets: readonly { way: Way; bytes: Buffer; family: 4 | 6; mark: number; uid: number }[]): Promise<void> {
    const raws = packets.filter((p) => p.way === 'out').map((p) => [p.family, p.mark, p.uid, p.bytes.toString('hex')]);
    const frames = packets
      .filter((p) => p.way !== 'out')
      .map((p) => [p.way === 'back' ? 'p1' : 'p0', frame(p.way === 'back' ? 't1' : 't0', p.family, p.bytes)]);
    return new Promise((resolve) => {
      this.#answers.push(() => resolve());
      this.#sender.stdin?.write(`${JSON.stringify({ frames, raws })}\n`);
    });
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.#sender.once('exit', resolve));
    this.#sender.stdin?.end();
    await gone;
    this.#tracer.stop();
    this.#host.remove();
    this.#peer.remove();
  }
}

/** Lengths from here on end a batch. */
const END_LENGTH = 1300;

const MAC: Readonly<Record<string, string>> = { t0: '02:00:00:00:00:10', t1: '02:00:00:00:00:11' };
const PEER_MAC = '02:00:00:00:00:20';

function frame(link: string, family: 4 | 6, bytes: Buffer): string {
  const hex = (mac: string) => mac.replaceAll(':', '');
  return `${hex(MAC[link] ?? '')}${hex(PEER_MAC)}${family === 4 ? '0800' : '86dd'}${bytes.toString('hex')}`;
}
