import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { notFound } from './api-error.ts';
import { authorOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyOf, pathParam, sendDone } from './http.ts';

const CONTACTS = { config: { scopes: ['account_settings'] } };

/** `/tailnet/{t}/contacts`. */
export function contactRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  app.get('/tailnet/:tailnet/contacts', CONTACTS, async () => store.state.contacts);

  app.patch('/tailnet/:tailnet/contacts/:type', CONTACTS, async (request, reply) => {
    const type = pathParam(request, 'type');
    const old = store.state.contacts[type];
    if (old === undefined || !Object.hasOwn(store.state.contacts, type)) throw notFound(`contact type ${type}`);
    const { email } = bodyOf(request, z.object({ email: z.string().min(1) }));
    store.apply(authorOf(request, context), (state) => ({
      state: { ...state, contacts: { ...state.contacts, [type]: { email, needsVerification: false } } },
      audit: [
        {
          action: 'UPDATE',
          target: { id: context.tailnetId, type: 'TAILNET', property: `${type.toUpperCase()}_EMAIL` },
          old: old.email,
          new: email,
        },
      ],
      result: undefined,
    }));
    return sendDone(reply);
  });
}
