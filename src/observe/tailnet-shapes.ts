import { z } from 'zod';

/*
 * What must be there for an answer to count as one. Everything beyond it stays in the evidence verbatim: the reader of a
 * snapshot may know more fields than we do. Lists may be null where they are empty.
 */

const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullable();

export const policyDetails = z.looseObject({
  acl: z.base64(),
  warnings: listOf(z.string()).optional(),
  errors: listOf(z.string()).optional(),
});

export const settingsReply = z.looseObject({});

/** A device without any id could not be told from another. */
export const devicesReply = z.looseObject({
  devices: listOf(z.looseObject({ nodeId: z.string().optional(), id: z.string().optional() }).refine(hasId, 'no id')),
});

function hasId(device: { nodeId?: string | undefined; id?: string | undefined }): boolean {
  return (device.nodeId ?? device.id ?? '') !== '';
}

export const keysReply = z.looseObject({ keys: listOf(z.looseObject({ id: z.string() })) });

export const usersReply = z.looseObject({
  users: listOf(z.looseObject({ id: z.string(), tailnetId: z.string().optional() })),
});

export const dnsReply = z.looseObject({ preferences: z.looseObject({}) });

export const servicesReply = z.looseObject({ vipServices: listOf(z.looseObject({ name: z.string() })) });

export const serviceHostsReply = z.looseObject({ hosts: listOf(z.looseObject({})) });

/** The settings that the API has; one that is null or missing is hidden from the credential, which is not "off". */
export const SETTING_NAMES: readonly string[] = [
  'aclsExternallyManagedOn',
  'aclsExternalLink',
  'devicesApprovalOn',
  'devicesAutoUpdatesOn',
  'devicesKeyDurationDays',
  'usersApprovalOn',
  'usersRoleAllowedToJoinExternalTailnets',
  'networkFlowLoggingOn',
  'regionalRoutingOn',
  'postureIdentityCollectionOn',
  'httpsEnabled',
];
