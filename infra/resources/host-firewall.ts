import * as pulumi from '@pulumi/pulumi';
import type { Access } from '../../src/topology/model.ts';
import { TYPES } from '../plugin/package.ts';

/** Inputs of a HostFirewall. */
export interface HostFirewallArgs {
  /** Name of the host, for people. */
  readonly host: pulumi.Input<string>;
  /** Where the ruleset goes. */
  readonly access: pulumi.Input<Access>;
  /** Cordon's own tables, in the shape of `nft -s list ruleset`. */
  readonly ruleset: pulumi.Input<string>;
  /** What a delete leaves: `close` (default) a table that lets nothing through, `keep` the rules, `remove` an open host. */
  readonly onDelete?: pulumi.Input<'close' | 'keep' | 'remove'>;
  /** Seconds after which the host takes back a ruleset that could not be confirmed (default 60). */
  readonly confirmWithin?: pulumi.Input<number>;
}

/** Cordon's nftables tables on one host, kept by our provider plugin. */
export class HostFirewall extends pulumi.CustomResource {
  declare readonly host: pulumi.Output<string>;
  declare readonly ruleset: pulumi.Output<string>;

  constructor(name: string, args: HostFirewallArgs, opts: pulumi.CustomResourceOptions) {
    super(TYPES.hostFirewall, name, { ...args }, opts);
  }
}
