import { type Address, parseAddress } from '../net/address.ts';
import { type Problems, shown } from './read.ts';

/** One process that holds a socket. */
export interface SocketProcess {
  readonly name: string;
  readonly pid: number;
}

/** A socket that takes packets from outside: a TCP listener, or a UDP socket without a peer. */
export interface Listener {
  readonly protocol: 'tcp' | 'udp';
  /** Families it takes: an IPv6 wildcard takes IPv4 as well unless it says otherwise (`IPV6_V6ONLY`, ipv6(7)). */
  readonly families: readonly (4 | 6)[];
  /** Undefined: every address. */
  readonly address: Address | undefined;
  /** Interface it is bound to; undefined: all. */
  readonly device: string | undefined;
  readonly port: number;
  /** Owner of the socket. */
  readonly uid: number;
  /** Control group of its creator, where the kernel says it. */
  readonly cgroup: string | undefined;
  /** Undefined where only root may know. */
  readonly processes: readonly SocketProcess[] | undefined;
  /** `net:[4026531840]`. */
  readonly namespace: string;
}

/** A socket that sees or sends packets past the transport protocols: raw(7), packet(7). */
export interface RawSocket {
  readonly kind: 'raw' | 'packet';
  /** As `ss` shows it: address and protocol, or protocol and interface. */
  readonly local: string;
  readonly uid: number;
  readonly processes: readonly SocketProcess[] | undefined;
}

/**
 * Reads the lines of `ss -H -lntupe`. Columns as in iproute2 `misc/ss.c`: netid, state, two queues, local, peer, then
 * `users:(…)`, `uid:N` (absent for root), `ino:N`, `cgroup:PATH`, `v6only:N` in any order.
 * @param everybody whether processes of all users are shown
 */
export function parseListeners(text: string, namespace: string, everybody: boolean, problems: Problems): Listener[] {
  return lines(text).flatMap((line) => {
    const [protocol = '', state = '', , , local = ''] = line.split(/\s+/);
    if (protocol !== 'tcp' && protocol !== 'udp') return problems.add(`not a line of ss: ${shown(line)}`) ?? [];
    if (state !== 'LISTEN' && state !== 'UNCONN') return problems.add(`not a listener: ${shown(line)}`) ?? [];
    const place = parseLocal(local, /\sv6only:1\b/.test(line));
    if (place === undefined) return problems.add(`not an address and a port: ${shown(line)}`) ?? [];
    const cgroup = /\scgroup:(\S+)/.exec(line)?.[1];
    return [{ protocol, ...place, ...ownerOf(line, everybody), cgroup, namespace } satisfies Listener];
  });
}

/** Reads the lines of `ss -H -anwpe` (raw) or `ss -H -anp0e` (packet). */
export function parseRawSockets(
  kind: RawSocket['kind'],
  text: string,
  everybody: boolean,
  problems: Problems,
): RawSocket[] {
  return lines(text).flatMap((line) => {
    const [protocol = '', , , , local = ''] = line.split(/\s+/);
    const isOne = kind === 'raw' ? protocol === 'raw' : protocol === 'p_raw' || protocol === 'p_dgr';
    if (!isOne || local === '') return problems.add(`not a line of ss: ${shown(line)}`) ?? [];
    return [{ kind, local, ...ownerOf(line, everybody) }];
  });
}

/** `0.0.0.0:22`, `*:80`, `[::1]:631`, `127.0.0.53%lo:53`, `[fe80::1]%eth0:546`. */
function parseLocal(
  text: string,
  v6only: boolean,
): Pick<Listener, 'families' | 'address' | 'device' | 'port'> | undefined {
  const parts = /^(\*|\[[^\]]*\]|[0-9.]+)(?:%([^:\s]+))?:([0-9]+)$/.exec(text);
  const [, host = '', device, digits = ''] = parts ?? [];
  const port = Number(digits);
  if (parts === null || port > 65535) return undefined;
  if (host === '*') return { families: v6only ? [6] : [4, 6], address: undefined, device, port };
  const address = parseAddress(host.replace(/^\[|\]$/g, ''));
  if (address === undefined) return undefined;
  if (address.value !== 0n) return { families: [address.family], address, device, port };
  // `[::]` is what ss prints for a socket that takes IPv6 only; without the flag in sight both are assumed.
  return { families: address.family === 4 ? [4] : v6only ? [6] : [4, 6], address: undefined, device, port };
}

function ownerOf(line: string, everybody: boolean): { uid: number; processes: readonly SocketProcess[] | undefined } {
  const uid = Number(/\suid:(\d+)\b/.exec(line)?.[1] ?? 0);
  const users = /\susers:\(\((.*)\)\)/.exec(line)?.[1];
  if (users === undefined) return { uid, processes: everybody ? [] : undefined };
  const processes = [...users.matchAll(/"((?:[^"\\]|\\.)*)",pid=(\d+),fd=\d+/g)];
  return { uid, processes: processes.map(([, name = '', pid]) => ({ name, pid: Number(pid) })) };
}

/** `st` of a listening TCP socket and of an unconnected UDP socket (linux include/net/tcp_states.h). */
const OPEN_STATES: Readonly<Record<string, string>> = { tcp: '0A', udp: '07' };

/**
 * Reads sockets of other network namespaces: lines of `/proc/PID/net/{tcp,tcp6,udp,udp6}` with the namespace and the
 * table's name in front (linux Documentation/networking/proc_net_tcp.rst). Processes are not named there.
 */
export function parseElsewhere(text: string, problems: Problems): Listener[] {
  return lines(text).flatMap((line) => {
    const [namespace = '', table = '', ...columns] = line.split(/\s+/);
    const [slot, local = '', remote = '', state, , , , uid] = columns;
    const protocol = table.replace('6', '');
    if (!/^net:\[\d+\]$/.test(namespace) || !/^(tcp|udp)6?$/.test(table)) {
      return problems.add(`not a socket of a namespace: ${shown(line)}`) ?? [];
    }
    if (slot === 'sl') return [];
    if (slot === 'denied') return problems.add(`the sockets of ${namespace} could not be read`) ?? [];
    const place = parseHex(local);
    const peer = parseHex(remote);
    if (place === undefined || peer === undefined || state === undefined || !/^\d+$/.test(uid ?? '')) {
      return problems.add(`not a line of /proc/net: ${shown(line)}`) ?? [];
    }
    if (state !== OPEN_STATES[protocol] || (protocol === 'udp' && peer.port !== 0)) return [];
    const isAny = place.address.value === 0n;
    const families: (4 | 6)[] = place.address.family === 4 ? [4] : isAny ? [4, 6] : [6];
    return [
      {
        protocol: protocol === 'tcp' ? 'tcp' : 'udp',
        families,
        address: isAny ? undefined : place.address,
        device: undefined,
        port: place.port,
        uid: Number(uid),
        cgroup: undefined,
        processes: undefined,
        namespace,
      } satisfies Listener,
    ];
  });
}

/** `0100007F:0016`: 32-bit words as the machine stores them, here little-endian ones. */
function parseHex(text: string): { address: Address; port: number } | undefined {
  const [, words = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text) ?? [];
  if (words === '') return undefined;
  const bytes = words.replace(/(..)(..)(..)(..)/g, '$4$3$2$1');
  return {
    address: { family: words.length === 8 ? 4 : 6, value: BigInt(`0x${bytes}`) },
    port: Number.parseInt(port, 16),
  };
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}
