import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ApiError, notFound } from './api-error.ts';
import { authorOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { findDevice } from './device-record.ts';
import { deviceOf, nodeEvent, updateDevice } from './devices.ts';
import { bodyOf, pathParam, sendDone } from './http.ts';
import type { DeviceRecord, EmulatorState } from './state.ts';

const POSTURE = { config: { scopes: ['devices:posture_attributes'] } };

const attribute = z.object({
  value: z.union([z.string(), z.number(), z.boolean()]),
  expiry: z.string().optional(),
  comment: z.string().max(200).optional(),
});
const batch = z.object({
  nodes: z.record(z.string(), z.record(z.string(), attribute.nullable())),
  comment: z.string().max(200).optional(),
});
type Attributes = DeviceRecord['attributes'];

/** `custom:` and 1 to 128 characters of letters, digits, `_`, `:` in all (OpenAPI: attributeKey). */
function checkKey(key: string): void {
  if (key.length > 128 || !/^custom:[A-Za-z0-9_:]+$/.test(key)) throw new ApiError(400, `invalid attribute key ${key}`);
}

/** A key has one spelling and one type of value in the whole tailnet, fixed by its first value. */
function checkValue(state: EmulatorState, key: string, value: string | number | boolean): void {
  for (const device of state.devices) {
    for (const [known, { value: other }] of Object.entries(device.attributes)) {
      if (known.toLowerCase() !== key.toLowerCase()) continue;
      if (known !== key) throw new ApiError(400, `attribute key ${key} conflicts with ${known}`);
      if (typeof other !== typeof value) throw new ApiError(400, `attribute ${key} has values of type ${typeof other}`);
    }
  }
}

function show(attributes: Attributes): Record<string, unknown> {
  const entries = Object.entries(attributes);
  return {
    attributes: Object.fromEntries(entries.map(([k, a]) => [k, a.value])),
    expiries: Object.fromEntries(entries.flatMap(([k, a]) => (a.expiry === undefined ? [] : [[k, a.expiry]]))),
  };
}

function stored(given: z.infer<typeof attribute>): Attributes[string] {
  return given.expiry === undefined ? { value: given.value } : { value: given.value, expiry: given.expiry };
}

function withoutKey(attributes: Attributes, key: string): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([k]) => k !== key));
}

/** Custom posture attributes of devices. */
export function attributeRoutes(app: FastifyInstance, context: EmulatorContext): void {
  app.get('/device/:device/attributes', POSTURE, async (request) => show(deviceOf(context, request).attributes));

  app.post('/device/:device/attributes/:key', POSTURE, async (request) => {
    const key = pathParam(request, 'key');
    checkKey(key);
    const given = bodyOf(request, attribute);
    checkValue(context.store.state, key, given.value);
    const device = updateDevice(context, request, (d) => [
      { ...d, attributes: { ...d.attributes, [key]: stored(given) } },
      nodeEvent(d, 'UPDATE', 'ATTRIBUTES', [d.attributes[key]?.value, given.value]),
    ]);
    return show(device.attributes);
  });

  app.delete('/device/:device/attributes/:key', POSTURE, async (request, reply) => {
    const key = pathParam(request, 'key');
    updateDevice(context, request, (d) => [
      { ...d, attributes: withoutKey(d.attributes, key) },
      nodeEvent(d, 'DELETE', 'ATTRIBUTES', [d.attributes[key]?.value, undefined]),
    ]);
    return sendDone(reply);
  });

  app.patch('/tailnet/:tailnet/device-attributes', POSTURE, async (request, reply) => {
    const { nodes } = bodyOf(request, batch);
    context.store.apply(authorOf(request, context), (before) => {
      let state = before;
      for (const [id, changes] of Object.entries(nodes)) {
        for (const [key, given] of Object.entries(changes)) {
          const device = findDevice(state.devices, id);
          if (device === undefined) throw notFound(`device ${id}`);
          checkKey(key);
          if (given !== null) checkValue(state, key, given.value);
          const attributes =
            given === null ? withoutKey(device.attributes, key) : { ...device.attributes, [key]: stored(given) };
          const next = { ...device, attributes };
          state = { ...state, devices: state.devices.map((d) => (d === device ? next : d)) };
        }
      }
      const changed = state.devices.filter((d, i) => d !== before.devices[i]);
      return { state, audit: changed.map((d) => nodeEvent(d, 'UPDATE', 'ATTRIBUTES')), result: undefined };
    });
    return sendDone(reply);
  });
}
