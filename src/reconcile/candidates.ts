import { z } from 'zod';
import { compareListings } from '../nftables/equal.ts';
import { replaceOwnTables } from '../nftables/own-tables.ts';
import { type Diagnostic, formatSpan } from '../source/diagnostic.ts';
import type { Evidence, SourceEntry } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import type { Missing } from '../state/known.ts';
import type { State } from '../state/state.ts';
import { type Device, routesKey } from '../tailnet/device.ts';
import type { Host, Topology } from '../topology/model.ts';

/** One step that puts declared bytes back. */
export type Action =
  /** `replaces` is the ETag of the policy that was observed. */
  | { readonly kind: 'policy'; readonly text: string; readonly replaces: string }
  /** `replaces` is the host's whole listing as it was observed. */
  | { readonly kind: 'ruleset'; readonly host: Host; readonly text: string; readonly replaces: string }
  | { readonly kind: 'tags'; readonly host: Host; readonly device: string; readonly tags: readonly string[] }
  | { readonly kind: 'routes'; readonly host: Host; readonly device: string; readonly routes: readonly string[] };

/** Names a step: the same from one look at the world to the next. */
export function keyOf(action: Action): string {
  return action.kind === 'policy' ? action.kind : `${action.kind} ${action.host.name}`;
}

/** A step that could be taken. */
export interface Candidate {
  readonly action: Action;
  /** What it restores, in the operator's words. */
  readonly what: string;
  /** Evidence as it will be once the step is taken; what the step does not touch stays as it is. */
  readonly edit: (evidence: Evidence) => Evidence;
}

/** Something that cordon restores, and of which it is not known what is there now. */
export interface Unready {
  readonly what: string;
  readonly missing: readonly Missing[];
}

interface Candidates {
  /** In the order in which they are taken: what denies first. */
  readonly ready: readonly Candidate[];
  readonly unready: readonly Unready[];
}

/** Everything of the observed world that differs from the declared bytes and that cordon may write. */
export function candidates(topology: Topology, declared: Evidence, observed: Evidence): Candidates {
  const [wanted, live] = [interpret(declared), interpret(observed)];
  const hosts = [...topology.hosts.values()];
  const found = [
    ...hosts.map((host) => rulesetCandidate(host, declared, observed, live)),
    policyCandidate(wanted, live),
    ...deviceCandidates(hosts, wanted, live),
  ].filter((c) => c !== undefined);
  return {
    ready: found.filter((c) => 'action' in c),
    unready: found.filter((c) => 'missing' in c),
  };
}

/** The host's tables differ from the declared ones, and cordon may write there. */
function rulesetCandidate(
  host: Host,
  declared: Evidence,
  observed: Evidence,
  live: State,
): Candidate | Unready | undefined {
  if (host.access.kind === 'render-only') return undefined;
  const source = `host/${host.name}/nft.txt`;
  const what = `the ruleset of ${host.name}`;
  const ruleset = live.hosts.get(host.name)?.ruleset;
  if (ruleset === undefined) return { what, missing: [{ source, why: 'not in the evidence' }] };
  if (!ruleset.known) return { what, missing: ruleset.missing };
  const text = textBody(declared, source);
  const replaces = textBody(observed, source);
  if (text === undefined || replaces === undefined) return undefined;
  const compared = compareListings({ file: source, text }, { file: source, text: replaces });
  const after = replaceOwnTables(source, replaces, text);
  if (!compared.ok) return { what, missing: compared.diagnostics.map(toMissing) };
  if (!after.ok) return { what, missing: after.diagnostics.map(toMissing) };
  if (compared.value.length === 0) return undefined;
  return {
    action: { kind: 'ruleset', host, text, replaces },
    what,
    edit: (evidence) => withSource(evidence, source, { status: 'ok', body: after.value }),
  };
}

function policyCandidate(wanted: State, live: State): Candidate | Unready | undefined {
  const what = 'the tailnet policy';
  const [want, have] = [wanted.tailnet.policy, live.tailnet.policy];
  if (!have.known) return { what, missing: have.missing };
  if (!want.known || want.value.etag === have.value.etag) return undefined;
  const { text, etag } = want.value;
  return {
    action: { kind: 'policy', text, replaces: have.value.etag },
    what,
    edit: (evidence) => withSource(evidence, POLICY, { status: 'ok', body: { text, etag } }),
  };
}

const POLICY = 'tailnet/policy';
const DEVICES = 'tailnet/devices';

/** Tags and routes of declared devices that are not the declared ones. */
function deviceCandidates(hosts: readonly Host[], wanted: State, live: State): (Candidate | Unready)[] {
  const [want, have] = [wanted.tailnet.devices, live.tailnet.devices];
  if (!want.known || want.value.length === 0) return [];
  if (!have.known) return [{ what: 'tags and routes of the devices', missing: have.missing }];
  return hosts.flatMap((host) => {
    const declared = want.value.find((d) => d.id === host.device);
    const device = have.value.find((d) => d.id === host.device);
    return declared === undefined || device === undefined ? [] : oneDevice(host, declared, device);
  });
}

function oneDevice(host: Host, wanted: Device, live: Device): Candidate[] {
  const list: Candidate[] = [];
  const { tags } = wanted;
  if ([...tags].sort().join() !== [...live.tags].sort().join()) {
    list.push({
      action: { kind: 'tags', host, device: live.id, tags },
      what: `the tags of ${host.name}`,
      edit: (evidence) => withDevice(evidence, live.id, { tags }),
    });
  }
  if (routesKey(wanted.enabledRoutes) !== routesKey(live.enabledRoutes)) {
    const routes = routesKey(wanted.enabledRoutes)
      .split(' ')
      .filter((r) => r !== '');
    list.push({
      action: { kind: 'routes', host, device: live.id, routes },
      what: `the approved routes of ${host.name}`,
      edit: (evidence) => withDevice(evidence, live.id, { enabledRoutes: routes }),
    });
  }
  return list;
}

function withSource(evidence: Evidence, source: string, entry: SourceEntry): Evidence {
  return { sources: { ...evidence.sources, [source]: entry } };
}

/** The device list as far as it is edited here; every other field stays as the API sent it. */
const deviceList = z.looseObject({
  devices: z.array(z.looseObject({ nodeId: z.string().optional(), id: z.string().optional() })),
});

function withDevice(evidence: Evidence, id: string, change: object): Evidence {
  const body = deviceList.parse(evidence.sources[DEVICES]?.body);
  const devices = body.devices.map((d) => ((d.nodeId ?? d.id) === id ? { ...d, ...change } : d));
  return withSource(evidence, DEVICES, { status: 'ok', body: { ...body, devices } });
}

function textBody(evidence: Evidence, source: string): string | undefined {
  const entry = evidence.sources[source];
  return entry?.status === 'ok' && typeof entry.body === 'string' ? entry.body : undefined;
}

function toMissing(d: Diagnostic): Missing {
  return { source: formatSpan(d.span), why: d.message };
}
