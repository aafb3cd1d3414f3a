import { randomUUID } from 'node:crypto';
import type { TailnetApi } from '../api.ts';
import { routesReply } from '../api-reply.ts';
import type { State } from '../attribute.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { complain } from '../resource-kind.ts';
import { deviceIdAttribute, deviceOf, fetchOfDevice } from './device.ts';

/** The approved routes of a device (terraform-provider-tailscale resource_device_subnet_routes.go). */
export const deviceSubnetRoutes: ResourceKind = {
  token: 'tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes',
  idOnUpdate: 'kept',
  attributes: [
    deviceIdAttribute('The device to set subnet routes for'),
    {
      name: 'routes',
      kind: 'string-set',
      description: 'The subnet routes that are enabled to be routed by a device',
    },
  ],

  async create(api, planned) {
    await setRoutes(api, 'update', deviceOf(planned), planned['routes']);
    return { ...planned, id: randomUUID() };
  },

  /** The id is random, so an import names the device instead and gets a new one. */
  async read(api, id, prior) {
    const device = prior === undefined ? id : deviceOf(prior);
    const routes = await fetchOfDevice(api, api.devicePath(device, 'routes'), routesReply, {
      summary: 'Failed to fetch device subnet routes',
      context: `Failed to fetch subnet routes for device with ID ${device}`,
    });
    if (routes === undefined) return undefined;
    return { id: prior === undefined ? randomUUID() : id, deviceId: device, routes: routes.enabledRoutes ?? [] };
  },

  async update(api, _prior, planned) {
    await setRoutes(api, 'update', deviceOf(planned), planned['routes']);
    return planned;
  },

  delete: (api, prior) => setRoutes(api, 'delete', deviceOf(prior), []),
};

async function setRoutes(
  api: TailnetApi,
  what: 'update' | 'delete',
  device: string,
  routes: State[string] | undefined,
): Promise<void> {
  await complain(
    `Failed to ${what} device subnet routes`,
    `Failed to ${what} subnet routes for device with ID ${device}`,
    () => api.send('POST', api.devicePath(device, 'routes'), { routes }),
  );
}
