import { z } from 'zod';
import { compareListings } from '../nftables/equal.ts';
import { replaceOwnTables } from '../nftables/own-tables.ts';
import type { Change } from '../proof/changes/change.ts';
import { compare } from '../proof/changes/compare.ts';
import type { Evidence, SourceEntry } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import type { Missing } from '../state/known.ts';
import type { Host, Topology } from '../topology/model.ts';

/** One step that puts declared bytes back. */
export type Action =
  | { readonly kind: 'policy'; readonly text: string; readonly replaces: string }
  | { readonly kind: 'ruleset'; readonly host: Host; readonly text: string }
  | { readonly kind: 'tags'; readonly host: Host; readonly device: string; readonly tags: readonly string[] }
  | { readonly kind: 'routes'; readonly host: Host; readonly device: string; readonly routes: readonly string[] };

/** A step that waits for an operator, and why. */
export interface Held {
  readonly what: string;
  readonly why: string;
  readonly gains: readonly Change[];
  readonly missing: readonly Missing[];
}

export interface Decision {
  /** Deny first: rulesets before the policy, and nothing in it gives anybody anything. */
  readonly actions: readonly Action[];
  readonly held: readonly Held[];
}

/**
 * What may be restored without asking. Each step is judged by itself: the observed state with this one source set to its
 * declared bytes is compared with the observed state, and the step is taken only when nobody gains anything by it and
 * nothing about that is unknown.
 */
export function decide(topology: Topology, declared: Evidence, observed: Evidence): Decision {
  const actions: Action[] = [];
  const held: Held[] = [];
  for (const { action, what, edit } of candidates(topology, declared, observed)) {
    const after = { sources: { ...observed.sources, ...edit } };
    const comparison = compare(
      topology,
      { state: interpret(observed), file: 'live' },
      { state: interpret(after), file: 'declared' },
    );
    const gains = comparison.changes.filter((c) => c.kind === 'gain');
    const relevant = comparison.missing.filter((m) => bearsOn(m, Object.keys(edit)));
    if (gains.length > 0) held.push({ what, why: 'it would give somebody reach', gains, missing: [] });
    else if (relevant.length > 0)
      held.push({ what, why: 'what it would change cannot be told', gains: [], missing: relevant });
    else actions.push(action);
  }
  return { actions, held };
}

interface Candidate {
  readonly action: Action;
  readonly what: string;
  /** The sources as they will be. */
  readonly edit: Readonly<Record<string, SourceEntry>>;
}

function candidates(topology: Topology, declared: Evidence, observed: Evidence): Candidate[] {
  const hosts = [...topology.hosts.values()];
  return [
    ...hosts.flatMap((host) => rulesetCandidate(host, declared, observed)),
    ...policyCandidate(declared, observed),
    ...hosts.flatMap((host) => deviceCandidates(host, declared, observed)),
  ];
}

/** The host's table differs from the declared one, and cordon may write there. */
function rulesetCandidate(host: Host, declared: Evidence, observed: Evidence): Candidate[] {
  const source = `host/${host.name}/nft.txt`;
  const wanted = textBody(declared, source);
  const live = textBody(observed, source);
  if (wanted === undefined || live === undefined || host.access.kind === 'render-only') return [];
  const compared = compareListings({ file: source, text: wanted }, { file: source, text: live });
  if (compared.ok && compared.value.length === 0) return [];
  const after = replaceOwnTables(source, live, wanted);
  return [
    {
      action: { kind: 'ruleset', host, text: wanted },
      what: `the ruleset of ${host.name}`,
      edit: { [source]: { status: 'ok', body: after.ok ? after.value : live } },
    },
  ];
}

function policyCandidate(declared: Evidence, observed: Evidence): Candidate[] {
  const wanted = interpret(declared).tailnet.policy;
  const live = interpret(observed).tailnet.policy;
  if (!wanted.known || !live.known || wanted.value.etag === live.value.etag) return [];
  const { text, etag } = wanted.value;
  return [
    {
      action: { kind: 'policy', text, replaces: live.value.etag },
      what: 'the tailnet policy',
      edit: { 'tailnet/policy': { status: 'ok', body: { text, etag } } },
    },
  ];
}

/** Tags and routes of declared devices that are not the declared ones. */
function deviceCandidates(host: Host, declared: Evidence, observed: Evidence): Candidate[] {
  const source = 'tailnet/devices';
  const body = deviceList.safeParse(observed.sources[source]?.body);
  const wanted = deviceList
    .safeParse(declared.sources[source]?.body)
    .data?.devices.find((d) => d.nodeId === host.device);
  const live = body.data?.devices.find((d) => d.nodeId === host.device);
  if (host.device === undefined || !body.success || wanted === undefined || live === undefined) return [];
  const edited = (change: object) => ({
    [source]: {
      status: 'ok' as const,
      body: { ...body.data, devices: body.data.devices.map((d) => (d === live ? { ...d, ...change } : d)) },
    },
  });
  const list: Candidate[] = [];
  const tags = wanted.tags ?? [];
  if (!sameSet(tags, live.tags ?? [])) {
    const action = { kind: 'tags', host, device: host.device, tags } as const;
    list.push({ action, what: `the tags of ${host.name}`, edit: edited({ tags }) });
  }
  const routes = wanted.enabledRoutes ?? [];
  if (!sameSet(routes, live.enabledRoutes ?? [])) {
    const action = { kind: 'routes', host, device: host.device, routes } as const;
    list.push({ action, what: `the approved routes of ${host.name}`, edit: edited({ enabledRoutes: routes }) });
  }
  return list;
}

/** The device list as far as it is edited here; every other field stays as the API sent it. */
const deviceList = z.looseObject({
  devices: z.array(
    z.looseObject({
      nodeId: z.string(),
      tags: z.array(z.string()).nullish(),
      enabledRoutes: z.array(z.string()).nullish(),
    }),
  ),
});

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return [...a].sort().join('\n') === [...b].sort().join('\n');
}

function textBody(evidence: Evidence, source: string): string | undefined {
  const entry = evidence.sources[source];
  return entry?.status === 'ok' && typeof entry.body === 'string' ? entry.body : undefined;
}

/**
 * Whether something that could not be told bears on a step. A host's ruleset says nothing about another host or about
 * the policy; what is missing of the tailnet bears on every step that changes the tailnet.
 */
function bearsOn(missing: Missing, sources: readonly string[]): boolean {
  const hosts = sources.filter((s) => s.startsWith('host/'));
  if (missing.source.startsWith('host/')) return hosts.some((s) => missing.source.startsWith(s));
  return hosts.length < sources.length;
}
