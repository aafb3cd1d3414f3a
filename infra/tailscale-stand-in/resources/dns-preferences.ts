import { randomUUID } from 'node:crypto';
import type { PropertyValue } from '../../grpc/property-value.ts';
import type { TailnetApi } from '../api.ts';
import { decode, dnsPreferencesReply } from '../api-reply.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { complain } from '../resource-kind.ts';

/** MagicDNS (terraform-provider-tailscale resource_dns_preferences.go). */
export const dnsPreferences: ResourceKind = {
  token: 'tailscale:index/dnsPreferences:DnsPreferences',
  idOnUpdate: 'kept',
  attributes: [{ name: 'magicDns', kind: 'boolean', description: 'Whether or not to enable magic DNS' }],

  async create(api, planned) {
    await setMagicDns(api, planned['magicDns']);
    return { ...planned, id: randomUUID() };
  },

  async read(api, id) {
    const preferences = await complain('Error fetching DNS preferences', 'Failed to fetch DNS preferences', async () =>
      decode(dnsPreferencesReply, await api.getJson(api.tailnetPath('dns/preferences'))),
    );
    return { id, magicDns: preferences.magicDNS ?? false };
  },

  async update(api, _prior, planned) {
    await setMagicDns(api, planned['magicDns']);
    return planned;
  },

  delete: (api) => setMagicDns(api, false),
};

async function setMagicDns(api: TailnetApi, magicDns: PropertyValue | undefined): Promise<void> {
  const texts = 'Failed to set DNS preferences';
  await complain(texts, texts, () =>
    api.send('POST', api.tailnetPath('dns/preferences'), { magicDNS: magicDns ?? false }),
  );
}
