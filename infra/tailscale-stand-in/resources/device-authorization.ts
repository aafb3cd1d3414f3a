import type { TailnetApi } from '../api.ts';
import { deviceReply } from '../api-reply.ts';
import type { State } from '../attribute.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { complain } from '../resource-kind.ts';
import { deviceIdAttribute, deviceOf, fetchOfDevice } from './device.ts';

/** Approval of a device (terraform-provider-tailscale resource_device_authorization.go). */
export const deviceAuthorization: ResourceKind = {
  token: 'tailscale:index/deviceAuthorization:DeviceAuthorization',
  idOnUpdate: 'kept',
  attributes: [
    deviceIdAttribute('The device to set as authorized'),
    { name: 'authorized', kind: 'boolean', description: 'Whether or not the device is authorized' },
  ],
  create: (api, planned) => setAuthorized(api, planned),
  update: (api, _prior, planned) => setAuthorized(api, planned),

  async read(api, id) {
    const device = await fetchOfDevice(api, api.devicePath(id), deviceReply, {
      summary: 'Failed to fetch device authorization',
      // The doubled word is the plugin's.
      context: `Failed to fetch authorization for device with with ID ${id}`,
    });
    return device && { id, deviceId: id, authorized: device.authorized ?? false };
  },

  /** An approval is not taken back. */
  async delete() {},
};

async function setAuthorized(api: TailnetApi, planned: State): Promise<State> {
  const id = deviceOf(planned);
  await complain(
    'Failed to update device authorization',
    `Failed to update authorization for device with ID ${id}`,
    () => api.send('POST', api.devicePath(id, 'authorized'), { authorized: planned['authorized'] }),
  );
  return { ...planned, id };
}
