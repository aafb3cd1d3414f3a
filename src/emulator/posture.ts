import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import { authorOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyOf, pathParam, sendDone } from './http.ts';
import type { PostureRecord } from './state.ts';

const POSTURE = { config: { scopes: ['feature_settings'] } };

const fields = {
  cloudId: z.string().optional(),
  clientId: z.string().optional(),
  tenantId: z.string().optional(),
  clientSecret: z.string().optional(),
};
const createBody = z.object({ provider: z.string().min(1), ...fields });
const patchBody = z.object(fields);

/** Everything but the secret, which is taken and not kept. */
function kept(body: z.infer<typeof patchBody>): Record<string, string> {
  const entries = Object.entries(body).filter(([name, value]) => name !== 'clientSecret' && value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

/** `/tailnet/{t}/posture/integrations` and `/posture/integrations/{id}`. */
export function postureRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  function integrationOf(request: FastifyRequest): PostureRecord {
    const id = pathParam(request, 'integration');
    const found = store.state.posture.find((p) => p.id === id);
    if (found === undefined) throw notFound(`posture integration ${id}`);
    return found;
  }
  const target = { id: context.tailnetId, type: 'TAILNET', property: 'POSTURE_INTEGRATION' };

  app.get('/tailnet/:tailnet/posture/integrations', POSTURE, async () => ({ integrations: store.state.posture }));

  app.post('/tailnet/:tailnet/posture/integrations', POSTURE, async (request) => {
    const body = bodyOf(request, createBody);
    if (store.state.posture.some((p) => p.provider === body.provider)) {
      throw new ApiError(409, `an integration with ${body.provider} exists already`);
    }
    return store.apply(authorOf(request, context), (state) => {
      const made = { id: `p${state.nextId}EMUCNTRL`, ...kept(body), provider: body.provider };
      return {
        state: { ...state, nextId: state.nextId + 1, posture: [...state.posture, made] },
        audit: [{ action: 'CREATE', target: { ...target, name: made.id } }],
        result: made,
      };
    });
  });

  app.get('/posture/integrations/:integration', POSTURE, async (request) => integrationOf(request));

  app.patch('/posture/integrations/:integration', POSTURE, async (request) => {
    const old = integrationOf(request);
    const next = { ...old, ...kept(bodyOf(request, patchBody)) };
    return store.apply(authorOf(request, context), (state) => ({
      state: { ...state, posture: state.posture.map((p) => (p.id === old.id ? next : p)) },
      audit: [{ action: 'UPDATE', target: { ...target, name: old.id } }],
      result: next,
    }));
  });

  app.delete('/posture/integrations/:integration', POSTURE, async (request, reply) => {
    const old = integrationOf(request);
    store.apply(authorOf(request, context), (state) => ({
      state: { ...state, posture: state.posture.filter((p) => p.id !== old.id) },
      audit: [{ action: 'DELETE', target: { ...target, name: old.id } }],
      result: undefined,
    }));
    return sendDone(reply);
  });
}
