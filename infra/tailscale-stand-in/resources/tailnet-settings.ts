import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { PropertyValue } from '../../grpc/property-value.ts';
import { Unknown } from '../../grpc/property-value.ts';
import type { TailnetApi } from '../api.ts';
import { decode } from '../api-reply.ts';
import type { Attribute, State } from '../attribute.ts';
import { differs } from '../plan.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { complain } from '../resource-kind.ts';

/** Where the API's name differs from the property's. */
const API_NAMES: Readonly<Record<string, string>> = {
  usersRoleAllowedToJoinExternalTailnet: 'usersRoleAllowedToJoinExternalTailnets',
};

const ROLES = ['none', 'member', 'admin'];

const attributes: readonly Attribute[] = [
  computed('aclsExternallyManagedOn', 'boolean', 'Prevent users from editing policies in the admin console'),
  { ...computed('aclsExternalLink', 'string', 'Link to your external ACL definition'), validate: linkComplaint },
  computed('devicesApprovalOn', 'boolean', 'Whether device approval is enabled for the tailnet'),
  computed('devicesAutoUpdatesOn', 'boolean', 'Whether auto updates are enabled for devices'),
  { ...computed('devicesKeyDurationDays', 'integer', 'The key expiry duration'), validate: integerComplaint },
  computed('usersApprovalOn', 'boolean', 'Whether user approval is enabled for this tailnet'),
  {
    ...computed('usersRoleAllowedToJoinExternalTailnet', 'string', 'Which user roles may join external tailnets'),
    validate: roleComplaint,
  },
  computed('networkFlowLoggingOn', 'boolean', 'Whether network flow logs are enabled'),
  computed('regionalRoutingOn', 'boolean', 'Whether regional routing is enabled'),
  computed('postureIdentityCollectionOn', 'boolean', 'Whether identity collection is enabled for device posture'),
  computed('httpsEnabled', 'boolean', 'Whether provisioning of HTTPS certificates is enabled'),
];

const reply = z.looseObject({});

/** The tailnet's settings (terraform-provider-tailscale resource_tailnet_settings.go). */
export const tailnetSettings: ResourceKind = {
  token: 'tailscale:index/tailnetSettings:TailnetSettings',
  idOnUpdate: 'kept',
  attributes,

  async create(api, planned) {
    await patch(api, planned, (a) => isSet(planned[a.name]));
    return fetchState(api, randomUUID());
  },

  read: (api, id) => fetchState(api, id),

  async update(api, prior, planned) {
    await patch(api, planned, (a) => differs(a, prior, planned));
    return fetchState(api, String(prior['id']));
  },

  async delete() {},
};

/** The two settings about external management are always sent; null leaves them as they are. */
async function patch(api: TailnetApi, planned: State, included: (a: Attribute) => boolean): Promise<void> {
  const body: Record<string, PropertyValue> = { aclsExternallyManagedOn: null, aclsExternalLink: null };
  for (const attribute of attributes) {
    if (included(attribute)) body[API_NAMES[attribute.name] ?? attribute.name] = planned[attribute.name] ?? null;
  }
  await complain('Failed to update tailnet settings', 'Error updating tailnet settings', () =>
    api.send('PATCH', api.tailnetPath('settings'), body),
  );
}

/** Settings that the credential may not see are null in the reply, and the plugin takes them for false. */
async function fetchState(api: TailnetApi, id: string): Promise<State> {
  const settings = await complain('Failed to fetch tailnet settings', 'Error reading tailnet settings', async () =>
    decode(reply, await api.getJson(api.tailnetPath('settings'))),
  );
  const values = attributes.map(({ name, kind }): [string, PropertyValue] => {
    const value = settings[API_NAMES[name] ?? name];
    if (kind === 'boolean') return [name, value === true];
    if (kind === 'integer') return [name, typeof value === 'number' ? value : 0];
    return [name, typeof value === 'string' ? value : ''];
  });
  return { id, ...Object.fromEntries(values) };
}

function computed(name: string, kind: Attribute['kind'], description: string): Attribute {
  return { name, kind, description, optional: true, otherwise: 'computed' };
}

function isSet(value: PropertyValue | undefined): boolean {
  return value !== undefined && value !== null && !(value instanceof Unknown);
}

function linkComplaint(value: PropertyValue): string | undefined {
  const link = String(value);
  if (URL.canParse(link) && /^https?:$/.test(new URL(link).protocol)) return undefined;
  return (
    'Invalid Attribute Value Match. Attribute acls_external_link must be a valid URL with http or https scheme, ' +
    `got: ${link}`
  );
}

function roleComplaint(value: PropertyValue): string | undefined {
  if (ROLES.includes(String(value))) return undefined;
  const allowed = ROLES.map((role) => JSON.stringify(role)).join(' ');
  return (
    'Invalid Attribute Value Match. Attribute users_role_allowed_to_join_external_tailnet value must be one of: ' +
    `[${allowed}], got: ${JSON.stringify(value)}`
  );
}

function integerComplaint(value: PropertyValue): string | undefined {
  if (Number.isInteger(value)) return undefined;
  return (
    'Configuration Read Error. An unexpected error was encountered trying to convert an attribute value from the ' +
    'configuration. This is always an error in the provider. Please report the following to the provider developer:' +
    `\n\nError: Value %!s(*big.Float=${String(value)}) is not an integer.`
  );
}
