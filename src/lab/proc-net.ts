/** One line of /proc/PID/net/tcp or tcp6, of the ports and the state only. */
export interface TcpSocket {
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
    const fields = line.trim().split(/\s+/);
    const [, local, remote, state] = fields;
    if (local === undefined || remote === undefined || state === undefined) continue;
    sockets.push({ localPort: portOf(local), remotePort: portOf(remote), state: Number.parseInt(state, 16) });
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

/** Hexadecimal after the last colon. */
function portOf(endpoint: string): number {
  return Number.parseInt(endpoint.slice(endpoint.lastIndexOf(':') + 1), 16);
}
