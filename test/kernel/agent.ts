/**
 * Runs inside one network namespace: listens, sends and reports, told by JSON lines on stdin. Every UDP payload is a
 * token; what arrives is remembered and sent back from the address and port it arrived at.
 */
import { createSocket, type Socket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

/** From `from:sport` to `to:dport`; IPv6 link-local addresses carry their interface (`fe80::1%eth0`). */
export interface Probe {
  readonly proto: 'tcp' | 'udp';
  readonly from: string;
  readonly sport: number;
  readonly to: string;
  readonly dport: number;
}

export type Request =
  | {
      readonly id: number;
      readonly op: 'listen';
      readonly proto: 'tcp' | 'udp';
      readonly address: string;
      readonly port: number;
    }
  | {
      readonly id: number;
      readonly op: 'probe';
      readonly probe: Probe;
      readonly token: string;
      readonly timeoutMs: number;
    }
  | { readonly id: number; readonly op: 'seen' };

export type Answer = {
  readonly id: number;
  readonly answered?: boolean;
  readonly seen?: readonly string[];
  readonly error?: string;
};

const seen = new Set<string>();

function udpSocket(address: string): Socket {
  return createSocket(address.includes(':') ? 'udp6' : 'udp4');
}

function listen(proto: 'tcp' | 'udp', address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (proto === 'tcp') {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', (data) => {
          seen.add(data.toString());
          socket.end(data);
        });
      });
      server.once('error', reject);
      server.listen({ host: address, port }, resolve);
      return;
    }
    const socket = udpSocket(address);
    socket.once('error', reject);
    socket.on('message', (message, peer) => {
      seen.add(message.toString());
      socket.send(message, peer.port, peer.address, () => {});
    });
    socket.bind(port, address, () => {
      socket.removeListener('error', reject);
      socket.on('error', () => {});
      resolve();
    });
  });
}

/** True when the token came back in time. */
function probe(p: Probe, token: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    if (p.proto === 'tcp') {
      const socket = connect({ host: p.to, port: p.dport, localAddress: p.from, localPort: p.sport });
      const end = (answered: boolean) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(answered);
      };
      const timer = setTimeout(() => end(false), timeoutMs);
      socket.on('connect', () => socket.write(token));
      socket.on('data', (data) => end(data.toString() === token));
      socket.on('error', () => end(false));
      return;
    }
    const socket = udpSocket(p.from);
    const end = (answered: boolean) => {
      clearTimeout(timer);
      socket.close();
      resolve(answered);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once('error', () => end(false));
    socket.on('message', (message) => {
      if (message.toString() === token) end(true);
    });
    // A filtered datagram is EPERM for its sender; the timer decides.
    socket.bind(p.sport, p.from, () => socket.send(token, p.dport, p.to, () => {}));
  });
}

async function handle(request: Request): Promise<Answer> {
  const { id } = request;
  switch (request.op) {
    case 'listen':
      await listen(request.proto, request.address, request.port);
      return { id };
    case 'probe':
      return { id, answered: await probe(request.probe, request.token, request.timeoutMs) };
    case 'seen':
      return { id, seen: [...seen] };
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const request = JSON.parse(line) as Request;
    const write = (answer: Answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
    handle(request).then(write, (error: Error) => write({ id: request.id, error: error.message }));
  })
  .on('close', () => process.exit(0));
