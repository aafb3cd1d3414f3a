import { z } from 'zod';
import { deviceFrom, deviceInput } from './device-record.ts';
import { canonicalPolicy } from './policy-text.ts';
import type { EmulatorState, SettingsRecord, UserRecord } from './state.ts';
import { settingsRecord } from './state.ts';

/**
 * What a new tailnet starts with: everybody may reach everybody, and its own comment says so. The real default is a
 * longer file with the same meaning; its exact bytes are not published.
 */
export const ALLOW_ALL_DEFAULT = `// The policy of a tailnet that nobody has configured: every device may reach every other.
{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}
`;

/** Settings of a new tailnet. */
const DEFAULT_SETTINGS: SettingsRecord = {
  aclsExternallyManagedOn: false,
  aclsExternalLink: '',
  devicesApprovalOn: false,
  devicesAutoUpdatesOn: false,
  devicesKeyDurationDays: 180,
  usersApprovalOn: false,
  usersRoleAllowedToJoinExternalTailnets: 'none',
  networkFlowLoggingOn: false,
  regionalRoutingOn: false,
  postureIdentityCollectionOn: false,
  httpsEnabled: false,
};

const userInput = z.looseObject({ loginName: z.string(), id: z.string().optional() });

/** What a caller may put into a new emulator; each part is optional and fields left out get plausible values. */
export const emulatorSeed = z.strictObject({
  devices: z.array(deviceInput).optional(),
  users: z.array(userInput).optional(),
  settings: settingsRecord.partial().optional(),
  /** Contact type to email address. */
  contacts: z.record(z.string(), z.string()).optional(),
  /** The policy that somebody wrote already; without it the tailnet has its default. */
  policy: z.string().optional(),
  /** What a reset installs. */
  defaultPolicy: z.string().optional(),
});
export type EmulatorSeed = z.input<typeof emulatorSeed>;

function userFrom(input: z.infer<typeof userInput>, index: number, nowText: string): UserRecord {
  return {
    displayName: input.loginName.split('@')[0] ?? input.loginName,
    profilePicUrl: '',
    created: nowText,
    lastSeen: nowText,
    type: 'member',
    role: index === 0 ? 'owner' : 'member',
    status: 'active',
    ...input,
    id: input.id ?? `u${index + 1}`,
  };
}

/**
 * The state of a new emulator.
 * @param nowText RFC 3339, goes into every creation time
 */
export function initialState(tailnetId: string, seed: EmulatorSeed, nowText: string): EmulatorState {
  const parsed = emulatorSeed.parse(seed);
  const defaultPolicy = canonicalPolicy(parsed.defaultPolicy ?? ALLOW_ALL_DEFAULT);
  const users = (parsed.users ?? [{ loginName: 'owner@example.com' }]).map((u, i) => userFrom(u, i, nowText));
  let nextId = 1;
  const devices = (parsed.devices ?? []).map((d) => deviceFrom(d, nextId++, { users, nowText }));
  const contact = (kind: string) => ({
    email: parsed.contacts?.[kind] ?? users[0]?.loginName ?? 'owner@example.com',
    needsVerification: false,
  });
  return {
    schemaVersion: 1,
    emulator: 'cordon-tailnet',
    tailnetId,
    nextId,
    policy:
      parsed.policy === undefined
        ? { text: defaultPolicy, isDefault: true }
        : { text: canonicalPolicy(parsed.policy), isDefault: false },
    defaultPolicy,
    devices,
    users,
    settings: settingsRecord.parse({ ...DEFAULT_SETTINGS, ...parsed.settings }),
    contacts: { account: contact('account'), support: contact('support'), security: contact('security') },
    dns: {
      configuration: {
        nameservers: [],
        splitDNS: {},
        searchPaths: [],
        preferences: { magicDNS: false, overrideLocalDNS: false },
      },
      nameservers: [],
      magicDNS: false,
      searchPaths: [],
      splitDns: {},
    },
    keys: [],
    services: {},
    webhooks: [],
    posture: [],
    logstreams: {},
    log: [],
  };
}
