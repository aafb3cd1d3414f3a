import { randomUUID } from 'node:crypto';
import { CordonError } from '../../../src/source/error.ts';
import { formatHujson } from '../../../src/tailnet/hujson/format.ts';
import { faultText, scanHujson } from '../../../src/tailnet/hujson/scan.ts';
import type { TailnetApi } from '../api.ts';
import { ApiError } from '../api-error.ts';
import type { State } from '../attribute.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { Complaint, complain } from '../resource-kind.ts';

const OVERWRITE_PROTECTED =
  'You are trying to overwrite a non-default policy. Please import the ACL first or set overwrite_existing_content = true.';

/** The tailnet policy file (terraform-provider-tailscale resource_acl.go). */
export const acl: ResourceKind = {
  token: 'tailscale:index/acl:Acl',
  idOnUpdate: 'kept',
  attributes: [
    {
      name: 'acl',
      kind: 'string',
      description:
        'The policy that defines which devices and users are allowed to connect in your network. Can be either a JSON ' +
        'or a HuJSON string.',
      same: (a, b) => formatHujson(a) === formatHujson(b),
      validate: hujsonComplaint,
    },
    {
      name: 'overwriteExistingContent',
      kind: 'boolean',
      optional: true,
      description: 'If true, will skip requirement to import acl before allowing changes.',
    },
    {
      name: 'resetAclOnDestroy',
      kind: 'boolean',
      optional: true,
      description: 'If true, will reset the ACL for the Tailnet to the default when this resource is destroyed.',
    },
  ],

  async create(api, planned) {
    const guard = planned['overwriteExistingContent'] === true ? {} : { 'if-match': '"ts-default"' };
    try {
      await post(api, planned, guard);
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) {
        throw new Complaint('Overwrite Protected', OVERWRITE_PROTECTED, error);
      }
      if (error instanceof CordonError) throw new Complaint('Failed to set ACL', error.message, error);
      throw error;
    }
    return { ...planned, id: randomUUID() };
  },

  async read(api, id, prior) {
    const text = await complain('Failed to fetch ACL', undefined, () =>
      api.getText(api.tailnetPath('acl'), 'application/hujson'),
    );
    return {
      id,
      acl: text,
      overwriteExistingContent: prior?.['overwriteExistingContent'] ?? null,
      resetAclOnDestroy: prior?.['resetAclOnDestroy'] ?? null,
    };
  },

  async update(api, _prior, planned) {
    await complain('Failed to update ACL', undefined, () => post(api, planned, {}));
    return planned;
  },

  async delete(api, prior) {
    if (prior['resetAclOnDestroy'] !== true) return;
    await complain('Failed to reset ACL', undefined, () => api.sendPolicy(api.tailnetPath('acl'), '', {}));
  },
};

function post(api: TailnetApi, planned: State, headers: Readonly<Record<string, string>>): Promise<void> {
  return api.sendPolicy(api.tailnetPath('acl'), String(planned['acl'] ?? ''), headers);
}

function hujsonComplaint(value: unknown): string | undefined {
  const text = String(value);
  const scanned = scanHujson(text);
  if (scanned.ok) return undefined;
  return `Invalid Attribute Value. Attribute acl is invalid HuJSON, got: ${faultText(text, scanned.fault)}`;
}
