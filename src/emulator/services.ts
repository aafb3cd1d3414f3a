import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import { authorOf, callerOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { findDevice } from './device-record.ts';
import { bodyOf, pathParam, sendDone } from './http.ts';
import type { EmulatorState } from './state.ts';
import { checkTags } from './tag-check.ts';

const SERVICES = { config: { scopes: ['services'] } };
const HOSTS = { config: { scopes: ['services', 'devices:core'] } };

const list = z.array(z.string()).nullish();
const putBody = z.object({ name: z.string(), addrs: list, comment: z.string().optional(), ports: list, tags: list });
type Entry = EmulatorState['services'][string];

const APPROVALS = {
  'not-approved': { approved: false, autoApproved: false },
  'approved:auto': { approved: true, autoApproved: true },
  'approved:manual': { approved: true, autoApproved: false },
};

/** One IPv4 and one IPv6 address, as a Service gets them. */
function addressesFor(number: number): string[] {
  return [`100.100.${Math.floor(number / 256) % 256}.${number % 256}`, `fd7a:115c:a1e0::5e:${number.toString(16)}`];
}

/** Routes under `/tailnet/{t}/services`, and the same under `vip-services`, the path that the Go client uses. */
export function serviceRoutes(app: FastifyInstance, context: EmulatorContext): void {
  for (const base of ['/tailnet/:tailnet/services', '/tailnet/:tailnet/vip-services']) routesAt(app, context, base);
}

function routesAt(app: FastifyInstance, context: EmulatorContext, base: string): void {
  const { store } = context;

  function entryOf(request: FastifyRequest): readonly [string, Entry] {
    const name = pathParam(request, 'service');
    const entry = Object.hasOwn(store.state.services, name) ? store.state.services[name] : undefined;
    if (entry === undefined) throw notFound(`service ${name}`);
    return [name, entry];
  }

  app.get(base, SERVICES, async () => ({ vipServices: Object.values(store.state.services).map((e) => e.service) }));

  app.get(`${base}/:service`, SERVICES, async (request) => entryOf(request)[1].service);

  app.put(`${base}/:service`, SERVICES, async (request) => {
    const name = pathParam(request, 'service');
    const body = bodyOf(request, putBody);
    if (body.name !== name || !name.startsWith('svc:')) throw new ApiError(400, `invalid service name ${body.name}`);
    checkTags(context, callerOf(request), body.tags ?? [], { mustHave: false });
    return store.apply(authorOf(request, context), (state) => {
      const old = Object.hasOwn(state.services, name) ? state.services[name] : undefined;
      const service = {
        name,
        addrs: body.addrs?.length === 2 ? body.addrs : (old?.service.addrs ?? addressesFor(state.nextId)),
        ports: body.ports ?? [],
        ...(body.comment === undefined ? {} : { comment: body.comment }),
        ...(body.tags == null ? {} : { tags: body.tags }),
      };
      return {
        state: {
          ...state,
          nextId: state.nextId + 1,
          services: { ...state.services, [name]: { service, hosts: old?.hosts ?? [] } },
        },
        audit: [{ action: old === undefined ? 'CREATE' : 'UPDATE', target: { id: name, type: 'SERVICE', name } }],
        result: service,
      };
    });
  });

  app.delete(`${base}/:service`, SERVICES, async (request, reply) => {
    const [name] = entryOf(request);
    store.apply(authorOf(request, context), (state) => ({
      state: { ...state, services: Object.fromEntries(Object.entries(state.services).filter(([n]) => n !== name)) },
      audit: [{ action: 'DELETE', target: { id: name, type: 'SERVICE', name } }],
      result: undefined,
    }));
    return sendDone(reply);
  });

  app.get(`${base}/:service/devices`, HOSTS, async (request) => ({ hosts: entryOf(request)[1].hosts }));

  app.get(`${base}/:service/device/:device/approved`, HOSTS, async (request) => {
    const [, entry] = entryOf(request);
    const device = findDevice(store.state.devices, pathParam(request, 'device'));
    const host = entry.hosts.find((h) => h.stableNodeID === device?.nodeId);
    if (host === undefined) throw notFound('service host');
    return APPROVALS[host.approvalLevel];
  });

  app.post(`${base}/:service/device/:device/approved`, HOSTS, async (request) => {
    const [name, entry] = entryOf(request);
    const { approved } = bodyOf(request, z.object({ approved: z.boolean() }));
    const device = findDevice(store.state.devices, pathParam(request, 'device'));
    if (device === undefined) throw notFound(`device ${pathParam(request, 'device')}`);
    const level = approved ? ('approved:manual' as const) : ('not-approved' as const);
    const host = { stableNodeID: device.nodeId, approvalLevel: level, configured: 'ready' };
    const hosts = [...entry.hosts.filter((h) => h.stableNodeID !== device.nodeId), host];
    store.apply(authorOf(request, context), (state) => ({
      state: { ...state, services: { ...state.services, [name]: { ...entry, hosts } } },
      audit: [{ action: approved ? 'APPROVE' : 'REVOKE', target: { id: name, type: 'SERVICE', name } }],
      result: undefined,
    }));
    return APPROVALS[level];
  });
}
