import type { TailnetApi } from '../api.ts';
import { deviceReply } from '../api-reply.ts';
import type { State } from '../attribute.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { complain } from '../resource-kind.ts';
import { deviceIdAttribute, deviceOf, fetchOfDevice } from './device.ts';

/** Key expiry of a device (terraform-provider-tailscale resource_device_key.go). */
export const deviceKey: ResourceKind = {
  token: 'tailscale:index/deviceKey:DeviceKey',
  idOnUpdate: 'unknown',
  attributes: [
    deviceIdAttribute('The device to update the key properties of'),
    {
      name: 'keyExpiryDisabled',
      kind: 'boolean',
      optional: true,
      otherwise: false,
      description: "Determines whether or not the device's key will expire. Defaults to `false`.",
    },
  ],
  create: (api, planned) => setExpiry(api, planned),
  update: (api, _prior, planned) => setExpiry(api, planned),

  async read(api, id) {
    const device = await fetchOfDevice(api, api.devicePath(id), deviceReply, {
      summary: 'Failed to fetch device key',
      context: `Failed to fetch key for device with ID ${id}`,
    });
    return device && { id, deviceId: id, keyExpiryDisabled: device.keyExpiryDisabled ?? false };
  },

  async delete(api, prior) {
    await setExpiry(api, { ...prior, keyExpiryDisabled: false });
  },
};

async function setExpiry(api: TailnetApi, planned: State): Promise<State> {
  const id = deviceOf(planned);
  await complain('Failed to update device key', `Failed to update key for device with ID ${id}`, () =>
    api.send('POST', api.devicePath(id, 'key'), { keyExpiryDisabled: planned['keyExpiryDisabled'] }),
  );
  return { ...planned, id };
}
