import type { ResourceKind } from './resource-kind.ts';
import { acl } from './resources/acl.ts';
import { deviceAuthorization } from './resources/device-authorization.ts';
import { deviceKey } from './resources/device-key.ts';
import { deviceSubnetRoutes } from './resources/device-subnet-routes.ts';
import { deviceTags } from './resources/device-tags.ts';
import { dnsPreferences } from './resources/dns-preferences.ts';
import { tailnetSettings } from './resources/tailnet-settings.ts';

/** What the stand-in has: the resources that our program uses. */
export const RESOURCE_KINDS: readonly ResourceKind[] = [
  acl,
  tailnetSettings,
  deviceTags,
  deviceSubnetRoutes,
  deviceAuthorization,
  deviceKey,
  dnsPreferences,
];

/** The plugin's resources that the stand-in does not have, and therefore refuses by name. */
export const OTHER_RESOURCES: readonly string[] = [
  'DnsNameservers',
  'DnsSearchPaths',
  'DnsSplitNameservers',
  'DnsConfiguration',
  'TailnetKey',
  'OauthClient',
  'FederatedIdentity',
  'Contacts',
  'Webhook',
  'Service',
  'LogstreamConfiguration',
  'PostureIntegration',
  'AwsExternalId',
].map((name) => `tailscale:index/${name[0]?.toLowerCase()}${name.slice(1)}:${name}`);
