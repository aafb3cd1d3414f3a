import type { FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import type { Author } from './audit.ts';
import type { EmulatorContext } from './context.ts';
import type { Access } from './scopes.ts';
import { scopesCover } from './scopes.ts';
import type { UserRecord } from './state.ts';
import { matchesHash } from './tokens.ts';

/** Who a request comes from. The API key belongs to the tailnet's first owner and may do everything. */
export interface Caller {
  readonly kind: 'api-key' | 'token';
  /** User id, or id of the OAuth client or federated identity. */
  readonly id: string;
  readonly scopes: readonly string[];
  /** Tags of the client: the only ones it may hand out. Empty for the API key. */
  readonly tags: readonly string[];
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    /** Scopes that a call to this route needs, all of them. */
    scopes?: readonly string[];
    /** Set where the method does not tell: a POST that changes nothing. */
    access?: Access;
  }
}

/** Takes the credential out of an `Authorization` header: the Basic user name, or the Bearer token. */
function credentialOf(header: string): string | undefined {
  const [scheme, value] = header.split(/\s+/, 2);
  if (value === undefined) return undefined;
  if (scheme?.toLowerCase() === 'bearer') return value;
  return scheme?.toLowerCase() === 'basic' ? basicPair(header)?.[0] : undefined;
}

/** User name and password of a Basic header (RFC 7617). */
export function basicPair(header: string | undefined): readonly [string, string] | undefined {
  const match = /^basic\s+([A-Za-z0-9+/=]+)$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}

/** The user that the API key acts for. */
export function owner(users: readonly UserRecord[]): UserRecord | undefined {
  return users.find((u) => u.role === 'owner') ?? users[0];
}

/**
 * Says who sent a request.
 * @param keyHash SHA-256 of the API key that the emulator was started with
 * @throws ApiError 401 when no valid credential came with it
 */
export function authenticate(request: FastifyRequest, context: EmulatorContext, keyHash: string): Caller {
  const credential = credentialOf(request.headers.authorization ?? '');
  if (credential !== undefined && credential !== '') {
    if (matchesHash(credential, keyHash)) {
      return { kind: 'api-key', id: owner(context.store.state.users)?.id ?? 'u0', scopes: ['all'], tags: [] };
    }
    const token = context.tokens.find(credential, context.now().getTime());
    if (token !== undefined) return { kind: 'token', id: token.clientId, scopes: token.scopes, tags: token.tags };
  }
  throw new ApiError(401, 'API token invalid');
}

/** @throws ApiError 403 when the caller lacks a scope that the route names */
export function authorize(caller: Caller, needed: readonly string[], access: Access): void {
  const missing = needed.filter((scope) => !scopesCover(caller.scopes, scope, access));
  if (missing.length > 0) {
    const suffix = access === 'read' ? ':read' : '';
    throw new ApiError(403, `calling actor does not have enough permissions: needs ${missing.join(', ')}${suffix}`);
  }
}

/** The caller of a request that passed authentication. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new ApiError(401, 'API token invalid');
  return request.caller;
}

/** The caller as the audit log names it. */
export function authorOf(request: FastifyRequest, context: EmulatorContext): Author {
  const caller = callerOf(request);
  if (caller.kind === 'token') return { origin: 'CONFIG_API', actor: { id: caller.id, type: 'OAUTH_CLIENT' } };
  const user = context.store.state.users.find((u) => u.id === caller.id);
  return {
    origin: 'CONFIG_API',
    actor: {
      id: caller.id,
      type: 'USER',
      ...(user === undefined ? {} : { loginName: user.loginName, displayName: user.displayName }),
    },
  };
}
