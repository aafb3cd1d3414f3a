import pLimit from 'p-limit';
import type { RunFinished, RunOutcome } from '../access/outcome.ts';
import { failureOf, succeeded } from '../access/outcome.ts';
import { run } from '../access/run.ts';
import { nftFailure } from '../apply/host-firewall-read.ts';
import type { SourceEntry } from '../state/evidence.ts';
import type { Access } from '../topology/model.ts';
import type { HostSource } from './host-sources.ts';
import { HOST_SOURCES } from './host-sources.ts';

/** A host to look at: all that observing needs to know of the topology. */
export interface ObservedHost {
  readonly name: string;
  readonly access: Access;
}

/** Bounds, and the clock. */
export interface ObserveHostsOptions {
  /** Limit of every single command. */
  readonly timeoutMs?: number;
  /** How many commands run at the same time, over all hosts. */
  readonly concurrency?: number;
  /** Moment of asking, RFC 3339. */
  readonly now?: () => string;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_CONCURRENCY = 8;

/**
 * Reads the sources `host/NAME/…` of every host. Always answers with one entry for each source of each host: what could
 * not be read says why, and is never left out.
 */
export async function observeHosts(
  hosts: readonly ObservedHost[],
  options: ObserveHostsOptions = {},
): Promise<Readonly<Record<string, SourceEntry>>> {
  const limit = pLimit(options.concurrency ?? DEFAULT_CONCURRENCY);
  const settings = {
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    now: options.now ?? (() => new Date().toISOString()),
    run: (access: Access, argv: readonly string[]) =>
      limit(() => run(access, argv, { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS })),
  };
  const entries = await Promise.all(hosts.map((host) => observeHost(host, settings)));
  return Object.fromEntries(entries.flat());
}

interface Settings {
  readonly timeoutMs: number;
  readonly now: () => string;
  readonly run: (access: Access, argv: readonly string[]) => Promise<RunOutcome>;
}

async function observeHost(host: ObservedHost, settings: Settings): Promise<(readonly [string, SourceEntry])[]> {
  const entries = await Promise.all(
    HOST_SOURCES.map(async (source) => [sourceName(host, source), await observe(host, source, settings)] as const),
  );
  return confirmRuleset(host, new Map(entries), settings);
}

async function observe(host: ObservedHost, source: HostSource, settings: Settings): Promise<SourceEntry> {
  const at = settings.now();
  const outputs: string[] = [];
  for (const argv of source.commands) {
    const outcome = await settings.run(host.access, argv);
    if (outcome.kind === 'unreachable') {
      // Declared so: there is nothing to ask. Everything else should have answered.
      return { status: outcome.reason === 'render-only' ? 'absent' : 'failed', at, why: outcome.why };
    }
    if (!succeeded(outcome)) return { at, ...(await failureEntry(host, source, argv, outcome, settings)) };
    outputs.push(outcome.stdout);
  }
  const read = source.read(outputs);
  return read.ok ? { status: 'ok', at, body: read.body } : { status: 'failed', at, why: read.why };
}

async function failureEntry(
  host: ObservedHost,
  source: HostSource,
  argv: readonly string[],
  outcome: RunFinished,
  settings: Settings,
): Promise<SourceEntry> {
  const command = argv.join(' ');
  if (outcome.timedOut) return { status: 'late', why: failureOf(command, outcome, settings.timeoutMs) };
  if (outcome.truncated) return { status: 'partial', why: failureOf(command, outcome, settings.timeoutMs) };
  if (source.needsAdmin) {
    const failure = await nftFailure(host.access, command, outcome, settings.timeoutMs);
    return { status: failure.kind === 'denied' ? 'denied' : 'failed', why: failure.why };
  }
  return { status: 'failed', why: failureOf(command, outcome, settings.timeoutMs) };
}

/**
 * Asks for the ruleset a second time, after everything else: two answers that differ mean that none of them, nor what
 * was read between them, describes one moment.
 */
async function confirmRuleset(
  host: ObservedHost,
  entries: ReadonlyMap<string, SourceEntry>,
  settings: Settings,
): Promise<(readonly [string, SourceEntry])[]> {
  const source = HOST_SOURCES.find((s) => s.name === 'nft.txt');
  const first = source && entries.get(sourceName(host, source));
  if (source === undefined || first?.status !== 'ok') return [...entries];
  const second = await observe(host, source, settings);
  if (second.status === 'ok' && second.body === first.body) return [...entries];
  const why =
    second.status === 'ok'
      ? 'the ruleset changed while the host was being read'
      : `the ruleset could not be read a second time: ${second.why}`;
  return [...entries].map(([name, entry]) => {
    const isRuleset = name.startsWith(`host/${host.name}/nft.`);
    return [name, isRuleset && entry.status === 'ok' ? { ...entry, status: 'partial', why } : entry] as const;
  });
}

function sourceName(host: ObservedHost, source: HostSource): string {
  return `host/${host.name}/${source.name}`;
}
