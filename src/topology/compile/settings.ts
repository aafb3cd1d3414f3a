/**
 * The tailnet settings that cordon is in charge of, as the API names them; the others are the organisation's own. With
 * one of these off, somebody who is no operator can add what the policy does not expect:
 * - `aclsExternallyManagedOn`: the console does not offer to edit the policy (API writers remain);
 * - `devicesApprovalOn`: a new device carries no traffic until an operator approves it;
 * - `usersApprovalOn`: a new user of the domain is not on the tailnet until an operator approves them.
 */
export const DECLARED_SETTINGS: Readonly<Record<string, boolean>> = {
  aclsExternallyManagedOn: true,
  devicesApprovalOn: true,
  usersApprovalOn: true,
};
