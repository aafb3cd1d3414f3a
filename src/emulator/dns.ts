import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { authorOf } from './auth.ts';
import type { EmulatorContext } from './context.ts';
import { bodyOf } from './http.ts';
import type { DnsConfiguration, DnsRecord } from './state.ts';

const CONFIG = { config: { scopes: ['dns'] } };

const resolver = z.looseObject({ address: z.string() });
const configurationBody = z.object({
  nameservers: z.array(resolver).nullish(),
  splitDNS: z.record(z.string(), z.array(resolver).nullable()).nullish(),
  searchPaths: z.array(z.string()).nullish(),
  preferences: z.looseObject({ magicDNS: z.boolean().optional(), overrideLocalDNS: z.boolean().optional() }).nullish(),
});
const splitBody = z.record(z.string(), z.array(z.string()).nullable());

/** Drops domains without resolvers: null and `[]` both clear a domain. */
function withResolvers<T>(map: Readonly<Record<string, readonly T[] | null>>): Record<string, T[]> {
  return Object.fromEntries(
    Object.entries(map).flatMap(([domain, list]) => (list === null || list.length === 0 ? [] : [[domain, [...list]]])),
  );
}

function configurationFrom(body: z.infer<typeof configurationBody>): DnsConfiguration {
  return {
    // The provider looks servers up in the answer by binary search.
    nameservers: [...(body.nameservers ?? [])].sort((a, b) => (a.address < b.address ? -1 : 1)),
    splitDNS: withResolvers(body.splitDNS ?? {}),
    searchPaths: body.searchPaths ?? [],
    preferences: {
      ...body.preferences,
      magicDNS: body.preferences?.magicDNS ?? false,
      overrideLocalDNS: body.preferences?.overrideLocalDNS ?? false,
    },
  };
}

/** The single-purpose resources read what the newer configuration says. */
function mirroredFromConfiguration(c: DnsConfiguration): DnsRecord {
  return {
    configuration: c,
    nameservers: c.nameservers.map((n) => n.address),
    magicDNS: c.preferences.magicDNS,
    searchPaths: c.searchPaths,
    splitDns: Object.fromEntries(Object.entries(c.splitDNS).map(([d, list]) => [d, list.map((r) => r.address)])),
  };
}

/** The newer configuration follows a write to a single-purpose resource. */
function mirroredIntoConfiguration(dns: DnsRecord): DnsRecord {
  const { configuration: c } = dns;
  return {
    ...dns,
    configuration: {
      ...c,
      nameservers: dns.nameservers.map((address) => c.nameservers.find((n) => n.address === address) ?? { address }),
      splitDNS: Object.fromEntries(
        Object.entries(dns.splitDns).map(([d, list]) => [d, list.map((address) => ({ address }))]),
      ),
      searchPaths: dns.searchPaths,
      preferences: { ...c.preferences, magicDNS: dns.magicDNS },
    },
  };
}

/**
 * Routes under `/tailnet/{t}/dns`. In strict mode there is one configuration with two views, as on the service. In lenient
 * mode the views are apart, as they were in the recorded provider traffic, which writes both in one run.
 */
export function dnsRoutes(app: FastifyInstance, context: EmulatorContext): void {
  const { store } = context;
  const joined = context.mode === 'strict';

  function write(request: FastifyRequest, change: (dns: DnsRecord) => DnsRecord): DnsRecord {
    return store.apply(authorOf(request, context), (state) => {
      const changed = change(state.dns);
      const dns =
        joined && changed.configuration === state.dns.configuration ? mirroredIntoConfiguration(changed) : changed;
      return {
        state: { ...state, dns },
        audit: [
          {
            action: 'UPDATE',
            target: { id: context.tailnetId, type: 'TAILNET', property: 'DNS_CONFIG' },
            old: state.dns,
            new: dns,
          },
        ],
        result: dns,
      };
    });
  }

  const base = '/tailnet/:tailnet/dns';

  app.get(`${base}/configuration`, CONFIG, async () => store.state.dns.configuration);
  app.post(`${base}/configuration`, CONFIG, async (request) => {
    const configuration = configurationFrom(bodyOf(request, configurationBody));
    return write(request, (dns) => (joined ? mirroredFromConfiguration(configuration) : { ...dns, configuration }))
      .configuration;
  });

  app.get(`${base}/nameservers`, CONFIG, async () => ({ dns: store.state.dns.nameservers }));
  app.post(`${base}/nameservers`, CONFIG, async (request) => {
    const nameservers = bodyOf(request, z.object({ dns: z.array(z.string()) })).dns.toSorted();
    // Taking the last name server away turns MagicDNS off (OpenAPI: setDnsNameservers).
    const after = write(request, (dns) => ({ ...dns, nameservers, magicDNS: dns.magicDNS && nameservers.length > 0 }));
    return { dns: after.nameservers, magicDNS: after.magicDNS };
  });

  app.get(`${base}/preferences`, CONFIG, async () => ({ magicDNS: store.state.dns.magicDNS }));
  app.post(`${base}/preferences`, CONFIG, async (request) => {
    const { magicDNS } = bodyOf(request, z.object({ magicDNS: z.boolean() }));
    return { magicDNS: write(request, (dns) => ({ ...dns, magicDNS })).magicDNS };
  });

  app.get(`${base}/searchpaths`, CONFIG, async () => ({ searchPaths: store.state.dns.searchPaths }));
  app.post(`${base}/searchpaths`, CONFIG, async (request) => {
    const { searchPaths } = bodyOf(request, z.object({ searchPaths: z.array(z.string()) }));
    return { searchPaths: write(request, (dns) => ({ ...dns, searchPaths })).searchPaths };
  });

  app.get(`${base}/split-dns`, CONFIG, async () => store.state.dns.splitDns);
  app.patch(`${base}/split-dns`, CONFIG, async (request) => {
    const body = bodyOf(request, splitBody);
    return write(request, (dns) => ({ ...dns, splitDns: withResolvers({ ...dns.splitDns, ...body }) })).splitDns;
  });
  app.put(`${base}/split-dns`, CONFIG, async (request) => {
    const body = bodyOf(request, splitBody);
    return write(request, (dns) => ({ ...dns, splitDns: withResolvers(body) })).splitDns;
  });
}
