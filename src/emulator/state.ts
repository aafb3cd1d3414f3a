import { z } from 'zod';

/**
 * A device as the API shows it, every field kept as it was given; `deviceInvites` and `attributes` have routes of their
 * own and are not part of the shown object.
 */
const deviceRecord = z.looseObject({
  id: z.string(),
  nodeId: z.string(),
  hostname: z.string(),
  name: z.string(),
  user: z.string(),
  addresses: z.array(z.string()),
  tags: z.array(z.string()),
  advertisedRoutes: z.array(z.string()),
  enabledRoutes: z.array(z.string()),
  authorized: z.boolean(),
  keyExpiryDisabled: z.boolean(),
  isExternal: z.boolean(),
  deviceInvites: z.array(z.unknown()),
  attributes: z.record(
    z.string(),
    z.object({ value: z.union([z.string(), z.number(), z.boolean()]), expiry: z.string().optional() }),
  ),
});
export type DeviceRecord = z.infer<typeof deviceRecord>;

const userRecord = z.looseObject({
  id: z.string(),
  loginName: z.string(),
  displayName: z.string(),
  type: z.string(),
  role: z.string(),
  status: z.string(),
});
export type UserRecord = z.infer<typeof userRecord>;

/** Fields of `GET /tailnet/{t}/settings`. */
export const settingsRecord = z.strictObject({
  aclsExternallyManagedOn: z.boolean(),
  aclsExternalLink: z.string(),
  devicesApprovalOn: z.boolean(),
  devicesAutoUpdatesOn: z.boolean(),
  devicesKeyDurationDays: z.int().min(1).max(180),
  usersApprovalOn: z.boolean(),
  usersRoleAllowedToJoinExternalTailnets: z.enum(['none', 'admin', 'member']),
  networkFlowLoggingOn: z.boolean(),
  regionalRoutingOn: z.boolean(),
  postureIdentityCollectionOn: z.boolean(),
  httpsEnabled: z.boolean(),
});
export type SettingsRecord = z.infer<typeof settingsRecord>;

const resolver = z.looseObject({ address: z.string() });
const dnsConfiguration = z.looseObject({
  nameservers: z.array(resolver),
  splitDNS: z.record(z.string(), z.array(resolver)),
  searchPaths: z.array(z.string()),
  preferences: z.looseObject({ magicDNS: z.boolean(), overrideLocalDNS: z.boolean() }),
});
export type DnsConfiguration = z.infer<typeof dnsConfiguration>;

/** The older single-purpose DNS resources beside the newer `dns/configuration`. */
const dnsRecord = z.object({
  configuration: dnsConfiguration,
  nameservers: z.array(z.string()),
  magicDNS: z.boolean(),
  searchPaths: z.array(z.string()),
  splitDns: z.record(z.string(), z.array(z.string())),
});
export type DnsRecord = z.infer<typeof dnsRecord>;

/** A key without its secret: what was shown once at creation is kept only as a SHA-256. */
const keyRecord = z.looseObject({
  id: z.string(),
  keyType: z.enum(['auth', 'client', 'api', 'federated']),
  description: z.string(),
  created: z.string(),
  updated: z.string(),
  userId: z.string(),
  expires: z.string().optional(),
  revoked: z.string().optional(),
  secretHash: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
});
export type KeyRecord = z.infer<typeof keyRecord>;

const serviceRecord = z.looseObject({
  name: z.string(),
  addrs: z.array(z.string()),
  ports: z.array(z.string()),
});

const serviceHost = z.object({
  stableNodeID: z.string(),
  approvalLevel: z.enum(['not-approved', 'approved:auto', 'approved:manual']),
  configured: z.string(),
});

const webhookRecord = z.looseObject({ endpointId: z.string(), subscriptions: z.array(z.string()) });
export type WebhookRecord = z.infer<typeof webhookRecord>;
const postureRecord = z.looseObject({ id: z.string(), provider: z.string() });
export type PostureRecord = z.infer<typeof postureRecord>;

const auditEntry = z.looseObject({
  eventTime: z.string(),
  type: z.literal('CONFIG'),
  eventGroupID: z.string(),
  origin: z.string(),
  actor: z.looseObject({ id: z.string(), type: z.string() }),
  target: z.looseObject({ id: z.string(), type: z.string() }),
  action: z.string(),
});
export type AuditEntry = z.infer<typeof auditEntry>;

/** Everything the emulator remembers. Values are never mutated; a change makes a new one. Holds no secret in clear. */
export const emulatorState = z.object({
  schemaVersion: z.literal(1),
  emulator: z.literal('cordon-tailnet'),
  tailnetId: z.string(),
  /** Number of the next object; never goes back, so that a forgotten id is not given out again. */
  nextId: z.int().min(1),
  /** `isDefault` is what the ETag `ts-default` stands for: nobody has written a policy yet. */
  policy: z.object({ text: z.string(), isDefault: z.boolean() }),
  defaultPolicy: z.string(),
  devices: z.array(deviceRecord),
  users: z.array(userRecord),
  settings: settingsRecord,
  contacts: z.record(z.string(), z.object({ email: z.string(), needsVerification: z.boolean() })),
  dns: dnsRecord,
  keys: z.array(keyRecord),
  services: z.record(z.string(), z.object({ service: serviceRecord, hosts: z.array(serviceHost) })),
  webhooks: z.array(webhookRecord),
  posture: z.array(postureRecord),
  logstreams: z.record(z.string(), z.record(z.string(), z.unknown())),
  reusableExternalId: z.string().optional(),
  log: z.array(auditEntry),
});
export type EmulatorState = z.infer<typeof emulatorState>;
