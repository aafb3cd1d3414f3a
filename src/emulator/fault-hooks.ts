import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CONSOLE } from './console-author.ts';
import type { EmulatorContext } from './context.ts';
import type { Fault } from './faults.ts';
import { faultPath } from './faults.ts';
import { storePolicy } from './policy.ts';
import { canonicalPolicy } from './policy-text.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** A fault that works on the true answer, or on how it is made. */
    pendingFault: Fault | undefined;
  }
}

const PAGE = '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>';

async function answerInstead(fault: Fault, reply: FastifyReply): Promise<FastifyReply | undefined> {
  switch (fault.kind) {
    case 'status':
      if (fault.retryAfter !== undefined) reply.header('Retry-After', String(fault.retryAfter));
      return reply.code(fault.status).send({
        message: fault.message ?? `emulated failure (${fault.status})`,
        ...(fault.data === undefined ? {} : { data: fault.data }),
      });
    case 'html':
      return reply.code(fault.status).type('text/html').send(PAGE);
    case 'empty-body':
      return reply.code(200).type('application/json').send('');
    case 'garbage':
      return reply.code(200).type('application/json').send('this is not JSON');
    case 'empty-devices':
      return reply.code(200).send({ devices: [] });
    case 'disconnect':
      reply.hijack();
      reply.raw.destroy();
      return reply;
    default:
      return undefined;
  }
}

/**
 * Lets the faults of `context` meet the requests of `app`. Add before authentication: a proxy's error page does not ask
 * for a credential.
 * @param closing aborts the waiting of slow answers
 */
export function faultHooks(app: FastifyInstance, context: EmulatorContext, closing: AbortSignal): void {
  app.decorateRequest('pendingFault', undefined);

  app.addHook('onRequest', async (request: FastifyRequest, reply: FastifyReply) => {
    const fault = context.faults.take(request.method, faultPath(request.url));
    if (fault === undefined) return undefined;
    if (fault.kind === 'slow') {
      await delay(fault.delayMs, undefined, { signal: closing, ref: false }).catch(() => undefined);
      return undefined;
    }
    if (fault.kind === 'edit-policy') {
      storePolicy(context, CONSOLE, canonicalPolicy(fault.text), false);
      return undefined;
    }
    if (fault.kind === 'truncated' || fault.kind === 'auto-approve') {
      request.pendingFault = fault;
      return undefined;
    }
    return answerInstead(fault, reply);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    if (request.pendingFault?.kind !== 'truncated' || typeof payload !== 'string') return payload;
    reply.removeHeader('content-length');
    return payload.slice(0, Math.floor(payload.length / 2));
  });
}
