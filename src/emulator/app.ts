import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import fastify from 'fastify';
import { ApiError, notFound } from './api-error.ts';
import { attributeRoutes } from './attributes.ts';
import { authenticate, authorize } from './auth.ts';
import { consoleRoutes } from './console.ts';
import { contactRoutes } from './contacts.ts';
import type { EmulatorContext } from './context.ts';
import { deviceRoutes } from './devices.ts';
import { dnsRoutes } from './dns.ts';
import { faultHooks } from './fault-hooks.ts';
import { pathParam } from './http.ts';
import { keyRoutes } from './keys.ts';
import { logRoutes } from './log.ts';
import type { OauthClientOption } from './oauth.ts';
import { oauthRoutes } from './oauth.ts';
import { policyRoutes } from './policy.ts';
import { postureRoutes } from './posture.ts';
import { serviceRoutes } from './services.ts';
import { settingsRoutes } from './settings.ts';
import { secretHash } from './tokens.ts';
import { userRoutes } from './users.ts';
import { webhookRoutes } from './webhooks.ts';

/** One answered request, for whoever keeps a log; neither headers nor query nor bodies, which may hold secrets. */
export interface AnsweredRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface AppOptions {
  readonly key: string;
  readonly oauthClients: readonly OauthClientOption[];
  readonly onAnswer?: (request: AnsweredRequest) => void;
  readonly closing: AbortSignal;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Every body is taken as text: the policy must be kept to the byte, and clients send JSON under several type names. */
function takeBodiesAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) => {
    try {
      done(null, new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body as Buffer));
    } catch {
      done(new ApiError(400, 'the body is not valid UTF-8'));
    }
  });
}

function answerErrorsAsJson(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | ApiError, _request, reply) => {
    if (error instanceof ApiError) return reply.code(error.status).send(error.body());
    const status = error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500;
    return reply.code(status).send({ message: error.message });
  });
  app.setNotFoundHandler((request) => {
    throw notFound(`${request.method} ${request.url.split('?')[0] ?? ''}`);
  });
}

function authenticatedRoutes(app: FastifyInstance, context: EmulatorContext, keyHash: string): void {
  app.decorateRequest('caller', undefined);
  app.addHook('onRequest', async (request) => {
    const caller = authenticate(request, context, keyHash);
    const { scopes, access } = request.routeOptions.config;
    authorize(
      caller,
      scopes ?? [],
      access ?? (request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write'),
    );
    const tailnet = pathParam(request, 'tailnet');
    if (tailnet !== '' && tailnet !== '-' && tailnet !== context.tailnetId) throw notFound(`tailnet ${tailnet}`);
    request.caller = caller;
  });
  for (const routes of [
    policyRoutes,
    deviceRoutes,
    attributeRoutes,
    keyRoutes,
    settingsRoutes,
    dnsRoutes,
    userRoutes,
    contactRoutes,
    serviceRoutes,
    webhookRoutes,
    postureRoutes,
    logRoutes,
  ]) {
    routes(app, context);
  }
}

/** The server, not listening yet. Every answer says in `X-Cordon-Emulator` what it comes from. */
export function emulatorApp(context: EmulatorContext, options: AppOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    forceCloseConnections: true,
    bodyLimit: MAX_BODY_BYTES,
    // A base URL that ends in a slash makes the Go client ask for `//api/v2/oauth/token`.
    routerOptions: { ignoreDuplicateSlashes: true, maxParamLength: 1000 },
    frameworkErrors: (error, _request, reply) => {
      void (reply as FastifyReply).code(error.statusCode ?? 400).send({ message: error.message });
    },
  });
  takeBodiesAsText(app);
  answerErrorsAsJson(app);
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('X-Cordon-Emulator', '1');
  });
  app.addHook('onResponse', async (request, reply) => {
    options.onAnswer?.({
      method: request.method,
      path: request.url.split('?')[0] ?? '',
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime),
    });
  });
  void app.register(async (scope) => consoleRoutes(scope, context));
  void app.register(
    async (api) => {
      faultHooks(api, context, options.closing);
      oauthRoutes(api, context, options.oauthClients);
      await api.register(async (inner) => authenticatedRoutes(inner, context, secretHash(options.key)));
    },
    { prefix: '/api/v2' },
  );
  return app;
}
