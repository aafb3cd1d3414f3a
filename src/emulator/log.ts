import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import { authorOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyOf, pathParam, queryOf, sendDone } from './http.ts';
import type { AuditEntry } from './state.ts';

const AUDIT = { config: { scopes: ['logs:configuration'] } };
const FLOWS = { config: { scopes: ['logs:network'] } };
const STREAM = { config: { scopes: ['log_streaming'] } };

/** What a log stream takes and never shows (`writeOnly` in the OpenAPI document); not kept at all. */
const WRITE_ONLY: readonly string[] = ['token', 's3SecretAccessKey', 'gcsCredentials'];

/** Both ends of the window are required. @returns milliseconds @throws ApiError 400 */
function windowOf(query: URLSearchParams): readonly [number, number] {
  const [start, end] = ['start', 'end'].map((name) => Date.parse(query.get(name) ?? ''));
  if (start === undefined || end === undefined || Number.isNaN(start) || Number.isNaN(end)) {
    throw new ApiError(400, 'start and end are required, as RFC 3339 times');
  }
  return [start, end];
}

function eventName(entry: AuditEntry): string {
  const property = entry.target['property'];
  return [entry.target.type, entry.action, ...(typeof property === 'string' ? [property] : [])].join('.');
}

/** `~text` searches login and display name, anything else is an exact actor id. */
function actorMatches(entry: AuditEntry, filter: string): boolean {
  if (!filter.startsWith('~')) return entry.actor.id === filter;
  const text = filter.slice(1).toLowerCase();
  return ['loginName', 'displayName'].some((f) =>
    String(entry.actor[f] ?? '')
      .toLowerCase()
      .includes(text),
  );
}

function targetMatches(entry: AuditEntry, filter: string): boolean {
  return Object.values(entry.target).some((part) => typeof part === 'string' && part.includes(filter));
}

function anyOf(filters: readonly string[], matches: (filter: string) => boolean): boolean {
  return filters.length === 0 || filters.some(matches);
}

/** Routes under `/tailnet/{t}/logging`, and the external id for streams into AWS. */
export function logRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  app.get('/tailnet/:tailnet/logging/configuration', AUDIT, async (request) => {
    const query = queryOf(request);
    const [start, end] = windowOf(query);
    const logs = store.state.log.filter((entry) => {
      const time = Date.parse(entry.eventTime);
      return (
        time >= start &&
        time <= end &&
        anyOf(query.getAll('actor'), (f) => actorMatches(entry, f)) &&
        anyOf(query.getAll('target'), (f) => targetMatches(entry, f)) &&
        anyOf(query.getAll('event'), (f) => eventName(entry) === f)
      );
    });
    return { version: '1.1', tailnet: context.tailnetId, logs };
  });

  // No packet ever passes here. Once switched on there is nothing to report; before, "nothing" would be a false witness.
  app.get('/tailnet/:tailnet/logging/network', FLOWS, async (request) => {
    windowOf(queryOf(request));
    if (!store.state.settings.networkFlowLoggingOn) throw new ApiError(403, 'network flow logging is not enabled');
    return { logs: [] };
  });

  function logTypeOf(request: FastifyRequest): string {
    const type = pathParam(request, 'logType');
    if (type !== 'configuration' && type !== 'network') throw notFound(`log type ${type}`);
    return type;
  }
  function streamOf(request: FastifyRequest): readonly [string, Record<string, unknown>] {
    const type = logTypeOf(request);
    const stream = store.state.logstreams[type];
    if (stream === undefined) throw notFound(`log stream for ${type}`);
    return [type, stream];
  }
  const path = '/tailnet/:tailnet/logging/:logType/stream';
  const target = { id: context.tailnetId, type: 'TAILNET', property: 'LOGSTREAM_ENDPOINT' };

  app.get(path, STREAM, async (request) => streamOf(request)[1]);

  app.put(path, STREAM, async (request, reply) => {
    const logType = logTypeOf(request);
    const body = bodyOf(request, z.looseObject({ destinationType: z.string().min(1) }));
    const kept = Object.fromEntries(Object.entries(body).filter(([name]) => !WRITE_ONLY.includes(name)));
    store.apply(authorOf(request, context), (state) => ({
      state: {
        ...state,
        logstreams: {
          ...state.logstreams,
          [logType]: { url: '', user: '', compressionFormat: 'none', ...kept, logType },
        },
      },
      audit: [{ action: state.logstreams[logType] === undefined ? 'CREATE' : 'UPDATE', target }],
      result: undefined,
    }));
    return sendDone(reply);
  });

  app.delete(path, STREAM, async (request, reply) => {
    const [logType] = streamOf(request);
    store.apply(authorOf(request, context), (state) => ({
      state: {
        ...state,
        logstreams: Object.fromEntries(Object.entries(state.logstreams).filter(([t]) => t !== logType)),
      },
      audit: [{ action: 'DELETE', target }],
      result: undefined,
    }));
    return sendDone(reply);
  });

  app.get(`${path}/status`, STREAM, async (request) => {
    streamOf(request);
    const zero = ['numBytesSent', 'numEntriesSent', 'numSpoofedEntries', 'numTotalRequests', 'numFailedRequests'];
    const rates = ['rateBytesSent', 'rateEntriesSent', 'rateTotalRequests', 'rateFailedRequests'];
    const counts = Object.fromEntries([...zero, ...rates, 'maxBodySize'].map((name) => [name, 0]));
    return { lastActivity: '0001-01-01T00:00:00Z', lastError: '', ...counts };
  });

  app.post('/tailnet/:tailnet/aws-external-id', STREAM, async (request) => {
    const { reusable } = bodyOf(request, z.object({ reusable: z.boolean().default(false) }));
    const known = reusable ? store.state.reusableExternalId : undefined;
    const externalId = known ?? randomUUID();
    if (reusable && known === undefined) {
      store.apply(authorOf(request, context), (state) => ({
        state: { ...state, reusableExternalId: externalId },
        audit: [],
        result: undefined,
      }));
    }
    return { externalId, tailscaleAwsAccountId: '000000000000' };
  });
}
