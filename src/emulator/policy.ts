import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from './api-error.ts';
import type { Author } from './audit.ts';
import { authorOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyText, queryOf } from './http.ts';
import { policyJson } from './policy-json.ts';
import { canonicalPolicy, ifMatchHolds, quotedEtag } from './policy-text.ts';
import { judgePolicy, judgeTests } from './policy-verdict.ts';
import type { EmulatorState } from './state.ts';

const READ = { config: { scopes: ['policy_file'], access: 'read' as const } };
const WRITE = { config: { scopes: ['policy_file'], access: 'write' as const } };

/** Only a client that asks for JSON gets it; everything else is HuJSON (OpenAPI: AcceptHeaderParam). */
function wantsJson(request: FastifyRequest): boolean {
  const accept = request.headers.accept ?? '';
  return accept.split(',').some((part) => part.split(';')[0]?.trim() === 'application/json');
}

async function sendPolicy(request: FastifyRequest, reply: FastifyReply, text: string): Promise<FastifyReply> {
  reply.code(200).header('ETag', quotedEtag(text));
  if (!wantsJson(request)) return reply.type('application/hujson').send(text);
  const json = policyJson(text);
  if (!json.ok) throw new ApiError(500, `stored policy is not readable: ${json.message}`);
  return reply.type('application/json').send(JSON.stringify(json.value));
}

/**
 * Makes `text` the policy and says so in the audit log.
 * @param isDefault whether `ts-default` matches from now on
 */
export function storePolicy(context: EmulatorContext, author: Author, text: string, isDefault: boolean): void {
  context.store.apply(author, (state: EmulatorState) => {
    const same = state.policy.text === text && state.policy.isDefault === isDefault;
    const target = { id: context.tailnetId, type: 'TAILNET', name: context.tailnetId, property: 'ACL' };
    return {
      state: { ...state, policy: { text, isDefault } },
      audit: same ? [] : [{ action: 'UPDATE', target, old: state.policy.text, new: text }],
      result: undefined,
    };
  });
}

/** Routes under `/tailnet/{t}/acl`. */
export function policyRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  app.get('/tailnet/:tailnet/acl', READ, async (request, reply) => {
    const { text } = store.state.policy;
    const details = queryOf(request).get('details');
    // The document says that only `true` counts; the official Go client sends `1`.
    if (details !== 'true' && details !== '1') return sendPolicy(request, reply, text);
    const json = policyJson(text);
    return reply.header('ETag', quotedEtag(text)).send({
      acl: Buffer.from(text, 'utf8').toString('base64'),
      warnings: null,
      errors: json.ok ? null : [json.message],
    });
  });

  app.post('/tailnet/:tailnet/acl', WRITE, async (request, reply) => {
    if (!ifMatchHolds(request.headers['if-match'], store.state.policy)) {
      throw new ApiError(412, 'precondition failed, invalid old hash');
    }
    const body = bodyText(request);
    const text = body === '' ? store.state.defaultPolicy : canonicalPolicy(body);
    if (context.mode === 'strict' && body !== '') {
      const verdict = judgePolicy(text, store.state);
      if (!verdict.ok) throw new ApiError(400, verdict.message, verdict.data);
    }
    storePolicy(context, authorOf(request, context), text, body === '');
    return sendPolicy(request, reply, text);
  });

  app.post('/tailnet/:tailnet/acl/validate', READ, async (request) => {
    const body = bodyText(request);
    if (body.trim() === '') throw new ApiError(400, 'unexpected end of JSON input');
    const json = policyJson(body);
    if (!json.ok) throw new ApiError(400, json.message);
    // The answer is 200 whatever the outcome; an object without a message means passed.
    const verdict = Array.isArray(json.value) ? judgeTests(json.value, store.state) : judgePolicy(body, store.state);
    return verdict.ok ? {} : { message: verdict.message, data: verdict.data };
  });

  app.post('/tailnet/:tailnet/acl/preview', READ, async () => {
    throw new ApiError(501, 'the emulator does not compute previews');
  });
}
