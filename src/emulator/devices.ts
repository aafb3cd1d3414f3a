import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseAddress } from '../net/address.ts';
import { parsePrefix } from '../net/prefix.ts';
import { ApiError, notFound } from './api-error.ts';
import type { AuditEvent } from './audit.ts';
import { authorOf, callerOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { deviceMatches, findDevice, showDevice } from './device-record.ts';
import { bodyOf, pathParam, queryOf, sendDone } from './http.ts';
import type { DeviceRecord } from './state.ts';
import { checkTags } from './tag-check.ts';

const CORE = { config: { scopes: ['devices:core'] } };
const ROUTES = { config: { scopes: ['devices:routes'] } };
const INVITES = { config: { scopes: ['device_invites'] } };

function fieldsOf(query: URLSearchParams): 'all' | 'default' {
  return query.get('fields') === 'all' ? 'all' : 'default';
}

/** The device that a path names. @throws ApiError 404 */
export function deviceOf(context: EmulatorContext, request: FastifyRequest): DeviceRecord {
  const id = pathParam(request, 'device');
  const device = findDevice(context.store.state.devices, id);
  if (device === undefined) throw notFound(`device ${id}`);
  return device;
}

function showRoutes(device: DeviceRecord): { advertisedRoutes: string[]; enabledRoutes: string[] } {
  return { advertisedRoutes: device.advertisedRoutes, enabledRoutes: device.enabledRoutes };
}

function checkedRoutes(routes: readonly string[]): string[] {
  for (const route of routes) {
    const parsed = parsePrefix(route);
    if (parsed === undefined || parsed.hostBits || !route.includes('/'))
      throw new ApiError(400, `invalid route ${route}`);
  }
  return [...new Set(routes)].toSorted();
}

/** What the audit log says about a change of one property of a node. */
export function nodeEvent(
  device: DeviceRecord,
  action: string,
  property?: string,
  change?: [unknown, unknown],
): AuditEvent {
  return {
    action,
    target: { id: device.nodeId, type: 'NODE', name: device.name, ...(property === undefined ? {} : { property }) },
    ...(change === undefined ? {} : { old: change[0], new: change[1] }),
  };
}

/** Replaces one device, found again in the state of the moment. */
export function updateDevice(
  context: EmulatorContext,
  request: FastifyRequest,
  change: (device: DeviceRecord) => readonly [DeviceRecord, AuditEvent],
): DeviceRecord {
  const { nodeId } = deviceOf(context, request);
  return context.store.apply(authorOf(request, context), (state) => {
    const device = findDevice(state.devices, nodeId);
    if (device === undefined) throw notFound(`device ${nodeId}`);
    const [next, event] = change(device);
    return {
      state: { ...state, devices: state.devices.map((d) => (d === device ? next : d)) },
      audit: [event],
      result: next,
    };
  });
}

/** `/tailnet/{t}/devices` and `/device/{id}`, without posture attributes. */
export function deviceRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;

  app.get('/tailnet/:tailnet/devices', CORE, async (request) => {
    const query = queryOf(request);
    const filters = [...query].filter(([name]) => name !== 'fields');
    const devices = store.state.devices.filter((d) => deviceMatches(d, filters));
    return { devices: devices.map((d) => showDevice(d, fieldsOf(query))) };
  });

  app.get('/device/:device', CORE, async (request) =>
    showDevice(deviceOf(context, request), fieldsOf(queryOf(request))),
  );

  app.delete('/device/:device', CORE, async (request, reply) => {
    const device = deviceOf(context, request);
    if (device.isExternal) throw new ApiError(501, 'cannot delete devices outside of your tailnet');
    store.apply(authorOf(request, context), (state) => ({
      state: { ...state, devices: state.devices.filter((d) => d.nodeId !== device.nodeId) },
      audit: [nodeEvent(device, 'DELETE')],
      result: undefined,
    }));
    return sendDone(reply);
  });

  app.get('/device/:device/routes', ROUTES, async (request) => showRoutes(deviceOf(context, request)));

  app.post('/device/:device/routes', ROUTES, async (request) => {
    const { routes } = bodyOf(request, z.object({ routes: z.array(z.string()).nullish() }));
    const wanted = checkedRoutes(routes ?? []);
    return showRoutes(
      updateDevice(context, request, (device) => {
        const approved = request.pendingFault?.kind === 'auto-approve' ? device.advertisedRoutes : [];
        const enabledRoutes = [...new Set([...wanted, ...approved])].toSorted();
        return [
          { ...device, enabledRoutes },
          nodeEvent(device, 'UPDATE', 'ALLOWED_IPS', [device.enabledRoutes, enabledRoutes]),
        ];
      }),
    );
  });

  app.post('/device/:device/authorized', CORE, async (request, reply) => {
    const { authorized } = bodyOf(request, z.object({ authorized: z.boolean() }));
    updateDevice(context, request, (device) => [
      { ...device, authorized },
      nodeEvent(device, authorized ? 'APPROVE' : 'REVOKE'),
    ]);
    return sendDone(reply);
  });

  app.post('/device/:device/tags', CORE, async (request, reply) => {
    const tags = bodyOf(request, z.object({ tags: z.array(z.string()).nullish() })).tags ?? [];
    deviceOf(context, request);
    checkTags(context, callerOf(request), tags, { mustHave: false });
    updateDevice(context, request, (device) => [
      { ...device, tags: [...new Set(tags)] },
      nodeEvent(device, 'UPDATE', 'ACL_TAGS', [device.tags, tags]),
    ]);
    return sendDone(reply);
  });

  app.post('/device/:device/key', CORE, async (request, reply) => {
    const { keyExpiryDisabled } = bodyOf(request, z.object({ keyExpiryDisabled: z.boolean() }));
    updateDevice(context, request, (device) => [
      { ...device, keyExpiryDisabled },
      nodeEvent(device, keyExpiryDisabled ? 'DISABLE' : 'ENABLE', 'KEY_EXPIRY'),
    ]);
    return sendDone(reply);
  });

  app.post('/device/:device/expire', CORE, async (request, reply) => {
    const expires = context.now().toISOString();
    updateDevice(context, request, (device) => [
      { ...device, expires },
      nodeEvent(device, 'UPDATE', 'KEY_EXPIRY_TIME', [device['expires'], expires]),
    ]);
    return sendDone(reply);
  });

  app.post('/device/:device/name', CORE, async (request, reply) => {
    const given = bodyOf(request, z.object({ name: z.string() })).name;
    updateDevice(context, request, (device) => {
      const domain = device.name.slice(device.name.indexOf('.') + 1);
      const name = given.includes('.') ? given : `${given === '' ? device.hostname : given}.${domain}`;
      return [{ ...device, name }, nodeEvent(device, 'UPDATE', 'MACHINE_NAME', [device.name, name])];
    });
    return sendDone(reply);
  });

  app.post('/device/:device/ip', CORE, async (request, reply) => {
    const { ipv4 } = bodyOf(request, z.object({ ipv4: z.string() }));
    if (parseAddress(ipv4)?.family !== 4) throw new ApiError(400, `invalid IPv4 address ${ipv4}`);
    updateDevice(context, request, (device) => {
      const addresses = [ipv4, ...device.addresses.filter((a) => a.includes(':'))];
      return [{ ...device, addresses }, nodeEvent(device, 'UPDATE', 'ADDRESS', [device.addresses, addresses])];
    });
    return sendDone(reply);
  });

  app.get('/device/:device/device-invites', INVITES, async (request) => deviceOf(context, request).deviceInvites);
}
