import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import { CONSOLE, consoleAuthor } from './console-author.ts';
import type { EmulatorContext } from './context.ts';
import { deviceFrom, deviceInput, findDevice, showDevice } from './device-record.ts';
import { faultRequest } from './faults.ts';
import { forget, forgetRequest } from './forget.ts';
import { bodyOf } from './http.ts';
import { storePolicy } from './policy.ts';
import { canonicalPolicy, quotedEtag } from './policy-text.ts';
import type { DeviceRecord, EmulatorState } from './state.ts';

const policyBody = z.strictObject({
  text: z.string(),
  /** Whether the tailnet then counts as untouched (`ts-default` matches). */
  isDefault: z.boolean().default(false),
  /** Login name for the audit log. */
  actor: z.string().optional(),
});

const devicesBody = z.strictObject({
  /** Devices to add, or to change where `nodeId` or `id` is known: the fields given replace the old ones. */
  devices: z.array(z.looseObject({ id: z.string().optional(), nodeId: z.string().optional() })).default([]),
  /** Ids of devices to take away. */
  remove: z.array(z.string()).default([]),
  /** The devices given are all there are. */
  replaceAll: z.boolean().default(false),
});

/** Adds or changes one device. @throws ApiError 400 when a new device lacks a host name or a field has the wrong type */
function upsert(state: EmulatorState, given: Record<string, unknown>, nowText: string): EmulatorState {
  const id = [given['nodeId'], given['id']].find((v): v is string => typeof v === 'string');
  const old = id === undefined ? undefined : findDevice(state.devices, id);
  const parsed = deviceInput.safeParse(old === undefined ? given : { ...old, ...given });
  if (!parsed.success) {
    throw new ApiError(
      400,
      `invalid device: ${parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ')}`,
    );
  }
  const made = deviceFrom(parsed.data, state.nextId, { users: state.users, nowText });
  const next: DeviceRecord = old === undefined ? made : { ...made, attributes: old.attributes };
  const devices = old === undefined ? [...state.devices, next] : state.devices.map((d) => (d === old ? next : d));
  return { ...state, nextId: state.nextId + 1, devices };
}

/** A browser page could send simple requests to a loopback port; it always says where it comes from. */
function refuseBrowsers(request: FastifyRequest): void {
  if (request.headers.origin !== undefined || request.headers['sec-fetch-site'] !== undefined) {
    throw new ApiError(403, 'the emulator does not answer web pages');
  }
}

/**
 * `/_emulator/…`: what a test or a demonstration does behind the API's back, as a person at the admin console or as bad
 * luck. No credential: there is nothing real behind it, and it listens on loopback only.
 */
export function consoleRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store, faults } = context;
  app.addHook('onRequest', async (request) => refuseBrowsers(request));

  app.get('/_emulator/health', async () => ({
    emulator: true,
    what: 'cordon tailnet emulator: no real tailnet is behind this address',
    tailnet: context.tailnetId,
    mode: context.mode,
  }));

  const policy = () => ({ ...store.state.policy, etag: quotedEtag(store.state.policy.text) });

  app.get('/_emulator/policy', async () => policy());

  app.post('/_emulator/policy', async (request) => {
    const body = bodyOf(request, policyBody);
    const author = body.actor === undefined ? CONSOLE : consoleAuthor(body.actor);
    storePolicy(context, author, canonicalPolicy(body.text), body.isDefault);
    return policy();
  });

  app.post('/_emulator/devices', async (request) => {
    const body = bodyOf(request, devicesBody);
    const nowText = context.now().toISOString();
    return store.apply(CONSOLE, (before) => {
      let state: EmulatorState = body.replaceAll ? { ...before, devices: [] } : before;
      for (const id of body.remove) {
        const gone = findDevice(state.devices, id);
        if (gone === undefined) throw notFound(`device ${id}`);
        state = { ...state, devices: state.devices.filter((d) => d !== gone) };
      }
      for (const given of body.devices) state = upsert(state, given, nowText);
      const audit = [
        ...before.devices
          .filter((d) => !state.devices.some((n) => n.nodeId === d.nodeId))
          .map((d) => ({ action: 'DELETE', target: { id: d.nodeId, type: 'NODE', name: d.name } })),
        ...state.devices
          .filter((d) => !before.devices.includes(d))
          .map((d) => ({
            action: before.devices.some((o) => o.nodeId === d.nodeId) ? 'UPDATE' : 'CREATE',
            target: { id: d.nodeId, type: 'NODE', name: d.name },
          })),
      ];
      return { state, audit, result: { devices: state.devices.map((d) => showDevice(d, 'all')) } };
    });
  });

  app.post('/_emulator/fault', async (request) => {
    const body = bodyOf(request, z.union([z.strictObject({ clear: z.literal(true) }), faultRequest]));
    if ('clear' in body) faults.clear();
    else faults.add(body);
    return { faults: faults.list() };
  });

  app.post('/_emulator/forget', async (request) => {
    const body = bodyOf(request, forgetRequest);
    store.apply(CONSOLE, (state) => ({ state: forget(state, body), audit: [], result: undefined }));
    return {};
  });
}
