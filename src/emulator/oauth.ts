import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { basicPair } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyText } from './http.ts';
import { isInvalidKey } from './key-record.ts';
import { mayRequestScope } from './scopes.ts';
import type { KeyRecord } from './state.ts';
import { matchesHash, secretHash } from './tokens.ts';

/** An OAuth client that exists from the start, beside those created through the API. */
export interface OauthClientOption {
  readonly id: string;
  readonly secret: string;
  readonly scopes: readonly string[];
  readonly tags?: readonly string[];
}

/** Life of a bearer token in seconds, as the service gives it. */
const TOKEN_SECONDS = 3600;

interface Client {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly tags: readonly string[];
}

function answer(context: EmulatorContext, client: Client, wanted: readonly string[]): Record<string, unknown> {
  const refused = wanted.filter((scope) => !mayRequestScope(client.scopes, scope));
  if (refused.length > 0)
    throw new ApiError(400, `requested scopes [${refused.join(' ')}] are not granted to this client`);
  const scopes = wanted.length > 0 ? wanted : client.scopes;
  const token = context.tokens.issue({
    clientId: client.id,
    scopes,
    tags: client.tags,
    expiresAt: context.now().getTime() + TOKEN_SECONDS * 1000,
  });
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: TOKEN_SECONDS,
    scope: scopes.join(' '),
    ...(client.tags.length > 0 ? { tags: client.tags.join(' ') } : {}),
  };
}

function words(text: string | null): readonly string[] {
  return (text ?? '').split(/\s+/).filter((w) => w !== '');
}

/** Client id and secret come as HTTP Basic (the Go library's first try) or as form fields (the documentation's curl). */
function clientCredentials(request: FastifyRequest, form: URLSearchParams): readonly [string, string] {
  const basic = basicPair(request.headers.authorization);
  if (basic !== undefined) return [decodeFormValue(basic[0]), decodeFormValue(basic[1])];
  return [form.get('client_id') ?? '', form.get('client_secret') ?? ''];
}

/** RFC 6749 section 2.3.1: id and secret are form-encoded before they become Basic user name and password. */
function decodeFormValue(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

const claims = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  exp: z.number(),
});

/** `*` in a pattern stands for any text. */
function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}

/** Reads the claims of a JWT. The signature is not checked: the emulator has no way to the issuer's keys. */
function claimsOf(jwt: string): z.infer<typeof claims> | undefined {
  const parts = jwt.split('.');
  if (parts.length !== 3) return undefined;
  try {
    return claims.parse(JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

function acceptsJwt(key: KeyRecord, jwt: z.infer<typeof claims>, nowMs: number): boolean {
  const audiences = Array.isArray(jwt.aud) ? jwt.aud : [jwt.aud];
  const rules = z.record(z.string(), z.string()).safeParse(key['customClaimRules'] ?? {});
  return (
    jwt.exp * 1000 > nowMs &&
    jwt.iss === key['issuer'] &&
    matchesPattern(String(key['subject']), jwt.sub) &&
    audiences.includes(String(key['audience'])) &&
    rules.success &&
    Object.entries(rules.data).every(([claim, pattern]) => matchesPattern(pattern, String(jwt[claim] ?? '')))
  );
}

/** `POST /oauth/token` and `POST /oauth/token-exchange`; neither needs an authenticated caller. */
export function oauthRoutes(app: FastifyInstance, context: EmulatorContext, fixed: readonly OauthClientOption[]): void {
  const fixedClients = fixed.map((c) => ({
    id: c.id,
    scopes: c.scopes,
    tags: c.tags ?? [],
    hash: secretHash(c.secret),
  }));

  function find(id: string, secret: string): Client | undefined {
    const preset = fixedClients.find((c) => c.id === id);
    if (preset !== undefined) return matchesHash(secret, preset.hash) ? preset : undefined;
    const key = context.store.state.keys.find((k) => k.id === id && k.keyType === 'client');
    if (key?.secretHash === undefined || isInvalidKey(key, context.now())) return undefined;
    return matchesHash(secret, key.secretHash) ? { id, scopes: key.scopes ?? [], tags: key.tags ?? [] } : undefined;
  }

  app.post('/oauth/token', async (request) => {
    const form = new URLSearchParams(bodyText(request));
    const grant = form.get('grant_type');
    if (grant !== null && grant !== 'client_credentials') throw new ApiError(400, `unsupported grant type ${grant}`);
    const client = find(...clientCredentials(request, form));
    if (client === undefined) throw new ApiError(401, 'OAuth client invalid');
    return answer(context, client, words(form.get('scope')));
  });

  app.post('/oauth/token-exchange', async (request) => {
    const form = new URLSearchParams(bodyText(request));
    const key = context.store.state.keys.find((k) => k.id === form.get('client_id') && k.keyType === 'federated');
    const jwt = claimsOf(form.get('jwt') ?? '');
    const now = context.now();
    if (key === undefined || jwt === undefined || isInvalidKey(key, now) || !acceptsJwt(key, jwt, now.getTime())) {
      throw new ApiError(401, 'federated identity invalid');
    }
    return answer(context, { id: key.id, scopes: key.scopes ?? [], tags: key.tags ?? [] }, words(form.get('scope')));
  });
}
