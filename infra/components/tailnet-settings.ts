import * as pulumi from '@pulumi/pulumi';
import * as tailscale from '@pulumi/tailscale';
import type { SettingsPlan } from '../plan.ts';
import { COMPONENTS } from './component-types.ts';

/** The settings that cordon is in charge of; all others stay as they are. */
export class TailnetSettings extends pulumi.ComponentResource {
  constructor(name: string, settings: SettingsPlan, opts: pulumi.ComponentResourceOptions) {
    super(COMPONENTS.settings, name, {}, opts);
    new tailscale.TailnetSettings('settings', { ...settings }, { parent: this });
    this.registerOutputs({});
  }
}
