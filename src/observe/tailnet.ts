import { CordonError } from '../source/error.ts';
import type { SourceEntry } from '../state/evidence.ts';
import { tailnetAccess } from './tailnet-access.ts';
import type { ClientLimits, TailnetClient } from './tailnet-client.ts';
import { tailnetClient } from './tailnet-client.ts';
import type { TailnetIdentity } from './tailnet-identity.ts';
import { identityOf } from './tailnet-identity.ts';
import { joinReadings, readPolicyDetails, readPolicyText } from './tailnet-policy.ts';
import type { TailnetAnswers } from './tailnet-sources.ts';
import { readAnswers } from './tailnet-sources.ts';

/** The sources that this adapter answers for. */
export const TAILNET_SOURCES = [
  'tailnet/policy',
  'tailnet/settings',
  'tailnet/devices',
  'tailnet/keys',
  'tailnet/users',
  'tailnet/dns',
  'tailnet/services',
] as const;

export type TailnetSources = Readonly<Record<(typeof TAILNET_SOURCES)[number], SourceEntry>>;

export interface TailnetObservation {
  /** Every source, always; none is left out because it failed. */
  readonly sources: TailnetSources;
  readonly identity: TailnetIdentity;
  /** The answers came from cordon's own emulator, so they say nothing about a real tailnet. */
  readonly emulated: boolean;
}

export interface ObserveTailnetOptions {
  /** `tailnet.id` of the topology. */
  readonly tailnetId?: string;
  /** Whether the topology names devices (then an empty list is a failure). */
  readonly devicesDeclared: boolean;
  /** Clock for the times in the evidence. */
  readonly now: () => Date;
}

/** Observations of a tailnet whose policy keeps changing are given up after this many. */
const ATTEMPTS = 2;

function sourcesFrom(policy: SourceEntry, answers: TailnetAnswers): TailnetSources {
  return {
    'tailnet/policy': policy,
    'tailnet/settings': answers.settings,
    'tailnet/devices': answers.devices,
    'tailnet/keys': answers.keys,
    'tailnet/users': answers.users,
    'tailnet/dns': answers.dns,
    'tailnet/services': answers.services,
  };
}

/** The same entry for every source. */
function everySource(entry: (source: string) => SourceEntry): TailnetSources {
  const entries = TAILNET_SOURCES.map((name) => [name, entry(name)] as const);
  return Object.fromEntries(entries) as Record<(typeof TAILNET_SOURCES)[number], SourceEntry>;
}

/** Bodies of another tailnet must not be taken for this one's: they are dropped, and the reason stands in their place. */
function refuseAll(sources: TailnetSources, identity: TailnetIdentity): TailnetSources {
  const why = `answers come from tailnet ${identity.seen.join(', ')}, the topology declares ${identity.declared}`;
  return everySource((name) => {
    const at = sources[name as keyof TailnetSources].at;
    return { status: 'failed', ...(at === undefined ? {} : { at }), why };
  });
}

/**
 * Reads a tailnet through its API. The policy is read first and last; when its ETag moved in between, everything is read
 * once more, and when it moved again the policy is `failed`. Never throws: whatever goes wrong is in the entries.
 */
export async function observeTailnet(
  client: TailnetClient,
  options: ObserveTailnetOptions,
): Promise<TailnetObservation> {
  const { now } = options;
  for (let attempt = 1; ; attempt++) {
    const before = await readPolicyText(client, now);
    const answers = await readAnswers(client, { devicesDeclared: options.devicesDeclared, now });
    const after = await readPolicyDetails(client, now);
    const joined = joinReadings(before, after);
    if (joined === 'changed' && attempt < ATTEMPTS) continue;
    const policy: SourceEntry =
      joined === 'changed'
        ? { status: 'failed', at: now().toISOString(), why: 'the policy changed while the tailnet was read, twice' }
        : joined;
    const sources = sourcesFrom(policy, answers);
    const identity = identityOf(options.tailnetId, answers.users, answers.keys);
    const emulated = [before, after].some((r) => r.ok && r.headers.has('x-cordon-emulator'));
    return {
      identity,
      emulated,
      sources: identity.verdict === 'contradicted' ? refuseAll(sources, identity) : sources,
    };
  }
}

/**
 * Observes with the credential of the environment. A missing or contradictory one is an observation too: every source is
 * then `absent`, with the reason.
 * @param readFile reads a file as text; for `file:<path>` values
 */
export async function observeTailnetFrom(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
  options: ObserveTailnetOptions & { readonly limits?: ClientLimits },
): Promise<TailnetObservation> {
  let client: TailnetClient;
  try {
    client = tailnetClient(tailnetAccess(env, readFile, options.tailnetId), options.limits);
  } catch (error) {
    if (!(error instanceof CordonError)) throw error;
    const why = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
    const at = options.now().toISOString();
    return {
      sources: everySource(() => ({ status: 'absent', at, why })),
      identity: { declared: options.tailnetId, verdict: 'unchecked', seen: [] },
      emulated: false,
    };
  }
  return observeTailnet(client, options);
}
