import { Agent, request } from 'node:http';
import { CordonError } from '../../src/source/error.ts';
import { isLoopbackUrl } from './loopback.ts';

/*
 * HTTP the way Go's net/http does it for the real plugin, because that is visible in recordings: a GET on a kept-alive
 * connection that the server had closed is repeated once, nothing else ever is; redirects are followed (the others of
 * Go's ten, but only to loopback); error texts are Go's. A general client would hide exactly these differences.
 */

/** Time limit of one request in the Tailscale Go client. */
const TIMEOUT_MS = 60_000;
const MAX_REDIRECTS = 10;

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Requests over connections that are kept alive. */
export class Transport {
  readonly #agent = new Agent({ keepAlive: true });

  /**
   * One request with its redirects.
   * @throws CordonError `http-failed` with the text of Go's url.Error
   */
  async send(call: HttpRequest): Promise<HttpReply> {
    let next = call;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const reply = await this.#once(next);
      const location = reply.headers['location'];
      if (![301, 302, 303, 307, 308].includes(reply.status) || typeof location !== 'string') return reply;
      next = redirected(next, reply.status, location);
    }
    throw failed(call, `stopped after ${MAX_REDIRECTS} redirects`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #once(call: HttpRequest): Promise<HttpReply> {
    if (!isLoopbackUrl(call.url)) throw failed(call, 'refused: not a loopback address');
    try {
      return await this.#exchange(call);
    } catch (error) {
      if (!(error instanceof ClosedConnection) || !error.reused || call.method !== 'GET') throw asFailure(call, error);
    }
    return this.#exchange(call).catch((error: unknown) => {
      throw asFailure(call, error);
    });
  }

  #exchange(call: HttpRequest): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const outgoing = request(call.url, {
        method: call.method,
        agent: this.#agent,
        headers: {
          ...call.headers,
          ...(call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) }),
        },
        timeout: TIMEOUT_MS,
      });
      outgoing.on('response', (incoming) => {
        const parts: Buffer[] = [];
        incoming.on('data', (part: Buffer) => parts.push(part));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
        });
      });
      outgoing.on('timeout', () => outgoing.destroy(new CordonError('http-timeout', TIMEOUT_TEXT)));
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        reject(error.code === 'ECONNRESET' ? new ClosedConnection(outgoing.reusedSocket, error) : error);
      });
      outgoing.end(call.body);
    });
  }
}

const TIMEOUT_TEXT = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';

class ClosedConnection extends CordonError {
  readonly reused: boolean;

  constructor(reused: boolean, cause: unknown) {
    super('http-closed', 'EOF', { cause });
    this.reused = reused;
  }
}

/** Go turns everything but GET into GET on 301, 302 and 303, and keeps method and body on 307 and 308. */
function redirected(call: HttpRequest, status: number, location: string): HttpRequest {
  const url = new URL(location, call.url).href;
  if (status >= 307) return { ...call, url };
  return { method: 'GET', url, headers: call.headers };
}

function asFailure(call: HttpRequest, error: unknown): CordonError {
  if (error instanceof CordonError) return failed(call, error.message, error);
  const { code, message } = error as NodeJS.ErrnoException;
  const { host } = new URL(call.url);
  if (code === 'ECONNREFUSED') return failed(call, `dial tcp ${host}: connect: connection refused`, error);
  return failed(call, message, error);
}

function failed(call: HttpRequest, why: string, cause?: unknown): CordonError {
  const verb = `${call.method[0]}${call.method.slice(1).toLowerCase()}`;
  return new CordonError('http-failed', `${verb} ${JSON.stringify(call.url)}: ${why}`, { cause });
}
