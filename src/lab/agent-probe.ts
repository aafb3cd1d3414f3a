import { Agent, type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { PROBE_HEADER, type ProbeCommand } from './command.ts';
import type { Probed, Reply } from './reply.ts';

/** Enough for an answer that names itself; the rest is read and forgotten. */
const MAX_BODY = 64 * 1024;

const TICK_MS = 25;

/** How to close what a probe left open, by the probe's `seq`. */
const open = new Map<number, () => void>();

/** Closes a probe's connection; without one it does nothing. */
export function release(seq: number): void {
  open.get(seq)?.();
  open.delete(seq);
}

/**
 * Makes the connection, and the request if there is one, within the time limit, and answers `probed` exactly once. The
 * connection is then left as it is, half open or open, so that the receiver's kernel can be asked about it.
 */
export function answerProbe(command: ProbeCommand, send: (reply: Reply) => void): void {
  const startedAt = performance.now();
  let isDone = false;
  let isConnected = false;
  const done = (result: Pick<Probed, 'outcome' | 'error' | 'response'>) => {
    if (isDone) return;
    isDone = true;
    clearInterval(timer);
    send({ kind: 'probed', seq: command.seq, elapsedMs: performance.now() - startedAt, ...result });
  };
  const fail = (error: NodeJS.ErrnoException) =>
    done({ outcome: isConnected ? 'connected' : 'failed', error: error.code ?? error.message });
  let leftMs = command.timeoutMs;
  // Counted in ticks: time in which a busy machine did not let this process run is no time without an answer.
  const timer = setInterval(() => {
    leftMs -= TICK_MS;
    if (leftMs <= 0) done({ outcome: isConnected ? 'connected' : 'timeout' });
  }, TICK_MS);
  const connected = () => {
    isConnected = true;
  };
  if (command.http === undefined) probeTcp(command, () => done({ outcome: 'answered' }), fail);
  else probeHttp(command, connected, (response) => done({ outcome: 'answered', response }), fail);
}

/** A completed handshake is an answer; the id goes out as a line for a listener of ours. */
function probeTcp(command: ProbeCommand, answered: () => void, fail: (error: NodeJS.ErrnoException) => void): void {
  const socket: Socket = connect({ host: command.address, port: command.port, localPort: command.localPort });
  socket.once('connect', () => {
    socket.write(`cordon-probe ${command.id}\n`);
    answered();
  });
  socket.on('error', fail);
  socket.resume();
  open.set(command.seq, () => (socket.connecting ? socket.destroy() : socket.end()));
}

function probeHttp(
  command: ProbeCommand,
  connected: () => void,
  answered: (response: { status: number; body: string }) => void,
  fail: (error: NodeJS.ErrnoException) => void,
): void {
  // One connection for each probe, which outlives the response until the agent is destroyed.
  const agent = new Agent({ keepAlive: true });
  const { method = 'GET', path = '/', body } = command.http ?? {};
  const headers =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const call = request({
    agent,
    host: command.address,
    port: command.port,
    localPort: command.localPort,
    method,
    path,
    headers: { ...headers, [PROBE_HEADER]: command.id },
  });
  call.on('socket', (socket) => socket.once('connect', connected));
  call.on('error', fail);
  call.on('response', (response) =>
    readBody(response).then((text) => answered({ status: response.statusCode ?? 0, body: text }), fail),
  );
  call.end(body);
  open.set(command.seq, () => {
    call.destroy();
    agent.destroy();
  });
}

async function readBody(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response)
    if (text.length < MAX_BODY) text += String(chunk).slice(0, MAX_BODY - text.length);
  return text;
}
