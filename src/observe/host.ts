import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type { RunFinished } from '../access/outcome.ts';
import { failureOf } from '../access/outcome.ts';
import { run } from '../access/run.ts';
import type { SourceEntry } from '../state/evidence.ts';
import type { Access } from '../topology/model.ts';
import type { Answer, Section } from './host-answer.ts';
import { NOT_INSTALLED, readAnswer } from './host-answer.ts';
import { hostScript } from './host-script.ts';
import type { HostSource } from './host-sources.ts';
import { HOST_SOURCES } from './host-sources.ts';

/** A host to look at: all that observing needs to know of the topology. */
export interface ObservedHost {
  readonly name: string;
  readonly access: Access;
}

/** Bounds, and the clock. */
export interface ObserveHostsOptions {
  /** Limit of looking at one host. */
  readonly timeoutMs?: number;
  /** How many hosts are looked at at the same time. */
  readonly concurrency?: number;
  /** Moment of asking, RFC 3339. */
  readonly now?: () => string;
}

const DEFAULT_TIMEOUT_MS = 20_000;
const DEFAULT_CONCURRENCY = 8;
/** All sections of one host together; each has its own, smaller limit. */
const MAX_OUTPUT = 64 * 1024 * 1024;
/** linux/capability.h: CAP_NET_ADMIN, without which root may not read a ruleset either. */
const CAP_NET_ADMIN = 12n;

type Entry = Omit<SourceEntry, 'at'>;

/**
 * Reads the sources `host/NAME/…` of every host, each host in one round trip with one script that only reads
 * (`hostScript`). Always answers with one entry for each source of each host: what could not be read says why, and is
 * never left out.
 */
export async function observeHosts(
  hosts: readonly ObservedHost[],
  options: ObserveHostsOptions = {},
): Promise<Readonly<Record<string, SourceEntry>>> {
  const limit = pLimit(options.concurrency ?? DEFAULT_CONCURRENCY);
  const entries = await Promise.all(hosts.map((host) => limit(() => observeHost(host, options))));
  return Object.fromEntries(entries.flat());
}

async function observeHost(
  host: ObservedHost,
  options: ObserveHostsOptions,
): Promise<(readonly [string, SourceEntry])[]> {
  const at = (options.now ?? (() => new Date().toISOString()))();
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const mark = `@@cordon-${randomUUID()}`;
  const outcome = await run(host.access, ['sh', '-s'], {
    stdin: hostScript(mark),
    timeoutMs,
    maxOutput: MAX_OUTPUT,
  });
  const name = (source: HostSource) => `host/${host.name}/${source.name}`;
  if (outcome.kind === 'unreachable') {
    // Declared so: there is nothing to ask. Everything else should have answered.
    const entry: SourceEntry = { status: outcome.reason === 'render-only' ? 'absent' : 'failed', at, why: outcome.why };
    return HOST_SOURCES.map((source) => [name(source), entry] as const);
  }
  const answer = readAnswer(mark, outcome.stdout);
  const gap = gapOf(outcome, answer, timeoutMs);
  return HOST_SOURCES.map((source) => [name(source), { ...entryOf(source, answer, gap), at }] as const);
}

/** What stands behind the sections that operators know as commands; the others are named as they are. */
const COMMANDS: Readonly<Record<string, string>> = {
  'nft.txt': 'nft -s list ruleset',
  'nft.json': 'nft -j list ruleset',
  'nft.again': 'nft -s list ruleset',
  sockets: 'ss -H -lntupe',
  prefs: 'tailscale debug prefs',
  serve: 'tailscale serve status --json',
  netmap: 'tailscale debug netmap',
};

/** What a section without its end means; undefined where the whole answer is there. */
function gapOf(outcome: RunFinished, answer: Answer, timeoutMs: number): Entry | undefined {
  if (answer.isWhole) return undefined;
  const command = COMMANDS[answer.pending ?? ''] ?? answer.pending ?? 'reading the host';
  const why = failureOf(command, outcome, timeoutMs);
  if (outcome.timedOut) return { status: 'late', why };
  const isBroken = outcome.exitCode === 0 && !outcome.truncated;
  if (answer.sections.size === 0) return { status: 'failed', why: isBroken ? 'the host answered something else' : why };
  return { status: 'partial', why: isBroken ? 'the answer ends before its end mark' : why };
}

function entryOf(source: HostSource, answer: Answer, gap: Entry | undefined): Entry {
  for (const name of [...source.needs, ...(source.optional ?? [])]) {
    const section = answer.sections.get(name);
    if (section === undefined) return gap ?? { status: 'failed', why: `the host says nothing of ${name}` };
    if (source.optional?.includes(name) === true && section.code === NOT_INSTALLED) continue;
    const failure = failureIn(name, section, answer);
    if (failure !== undefined) return failure;
  }
  const asked = source.name.startsWith('tailscale.')
    ? answer.sections.get(source.name.slice('tailscale.'.length))
    : undefined;
  const failure = asked === undefined ? undefined : failureIn(source.name, asked, answer);
  if (failure !== undefined) return failure;
  const section = (name: string) => answer.sections.get(name);
  const read = source.read({
    section,
    text: (name) => section(name)?.text ?? '',
    optional: (name) => (section(name)?.code === NOT_INSTALLED ? undefined : section(name)?.text),
  });
  return read.ok ? confirmed(source, read.body, answer, gap) : { status: read.status ?? 'failed', why: read.why };
}

function failureIn(name: string, section: Section, answer: Answer): Entry | undefined {
  const { how, code, words, isCut } = section;
  if (how === 'denied' && code !== NOT_INSTALLED) return { status: 'denied', why: words };
  if (isCut) return { status: 'partial', why: `${name} is longer than what is taken of it` };
  if (code === 0) return undefined;
  const said = `${COMMANDS[name] ?? name} ended with exit code ${code}${words === '' ? '' : `: ${words}`}`;
  const isRuleset = name.startsWith('nft') || name.startsWith('save') || name.startsWith('legacy');
  if (isRuleset && how === 'own' && !mayAdminister(answer)) {
    return { status: 'denied', why: `reading rulesets needs CAP_NET_ADMIN: ${said}` };
  }
  return { status: 'failed', why: said };
}

/**
 * The ruleset is listed once more after everything else: two answers that differ mean that none of them, nor what was
 * read between them, describes one moment.
 */
function confirmed(source: HostSource, body: unknown, answer: Answer, gap: Entry | undefined): Entry {
  if (source.name !== 'nft.txt' && source.name !== 'nft.json' && source.name !== 'iptables')
    return { status: 'ok', body };
  const first = answer.sections.get('nft.txt');
  const again = answer.sections.get('nft.again');
  if (first === undefined || first.code !== 0) return { status: 'ok', body };
  if (again === undefined) return { status: 'partial', body, why: gap?.why ?? 'the ruleset was read only once' };
  if (again.code !== 0) {
    return { status: 'partial', body, why: `the ruleset could not be read a second time: ${again.words}` };
  }
  const why = 'the ruleset changed while the host was being read';
  return again.text === first.text ? { status: 'ok', body } : { status: 'partial', body, why };
}

function mayAdminister(answer: Answer): boolean {
  const effective = /^caps ([0-9a-f]+)$/m.exec(answer.sections.get('who')?.text ?? '')?.[1];
  return effective === undefined || ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}
