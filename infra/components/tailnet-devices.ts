import * as pulumi from '@pulumi/pulumi';
import * as tailscale from '@pulumi/tailscale';
import type { DevicePlan } from '../plan.ts';
import { COMPONENTS } from './component-types.ts';

/**
 * What cordon decides about each device: its tags, which routes it may serve (also when there are none, so that one
 * approved by hand does not stay), and that it is authorised. In this order, because a device must not be let in before
 * it has its identity.
 *
 * Tags stay when the stack is destroyed: without its tag the orchestrator would lose its identity to whoever owned the
 * device before. Routes are withdrawn.
 */
export class TailnetDevices extends pulumi.ComponentResource {
  constructor(name: string, devices: readonly DevicePlan[], opts: pulumi.ComponentResourceOptions) {
    super(COMPONENTS.devices, name, {}, opts);
    for (const { host, deviceId, tags: declared, routes: enabled, authorized } of devices) {
      const tags = new tailscale.DeviceTags(
        `tags-${host}`,
        { deviceId, tags: [...declared] },
        { parent: this, retainOnDelete: true },
      );
      const routes = new tailscale.DeviceSubnetRoutes(
        `routes-${host}`,
        { deviceId, routes: [...enabled] },
        { parent: this, dependsOn: tags },
      );
      new tailscale.DeviceAuthorization(
        `authorization-${host}`,
        { deviceId, authorized },
        { parent: this, dependsOn: [tags, routes] },
      );
    }
    this.registerOutputs({});
  }
}
