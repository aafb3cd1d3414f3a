import * as pulumi from '@pulumi/pulumi';
import { TYPES } from '../plugin/package.ts';
import type { PolicyGuardArgs } from './policy-guard.ts';

/** Fails unless the live policy is the declared one; it depends on the policy resource. */
export class PolicyInPlace extends pulumi.CustomResource {
  /** ETag of the policy that was seen in place: the declared one. */
  declare readonly liveEtag: pulumi.Output<string>;

  constructor(name: string, args: Omit<PolicyGuardArgs, 'reviewedEtag'>, opts: pulumi.CustomResourceOptions) {
    super(TYPES.policyInPlace, name, { ...args, liveEtag: undefined }, opts);
  }
}
