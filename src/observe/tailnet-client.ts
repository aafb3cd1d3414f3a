import ky, { HTTPError, TimeoutError } from 'ky';
import { z } from 'zod';
import { Secret, scrubber } from './secret.ts';
import type { TailnetAccess } from './tailnet-access.ts';

/** Bounds of one call. */
export interface ClientLimits {
  /** For one attempt. */
  readonly timeoutMs: number;
  /** For one call with all its attempts and pauses. */
  readonly totalTimeoutMs: number;
  /** Attempts after the first; reads only. */
  readonly retries: number;
  /** The longest pause that a server's `Retry-After` may ask for. */
  readonly maxPauseMs: number;
}

const DEFAULT_LIMITS: ClientLimits = {
  timeoutMs: 20_000,
  totalTimeoutMs: 60_000,
  retries: 3,
  maxPauseMs: 10_000,
};

/** What came of a call. Texts are free of our credentials. */
export type Exchange =
  | { readonly kind: 'ok'; readonly status: number; readonly headers: Headers; readonly text: string }
  /** A complete answer with another status than 2xx; `data` is its JSON, or its text where it is not JSON. */
  | { readonly kind: 'refused'; readonly status: number; readonly headers: Headers; readonly data: unknown }
  /** No complete answer in time. */
  | { readonly kind: 'late'; readonly why: string }
  /** No complete answer at all. */
  | { readonly kind: 'broken'; readonly why: string };

export interface ReadOptions {
  readonly accept?: string;
  readonly query?: Readonly<Record<string, string>>;
}

interface WriteOptions {
  readonly body: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls the API with one credential. Only reads are retried; nothing is thrown. */
export interface TailnetClient {
  readonly access: TailnetAccess;
  /** @param path below `/api/v2`, starting with a slash */
  get(path: string, options?: ReadOptions): Promise<Exchange>;
  post(path: string, options: WriteOptions): Promise<Exchange>;
  /** A path below the tailnet: `tailnetPath('/acl')`. */
  tailnetPath(path: string): string;
  /** Takes our credentials out of foreign text. */
  scrub(text: string): string;
}

const tokenReply = z.object({ access_token: z.string().min(1), expires_in: z.number().default(3600) });

/** A token is renewed this long before its end, so that it does not end on the way. */
const TOKEN_MARGIN_MS = 60_000;

/** Makes a client. It keeps the bearer token of an OAuth credential in memory and asks for a new one when it ends. */
export function tailnetClient(access: TailnetAccess, limits: ClientLimits = DEFAULT_LIMITS): TailnetClient {
  const { credential } = access;
  const known: Secret[] = [credential.kind === 'api-key' ? credential.key : credential.clientSecret];
  let scrub = scrubber(known);
  let token: { readonly secret: Secret; readonly usableUntilMs: number } | undefined;
  let asking: Promise<Exchange | Secret> | undefined;

  async function exchange(method: 'get' | 'post', url: string, init: RequestInit): Promise<Exchange> {
    try {
      const response = ky(url, {
        ...init,
        method,
        // A redirect would carry the credential elsewhere.
        redirect: 'manual',
        timeout: limits.timeoutMs,
        totalTimeout: limits.totalTimeoutMs,
        retry: {
          limit: limits.retries,
          methods: ['get'],
          statusCodes: [429, 502, 503, 504],
          afterStatusCodes: [429, 503],
          maxRetryAfter: limits.maxPauseMs,
          backoffLimit: Math.min(2000, limits.maxPauseMs),
          jitter: true,
        },
      });
      const text = await response.text();
      const { status, headers } = await response;
      return { kind: 'ok', status, headers, text };
    } catch (error) {
      return failure(error);
    }
  }

  function failure(error: unknown): Exchange {
    if (error instanceof HTTPError) {
      return { kind: 'refused', status: error.response.status, headers: error.response.headers, data: error.data };
    }
    if (error instanceof TimeoutError) return { kind: 'late', why: `no answer within ${limits.timeoutMs / 1000} s` };
    return { kind: 'broken', why: scrub(reasonOf(error)) };
  }

  async function requestToken(clientId: string, clientSecret: Secret): Promise<Exchange | Secret> {
    const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret.reveal())}`;
    const reply = await exchange('post', `${access.baseUrl}/api/v2/oauth/token`, {
      headers: {
        authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    });
    if (reply.kind !== 'ok') return reply;
    const parsed = tokenReply.safeParse(jsonOf(reply.text));
    if (!parsed.success) return { kind: 'broken', why: 'the token endpoint answered without a token' };
    const secret = new Secret(parsed.data.access_token);
    known.push(secret);
    scrub = scrubber(known);
    token = { secret, usableUntilMs: Date.now() + parsed.data.expires_in * 1000 - TOKEN_MARGIN_MS };
    return secret;
  }

  /** The `Authorization` header, or why there is none. Concurrent calls share one token request. */
  async function authorization(): Promise<Exchange | string> {
    if (credential.kind === 'api-key') {
      return `Basic ${Buffer.from(`${credential.key.reveal()}:`, 'utf8').toString('base64')}`;
    }
    if (token !== undefined && token.usableUntilMs > Date.now()) return `Bearer ${token.secret.reveal()}`;
    asking ??= requestToken(credential.clientId, credential.clientSecret).finally(() => {
      asking = undefined;
    });
    const result = await asking;
    return result instanceof Secret ? `Bearer ${result.reveal()}` : result;
  }

  async function authorized(method: 'get' | 'post', path: string, init: RequestInit): Promise<Exchange> {
    const header = await authorization();
    if (typeof header !== 'string') return header;
    const headers = { ...(init.headers as Record<string, string>), authorization: header };
    return exchange(method, `${access.baseUrl}/api/v2${path}`, { ...init, headers });
  }

  return {
    access,
    async get(path, options = {}) {
      const query = options.query === undefined ? '' : `?${new URLSearchParams(options.query)}`;
      return authorized('get', `${path}${query}`, { headers: { accept: options.accept ?? 'application/json' } });
    },
    async post(path, options) {
      const headers = { ...options.headers, 'content-type': options.contentType };
      return authorized('post', path, { headers, body: options.body });
    },
    tailnetPath(path) {
      return `/tailnet/${encodeURIComponent(access.tailnet)}${path}`;
    },
    scrub(text) {
      return scrub(text);
    },
  };
}

/** The JSON value of a text, or `undefined`. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The innermost reason of a network error: `connect ECONNREFUSED …` says more than `fetch failed`. */
function reasonOf(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error && current.cause instanceof Error; depth++) {
    current = current.cause;
  }
  return current instanceof Error ? current.message : String(current);
}
