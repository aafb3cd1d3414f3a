import { z } from 'zod';
import { notFound } from './api-error.ts';
import { findDevice } from './device-record.ts';
import type { EmulatorState } from './state.ts';

/** Body of `POST /_emulator/forget`: a kind of object, and for devices optionally which one. */
export const forgetRequest = z.strictObject({
  what: z.enum(['devices', 'keys', 'services', 'webhooks', 'posture', 'logstreams']),
  id: z.string().optional(),
});
export type ForgetRequest = z.infer<typeof forgetRequest>;

/**
 * Makes objects vanish as if they had never been, without the tombstone that a deletion leaves: what a client meets when
 * a node registered anew or support cleaned up.
 * @throws ApiError 404 when there is no such device
 */
export function forget(state: EmulatorState, { what, id }: ForgetRequest): EmulatorState {
  switch (what) {
    case 'devices': {
      if (id === undefined) return { ...state, devices: [] };
      const gone = findDevice(state.devices, id);
      if (gone === undefined) throw notFound(`device ${id}`);
      return { ...state, devices: state.devices.filter((d) => d !== gone) };
    }
    case 'keys':
      return { ...state, keys: state.keys.filter((k) => id !== undefined && k.id !== id) };
    case 'services':
      return {
        ...state,
        services: Object.fromEntries(Object.entries(state.services).filter(([n]) => id !== undefined && n !== id)),
      };
    case 'webhooks':
      return { ...state, webhooks: state.webhooks.filter((w) => id !== undefined && w.endpointId !== id) };
    case 'posture':
      return { ...state, posture: state.posture.filter((p) => id !== undefined && p.id !== id) };
    case 'logstreams':
      return {
        ...state,
        logstreams: Object.fromEntries(Object.entries(state.logstreams).filter(([t]) => id !== undefined && t !== id)),
      };
  }
}
