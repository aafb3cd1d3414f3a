import * as pulumi from '@pulumi/pulumi';
import type { FirewallPlan } from '../plan.ts';
import { HostFirewall } from '../resources/host-firewall.ts';
import { COMPONENTS } from './component-types.ts';

/**
 * The firewall of every host that is reached from here. Taking a host out of the topology, or destroying the stack, only
 * forgets it: its ruleset stays, so that nothing opens by going away.
 */
export class HostFirewalls extends pulumi.ComponentResource {
  readonly firewalls: readonly HostFirewall[];

  constructor(name: string, plans: readonly FirewallPlan[], opts: pulumi.ComponentResourceOptions) {
    super(COMPONENTS.firewalls, name, {}, opts);
    this.firewalls = plans.map(
      ({ host, access, ruleset }) =>
        new HostFirewall(`firewall-${host}`, { host, access, ruleset }, { parent: this, retainOnDelete: true }),
    );
    this.registerOutputs({});
  }
}
