import type { IncomingMessage, ServerResponse } from 'node:http';
import { PROBE_HEADER } from './command.ts';

/** No answer is mistaken for a model's, nor for that of the real server. */
const SELF = 'stand-in of cordon for a model server, not a model';

/**
 * Answers the three calls of a model server that people try first, in the shapes of its API (docs/api.md of
 * github.com/ollama/ollama), and says in each answer that it is a stand-in.
 * @param seen called with the probe's id when the request carries one
 */
export function answerModelRequest(
  host: string,
  request: IncomingMessage,
  response: ServerResponse,
  seen: (id: string) => void,
): void {
  const id = request.headers[PROBE_HEADER];
  if (typeof id === 'string') seen(id);
  request.resume();
  request.on('end', () => {
    const answer = answerTo(request.method ?? 'GET', request.url ?? '/', host);
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify(answer ?? { error: `not found: this is a ${SELF}` })}\n`);
  });
}

function answerTo(method: string, url: string, host: string): object | undefined {
  switch (`${method} ${url.split('?')[0]}`) {
    case 'GET /api/version':
      return { version: '0.0.0-stand-in', about: SELF };
    case 'GET /api/tags':
      return { models: [], about: SELF };
    case 'POST /api/chat':
      return { model: 'stand-in', done: true, message: { role: 'assistant', content: `${host} here: a ${SELF}.` } };
    default:
      return undefined;
  }
}
