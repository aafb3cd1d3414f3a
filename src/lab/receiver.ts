import { readFileSync } from 'node:fs';
import type { Address } from '../net/address.ts';
import { parseResetsSent, parseTcpSockets, TCP_LISTEN } from './proc-net.ts';

/**
 * What a receiving namespace's kernel knows of TCP, read through a process that is inside it: no rule, no capture and no
 * privilege there is needed, and nothing it shows has been dropped before.
 */
export class ReceiverKernel {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /**
   * True when something certainly listens on that address. A socket on all IPv6 addresses may or may not take IPv4
   * (IPV6_V6ONLY does not show): it does not count for IPv4.
   */
  isListeningOn(address: Address, port: number): boolean {
    return this.#sockets().some(
      (s) =>
        s.state === TCP_LISTEN &&
        s.localPort === port &&
        s.local.family === address.family &&
        (s.local.value === address.value || s.local.value === 0n),
    );
  }

  /** True when a connection to the port from that source port is open or half open. */
  hasConnection(port: number, sourcePort: number): boolean {
    return this.#sockets().some((s) => s.state !== TCP_LISTEN && s.localPort === port && s.remotePort === sourcePort);
  }

  /** How many resets it has made so far. */
  resetsSent(): number {
    return parseResetsSent(this.#read('snmp')) ?? 0;
  }

  #sockets() {
    return [...parseTcpSockets(this.#read('tcp')), ...parseTcpSockets(this.#read('tcp6'))];
  }

  #read(name: string): string {
    return readFileSync(`/proc/${this.#pid}/net/${name}`, 'utf8');
  }
}
