import * as pulumi from '@pulumi/pulumi';
import * as tailscale from '@pulumi/tailscale';
import { PolicyGuard } from '../resources/policy-guard.ts';
import { PolicyInPlace } from '../resources/policy-in-place.ts';
import type { TailnetApi } from '../settings.ts';
import { COMPONENTS } from './component-types.ts';

/** The policy, and where it goes. */
export interface TailnetPolicyArgs {
  /** Canonical HuJSON: any other layout shows every change as a change of the whole file. */
  readonly text: string;
  readonly api: TailnetApi;
  readonly reviewedEtag: string | undefined;
}

/**
 * The one policy file of the tailnet, the guard in front of it, and the check behind it.
 *
 * The policy is always taken over (`import`), never created: creating fails on every tailnet that has a policy of its
 * own, also after a `destroy`, and the only way round it would be the switch that overwrites blindly. Taking over reads
 * the live text and overwrites where it differs, so it is the guard that decides, here as in every later update.
 */
export class TailnetPolicy extends pulumi.ComponentResource {
  /** What stands behind the policy: to depend on it is to depend on the policy being live. */
  readonly inPlace: PolicyInPlace;

  constructor(name: string, args: TailnetPolicyArgs, opts: pulumi.ComponentResourceOptions) {
    super(COMPONENTS.policy, name, {}, opts);
    const declared = { ...args.api, policy: args.text };
    const reviewed = args.reviewedEtag === undefined ? {} : { reviewedEtag: args.reviewedEtag };
    const guard = new PolicyGuard('policy-guard', { ...declared, ...reviewed }, { parent: this });
    const acl = new tailscale.Acl(
      'policy',
      { acl: args.text },
      { parent: this, dependsOn: guard, import: POLICY_ID, retainOnDelete: true },
    );
    this.inPlace = new PolicyInPlace('policy-in-place', declared, { parent: this, dependsOn: acl });
    this.registerOutputs({});
  }
}

/** The provider takes any text for the id of the only policy there is. */
const POLICY_ID = 'acl';
