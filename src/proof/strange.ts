import { z } from 'zod';
import type { Evidence } from '../state/evidence.ts';
import type { State } from '../state/state.ts';
import type { Topology } from '../topology/model.ts';

/**
 * Sources that answered, but not for what the topology declares: the tailnet's, when the users or keys beside them name
 * another tailnet, and a host's ruleset that says it was made for another host.
 * @returns by source, why
 */
export function strangeSources(topology: Topology, evidence: Evidence, state: State): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const other = otherTailnet(topology.tailnet.id, evidence);
  if (other !== undefined) {
    const why = `the answers come from tailnet ${other}, the topology declares ${topology.tailnet.id}`;
    for (const source of ['tailnet/policy', 'tailnet/settings', 'tailnet/devices']) found.set(source, why);
  }
  for (const { name, ruleset } of state.hosts.values()) {
    if (!ruleset.known) continue;
    const own = ruleset.value.ruleset.tables.map((t) => /^cordon schema=\d+ host=(\S+)/.exec(t.comment ?? '')?.[1]);
    const wrong = own.find((host) => host !== undefined && host !== name);
    if (wrong !== undefined) found.set(`host/${name}/nft.txt`, `this ruleset was made for ${wrong}`);
  }
  return found;
}

const users = z.looseObject({
  users: z.array(z.looseObject({ tailnetId: z.string().optional(), type: z.string().optional() })),
});
const keys = z.looseObject({ keys: z.array(z.looseObject({ audience: z.string().optional() })) });

/**
 * A tailnet id that the answers give and that is not the declared one. Members carry it, except those shared in from
 * elsewhere; a federated identity carries it in its default audience, `api.tailscale.com/T…-k…`. Names of another kind
 * (`example.com`) say nothing.
 */
function otherTailnet(declared: string, { sources }: Evidence): string | undefined {
  const members = users.safeParse(sources['tailnet/users']?.body).data?.users ?? [];
  const identities = keys.safeParse(sources['tailnet/keys']?.body).data?.keys ?? [];
  const named = [
    ...members.flatMap((u) => (u.type === 'shared' || u.tailnetId === undefined ? [] : [u.tailnetId])),
    ...identities.flatMap((k) => /^api\.tailscale\.com\/(T[A-Za-z0-9]+)-k/.exec(k.audience ?? '')?.[1] ?? []),
  ].filter((name) => /^T[A-Za-z0-9]+CNTRL$/.test(name));
  return named.includes(declared) ? undefined : named[0];
}
