import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import { authorOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyOf, pathParam, queryOf, sendDone } from './http.ts';
import type { EmulatorState, UserRecord } from './state.ts';

const USERS = { config: { scopes: ['users'] } };

const roles = z.enum(['owner', 'member', 'admin', 'it-admin', 'network-admin', 'billing-admin', 'auditor']);

function showUser(state: EmulatorState, user: UserRecord): Record<string, unknown> {
  // A tagged device belongs to its tags, not to the user who brought it in.
  const own = state.devices.filter((d) => d.user === user.loginName && d.tags.length === 0);
  return {
    ...user,
    tailnetId: state.tailnetId,
    deviceCount: own.length,
    currentlyConnected: own.some((d) => d['connectedToControl'] === true),
  };
}

/** `/tailnet/{t}/users` and `/users/{id}`. */
export function userRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  function userOf(request: FastifyRequest): UserRecord {
    const id = pathParam(request, 'user');
    const user = store.state.users.find((u) => u.id === id);
    if (user === undefined) throw notFound(`user ${id}`);
    return user;
  }

  app.get('/tailnet/:tailnet/users', USERS, async (request) => {
    const query = queryOf(request);
    const wanted = (name: string, value: string) => {
      const filter = query.get(name);
      return filter === null || filter === 'all' || filter === value;
    };
    const users = store.state.users.filter((u) => wanted('type', u.type) && wanted('role', u.role));
    return { users: users.map((u) => showUser(store.state, u)) };
  });

  app.get('/users/:user', USERS, async (request) => showUser(store.state, userOf(request)));

  app.post('/users/:user/role', USERS, async (request, reply) => {
    const user = userOf(request);
    const { role } = bodyOf(request, z.object({ role: roles }));
    store.apply(authorOf(request, context), (state) => ({
      state: { ...state, users: state.users.map((u) => (u.id === user.id ? { ...u, role } : u)) },
      audit: [
        {
          action: 'UPDATE',
          target: { id: user.id, type: 'USER', name: user.loginName, property: 'USER_ROLE' },
          old: user.role,
          new: role,
        },
      ],
      result: undefined,
    }));
    return sendDone(reply);
  });

  const steps: readonly (readonly [string, string, string])[] = [
    ['approve', 'APPROVE', 'active'],
    ['suspend', 'SUSPEND', 'suspended'],
    ['restore', 'RESTORE', 'active'],
  ];
  for (const [step, action, status] of steps) {
    app.post(`/users/:user/${step}`, USERS, async (request, reply) => {
      const user = userOf(request);
      store.apply(authorOf(request, context), (state) => ({
        state: { ...state, users: state.users.map((u) => (u.id === user.id ? { ...u, status } : u)) },
        audit: [{ action, target: { id: user.id, type: 'USER', name: user.loginName } }],
        result: undefined,
      }));
      return sendDone(reply);
    });
  }

  app.post('/users/:user/delete', USERS, async (request, reply) => {
    const user = userOf(request);
    if (user.role === 'owner') throw new ApiError(403, 'the owner of a tailnet cannot be deleted');
    store.apply(authorOf(request, context), (state) => ({
      state: { ...state, users: state.users.filter((u) => u.id !== user.id) },
      audit: [{ action: 'DELETE', target: { id: user.id, type: 'USER', name: user.loginName } }],
      result: undefined,
    }));
    return sendDone(reply);
  });
}
