import * as pulumi from '@pulumi/pulumi';
import { TYPES } from '../plugin/package.ts';

/** Inputs of a PolicyGuard. */
export interface PolicyGuardArgs {
  /** The API's address, without `/api/v2`. */
  readonly baseUrl: pulumi.Input<string>;
  readonly tailnet: pulumi.Input<string>;
  /** The policy that is about to be written. */
  readonly policy: pulumi.Input<string>;
  /** ETag of a live policy that somebody agreed to overwrite. */
  readonly reviewedEtag?: pulumi.Input<string>;
}

/** Fails unless the live policy is one that cordon knows; the policy resource depends on it. */
export class PolicyGuard extends pulumi.CustomResource {
  constructor(name: string, args: PolicyGuardArgs, opts: pulumi.CustomResourceOptions) {
    super(TYPES.policyGuard, name, { ...args }, opts);
  }
}
