import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DeviceRecord, UserRecord } from './state.ts';

const list = z.array(z.string()).nullish();

/** A device as a test writes it: only the host name is needed, everything else can be given and is kept. */
export const deviceInput = z.looseObject({
  hostname: z.string().min(1),
  id: z.string().optional(),
  nodeId: z.string().optional(),
  name: z.string().optional(),
  user: z.string().optional(),
  addresses: list,
  tags: list,
  advertisedRoutes: list,
  enabledRoutes: list,
  authorized: z.boolean().optional(),
  keyExpiryDisabled: z.boolean().optional(),
  isExternal: z.boolean().optional(),
  deviceInvites: z.array(z.unknown()).optional(),
});
export type DeviceInput = z.infer<typeof deviceInput>;

/** A key text that is the same for the same device every time, and plainly not a real key. */
function keyText(prefix: string, of: string): string {
  return `${prefix}:${createHash('sha256').update(`${prefix} ${of}`).digest('hex')}`;
}

/**
 * Completes what a caller gave into a device record.
 * @param number unique in this tailnet; makes the ids and addresses that were left out
 */
export function deviceFrom(
  input: DeviceInput,
  number: number,
  context: { users: readonly UserRecord[]; nowText: string },
): DeviceRecord {
  const nodeId = input.nodeId ?? `n${number}EMUCNTRL`;
  const high = Math.floor(number / 256) % 64;
  return {
    clientVersion: '1.90.0',
    updateAvailable: false,
    os: 'linux',
    created: context.nowText,
    connectedToControl: true,
    expires: '2038-01-01T00:00:00Z',
    machineKey: keyText('mkey', nodeId),
    nodeKey: keyText('nodekey', nodeId),
    blocksIncomingConnections: false,
    tailnetLockKey: '',
    tailnetLockError: '',
    isEphemeral: false,
    sshEnabled: false,
    ...input,
    id: input.id ?? String(1000 + number),
    nodeId,
    hostname: input.hostname,
    name: input.name ?? `${input.hostname}.emulated.ts.net`,
    user: input.user ?? context.users[0]?.loginName ?? '',
    addresses: input.addresses ?? [`100.${64 + high}.${number % 256}.1`, `fd7a:115c:a1e0::${number.toString(16)}`],
    tags: input.tags ?? [],
    advertisedRoutes: input.advertisedRoutes ?? [],
    enabledRoutes: input.enabledRoutes ?? [],
    authorized: input.authorized ?? true,
    keyExpiryDisabled: input.keyExpiryDisabled ?? (input.tags ?? []).length > 0,
    isExternal: input.isExternal ?? false,
    deviceInvites: input.deviceInvites ?? [],
    attributes: {},
  };
}

/** Fields that `fields=default` shows (the parameter's description in the OpenAPI document). */
const DEFAULT_FIELDS: readonly string[] = [
  'addresses',
  'id',
  'nodeId',
  'user',
  'name',
  'hostname',
  'clientVersion',
  'updateAvailable',
  'os',
  'created',
  'connectedToControl',
  'lastSeen',
  'keyExpiryDisabled',
  'expires',
  'authorized',
  'isExternal',
  'machineKey',
  'nodeKey',
  'blocksIncomingConnections',
  'tailnetLockKey',
  'tailnetLockError',
  'tags',
  'isEphemeral',
];

/**
 * The device as the API shows it. `tags` is left out when there are none and `lastSeen` while the device is connected, as
 * the service does.
 * @param fields `all` adds routes, connectivity, SSH, posture, and whatever else is stored
 */
export function showDevice(device: DeviceRecord, fields: 'all' | 'default'): Record<string, unknown> {
  const { deviceInvites: _invites, attributes: _attributes, ...rest } = device;
  const shown: Record<string, unknown> = { ...rest };
  if (device.tags.length === 0) delete shown['tags'];
  if (shown['connectedToControl'] === true) delete shown['lastSeen'];
  if (fields === 'all') {
    return { clientConnectivity: NO_CONNECTIVITY, postureIdentity: { disabled: true }, ...shown };
  }
  return Object.fromEntries(DEFAULT_FIELDS.filter((f) => f in shown).map((f) => [f, shown[f]]));
}

const NO_CONNECTIVITY = {
  endpoints: [],
  mappingVariesByDestIP: false,
  latency: {},
  clientSupports: { hairPinning: null, ipv6: null, pcp: null, pmp: null, udp: null, upnp: null },
};

/**
 * The server-side filter of `GET /tailnet/{t}/devices`: exact match on a top-level field; repeated parameters must all
 * hold, on a list field too. The provider's data sources take element 0 of the answer, so ignoring it would hand out the
 * wrong device.
 */
export function deviceMatches(device: DeviceRecord, query: readonly (readonly [string, string])[]): boolean {
  const shown = showDevice(device, 'all');
  return query.every(([field, wanted]) => {
    const value = shown[field];
    if (Array.isArray(value)) return value.includes(wanted);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return String(value) === wanted;
    }
    return false;
  });
}

/** Finds a device by its `nodeId`, or by its older numeric `id`; both are valid wherever a path names a device. */
export function findDevice(devices: readonly DeviceRecord[], id: string): DeviceRecord | undefined {
  return devices.find((d) => d.nodeId === id) ?? devices.find((d) => d.id === id);
}
