import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import type { Caller } from './auth.ts';
import { authorize, authorOf, callerOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyOf, pathParam, queryOf, sendDone } from './http.ts';
import { isInvalidKey, scopeOfKeyType, showKey } from './key-record.ts';
import { scopesCover } from './scopes.ts';
import type { EmulatorState, KeyRecord } from './state.ts';
import { checkTags } from './tag-check.ts';
import { randomSecret, secretHash } from './tokens.ts';

/** 0 or no `expirySeconds` means 90 days. */
const DEFAULT_EXPIRY_SECONDS = 90 * 24 * 3600;

const description = z.string().max(50).default('');
const tagList = z
  .array(z.string())
  .nullish()
  .transform((t) => t ?? []);

const authKeyBody = z.object({
  keyType: z.literal('auth').default('auth'),
  capabilities: z.object({
    devices: z.object({
      create: z.object({
        reusable: z.boolean().default(false),
        ephemeral: z.boolean().default(false),
        preauthorized: z.boolean().default(false),
        tags: tagList,
      }),
    }),
  }),
  expirySeconds: z.int().min(0).default(0),
  description,
});
const clientBody = z.object({ keyType: z.literal('client'), scopes: z.array(z.string()), tags: tagList, description });
const federatedBody = z.object({
  keyType: z.literal('federated'),
  scopes: z.array(z.string()),
  tags: tagList,
  description,
  issuer: z.url({ protocol: /^https$/ }),
  subject: z.string().min(1),
  audience: z.string().default(''),
  customClaimRules: z
    .record(z.string(), z.string())
    .nullish()
    .transform((r) => r ?? {}),
});
const keyBody = z.union([clientBody, federatedBody, authKeyBody]);
type KeyBody = z.infer<typeof keyBody>;

function common(body: KeyBody, id: string, caller: Caller, nowText: string) {
  return {
    id,
    description: body.description,
    created: nowText,
    updated: nowText,
    userId: caller.kind === 'api-key' ? caller.id : '',
  };
}

/**
 * Builds the record of a new key.
 * @param shownOnce the whole `tskey-…` text, which for an OAuth client is its secret; only its hash is kept
 */
function newKey(body: KeyBody, id: string, caller: Caller, now: Date, shownOnce: string, tailnetId: string): KeyRecord {
  const base = common(body, id, caller, now.toISOString());
  if (body.keyType === 'auth') {
    const expirySeconds = body.expirySeconds === 0 ? DEFAULT_EXPIRY_SECONDS : body.expirySeconds;
    const expires = new Date(now.getTime() + expirySeconds * 1000).toISOString();
    return { ...base, keyType: 'auth', expirySeconds, expires, capabilities: body.capabilities };
  }
  if (body.keyType === 'client') {
    return { ...base, keyType: 'client', scopes: body.scopes, tags: body.tags, secretHash: secretHash(shownOnce) };
  }
  return {
    ...base,
    keyType: 'federated',
    scopes: body.scopes,
    tags: body.tags,
    issuer: body.issuer,
    subject: body.subject,
    audience: body.audience === '' ? `api.tailscale.com/${tailnetId}-${id}` : body.audience,
    customClaimRules: body.customClaimRules,
  };
}

function tagsOf(body: KeyBody): readonly string[] {
  return body.keyType === 'auth' ? body.capabilities.devices.create.tags : body.tags;
}

function replaceKey(state: EmulatorState, key: KeyRecord): EmulatorState {
  return { ...state, keys: state.keys.map((k) => (k.id === key.id ? key : k)) };
}

/** The key that a path names, if the caller's scopes let it see keys of that type. */
function findKey(state: EmulatorState, id: string, caller: Caller, access: 'read' | 'write'): KeyRecord {
  const key = state.keys.find((k) => k.id === id);
  if (key === undefined) throw notFound(`key ${id}`);
  authorize(caller, [scopeOfKeyType(key.keyType)], access);
  return key;
}

/** Without `all=true` a user key sees that user's keys, a token only OAuth clients (OpenAPI: listTailnetKeys). */
function isListed(key: KeyRecord, caller: Caller, all: boolean): boolean {
  if (!scopesCover(caller.scopes, scopeOfKeyType(key.keyType), 'read')) return false;
  if (all) return true;
  return caller.kind === 'api-key' ? key.userId === caller.id && key.keyType !== 'federated' : key.keyType === 'client';
}

/** Routes under `/tailnet/{t}/keys`. Deleted keys stay as tombstones: GET answers 200 with `invalid`. */
export function keyRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  app.get('/tailnet/:tailnet/keys', async (request) => {
    const all = queryOf(request).get('all') === 'true';
    const caller = callerOf(request);
    const now = context.now();
    const keys = store.state.keys.filter((k) => !isInvalidKey(k, now) && isListed(k, caller, all));
    return { keys: keys.map((k) => showKey(k, now)) };
  });

  app.post('/tailnet/:tailnet/keys', async (request) => {
    const body = bodyOf(request, keyBody);
    const caller = callerOf(request);
    authorize(caller, [scopeOfKeyType(body.keyType)], 'write');
    if (body.keyType === 'auth') checkTags(context, caller, tagsOf(body), { mustHave: caller.kind === 'token' });
    else checkTags(context, caller, tagsOf(body), { mustHave: false });
    const secret = randomSecret();
    return store.apply(authorOf(request, context), (state) => {
      const id = `k${state.nextId}EMUCNTRL`;
      const shownOnce = `tskey-${body.keyType}-${id}-${secret}`;
      const key = newKey(body, id, caller, context.now(), shownOnce, context.tailnetId);
      const shown = showKey(key, context.now());
      return {
        state: { ...state, nextId: state.nextId + 1, keys: [...state.keys, key] },
        audit: [{ action: 'CREATE', target: { id, type: 'API_KEY', name: key.description } }],
        result: key.keyType === 'federated' ? shown : { ...shown, key: shownOnce },
      };
    });
  });

  app.get('/tailnet/:tailnet/keys/:key', async (request) =>
    showKey(findKey(store.state, pathParam(request, 'key'), callerOf(request), 'read'), context.now()),
  );

  app.put('/tailnet/:tailnet/keys/:key', async (request) => {
    const body = bodyOf(request, keyBody);
    const caller = callerOf(request);
    const id = pathParam(request, 'key');
    const old = findKey(store.state, id, caller, 'write');
    if (body.keyType === 'auth' || old.keyType !== body.keyType) throw new ApiError(400, 'key cannot be updated');
    checkTags(context, caller, tagsOf(body), { mustHave: false });
    return store.apply(authorOf(request, context), (state) => {
      const made = newKey(body, id, caller, context.now(), '', context.tailnetId);
      const key = { ...old, ...made, created: old.created, userId: old.userId };
      if (old.secretHash !== undefined) key.secretHash = old.secretHash;
      return {
        state: replaceKey(state, key),
        audit: [{ action: 'UPDATE', target: { id, type: 'API_KEY', name: key.description } }],
        result: showKey(key, context.now()),
      };
    });
  });

  app.delete('/tailnet/:tailnet/keys/:key', async (request, reply) => {
    const id = pathParam(request, 'key');
    const key = findKey(store.state, id, callerOf(request), 'write');
    store.apply(authorOf(request, context), (state) => ({
      state: replaceKey(state, { ...key, revoked: context.now().toISOString() }),
      audit: [{ action: 'REVOKE', target: { id, type: 'API_KEY', name: key.description } }],
      result: undefined,
    }));
    return sendDone(reply);
  });
}
