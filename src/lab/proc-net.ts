import type { Address, Family } from '../net/address.ts';

/** One line of /proc/PID/net/tcp or tcp6. */
export interface TcpSocket {
  readonly local: Address;
  readonly localPort: number;
  readonly remotePort: number;
  /** include/net/tcp_states.h: 3 a SYN was received and answered, 10 listening. */
  readonly state: number;
}

export const TCP_LISTEN = 10;

/**
 * Reads /proc/PID/net/tcp and tcp6 (Documentation/networking/proc_net_tcp.rst); half-open connections are in there too,
 * from the moment their SYN has passed the input hook.
 */
export function parseTcpSockets(text: string): readonly TcpSocket[] {
  const sockets: TcpSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const [, local, remote, state] = line.trim().split(/\s+/);
    const localEnd = parseEnd(local ?? '');
    const remoteEnd = parseEnd(remote ?? '');
    if (localEnd === undefined || remoteEnd === undefined || state === undefined) continue;
    sockets.push({
      local: localEnd.address,
      localPort: localEnd.port,
      remotePort: remoteEnd.port,
      state: Number.parseInt(state, 16),
    });
  }
  return sockets;
}

/**
 * Reads `OutRsts` of the `Tcp:` lines of /proc/PID/net/snmp: how many resets the kernel has made, over both families. It
 * counts a reset for every segment that reaches a port nobody listens on, even if the reset is dropped on its way out
 * (net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c: the send_reset functions).
 * @returns undefined when the text has no such field
 */
export function parseResetsSent(text: string): number | undefined {
  const [names, values] = text.split('\n').filter((line) => line.startsWith('Tcp:'));
  const index = names?.split(' ').indexOf('OutRsts') ?? -1;
  const value = index < 0 ? undefined : values?.split(' ')[index];
  return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
}

/** `ADDRESS:PORT` in hexadecimal, the address in words of 32 bits as they lie in memory. */
function parseEnd(text: string): { address: Address; port: number } | undefined {
  const [, words, port] = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(text) ?? [];
  if (words === undefined || port === undefined) return undefined;
  const family: Family = words.length === 8 ? 4 : 6;
  const bytes = words
    .replace(/../g, (byte) => `${byte} `)
    .trimEnd()
    .split(' ');
  const ordered = bytes.map((_, i) => bytes[LITTLE_ENDIAN ? (i & ~3) + 3 - (i & 3) : i]);
  return { address: { family, value: BigInt(`0x${ordered.join('')}`) }, port: Number.parseInt(port, 16) };
}

const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
