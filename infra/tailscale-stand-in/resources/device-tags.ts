import type { TailnetApi } from '../api.ts';
import { deviceReply } from '../api-reply.ts';
import type { State } from '../attribute.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { complain } from '../resource-kind.ts';
import { deviceIdAttribute, deviceOf, fetchOfDevice } from './device.ts';

/** The tags of a device (terraform-provider-tailscale resource_device_tags.go). */
export const deviceTags: ResourceKind = {
  token: 'tailscale:index/deviceTags:DeviceTags',
  idOnUpdate: 'unknown',
  attributes: [
    deviceIdAttribute('The device to set tags for'),
    { name: 'tags', kind: 'string-set', description: 'The tags to apply to the device' },
  ],
  create: (api, planned) => setTags(api, planned),
  update: (api, _prior, planned) => setTags(api, planned),

  async read(api, id) {
    const device = await fetchOfDevice(api, api.devicePath(id), deviceReply, {
      summary: 'Failed to fetch device tags',
      context: `Failed to fetch device with ID ${id}`,
    });
    return device && { id, deviceId: id, tags: device.tags ?? [] };
  },

  async delete(api, prior) {
    const id = deviceOf(prior);
    await complain('Failed to delete device tags', `Failed to delete tags for device with ID ${id}`, () =>
      api.send('POST', api.devicePath(id, 'tags'), { tags: [] }),
    );
  },
};

async function setTags(api: TailnetApi, planned: State): Promise<State> {
  const id = deviceOf(planned);
  await complain('Failed to update device tags', `Failed to update tags for device with ID ${id}`, () =>
    api.send('POST', api.devicePath(id, 'tags'), { tags: planned['tags'] }),
  );
  return { ...planned, id };
}
