import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RecordedReply } from './recording.ts';

/** A request as it arrived. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query after `/api/v2`. */
  readonly target: URL;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** An API that answers with what is queued, whatever it is asked, and remembers what it was asked. */
export interface ApiDouble {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Replies to come, first one first. A request without a reply gets 599. */
  readonly replies: RecordedReply[];
  stop(): void;
}

export async function startApiDouble(): Promise<ApiDouble> {
  const seen: SeenRequest[] = [];
  const replies: RecordedReply[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    seen.push({
      method: request.method ?? '',
      target: new URL((request.url ?? '').replace(/^\/api\/v2/, ''), 'http://api.test'),
      headers: request.headers,
      body: Buffer.concat(parts).toString('utf8'),
    });
    const reply: RecordedReply = replies.shift() ?? { status: 599, json: { message: 'nothing recorded' } };
    if (reply.destroyed) {
      request.socket.destroy();
      return;
    }
    const text = reply.text ?? JSON.stringify(reply.json);
    response.writeHead(reply.status ?? 200, {
      'content-type': reply.contentType ?? 'application/json',
      ...reply.headers,
    });
    response.end(reply.status === 304 ? undefined : text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    replies,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
