import type { RunFinished } from '../access/outcome.ts';
import { failureOf, succeeded } from '../access/outcome.ts';
import { run } from '../access/run.ts';
import type { Access } from '../topology/model.ts';
import { cutTables } from './host-firewall-tables.ts';

/** Why a host gave no answer that could be used. Never to be taken for "there is nothing". */
export type HostFailure =
  | { readonly kind: 'unreachable'; readonly reason: string; readonly why: string }
  /** The host refuses us the right to read or change its ruleset. */
  | { readonly kind: 'denied'; readonly why: string }
  | { readonly kind: 'late'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** What a host holds. */
export interface ReadRuleset {
  readonly kind: 'read';
  /** Our tables as listed, in fixed order; empty if there is none. */
  readonly own: string;
  /** The whole listing. */
  readonly listing: string;
}

/** Bounds of what is done on a host. */
export interface HostOptions {
  /** Limit of every single command on the host. */
  readonly timeoutMs?: number;
  /** Over connections of their own. */
  readonly newConnection?: boolean;
}

/** Loading ten thousand rules takes a second or two. */
export const DEFAULT_HOST_TIMEOUT_MS = 20_000;
/** linux/capability.h: CAP_NET_ADMIN. */
const CAP_NET_ADMIN = 12n;

/** Lists a host's ruleset without counters (`nft -s list ruleset`) and picks our tables out of it. */
export async function readRuleset(access: Access, options: HostOptions = {}): Promise<ReadRuleset | HostFailure> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_HOST_TIMEOUT_MS;
  const outcome = await run(access, ['nft', '-s', 'list', 'ruleset'], {
    timeoutMs,
    newConnection: options.newConnection === true,
  });
  if (outcome.kind === 'unreachable') return outcome;
  if (!succeeded(outcome)) return nftFailure(access, 'nft list ruleset', outcome, timeoutMs);
  const cut = cutTables(outcome.stdout);
  if (!cut.ok) return { kind: 'failed', why: `the listing of the ruleset is garbled: ${cut.why}` };
  return { kind: 'read', own: cut.own, listing: outcome.stdout };
}

/** Tells apart why an `nft` command failed: time, rights, or something else, in its own words. */
export async function nftFailure(
  access: Access,
  command: string,
  outcome: RunFinished,
  timeoutMs: number,
): Promise<HostFailure> {
  const why = failureOf(command, outcome, timeoutMs);
  if (outcome.timedOut) return { kind: 'late', why };
  if ((await mayAdminister(access, timeoutMs)) === false) {
    return { kind: 'denied', why: `reading and changing rulesets needs root (CAP_NET_ADMIN): ${why}` };
  }
  return { kind: 'failed', why };
}

/** Whether commands on the host run with CAP_NET_ADMIN; undefined if that cannot be found out. */
export async function mayAdminister(access: Access, timeoutMs: number): Promise<boolean | undefined> {
  const outcome = await run(access, ['cat', '/proc/self/status'], { timeoutMs });
  if (!succeeded(outcome)) return undefined;
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(outcome.stdout)?.[1];
  return effective === undefined ? undefined : ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}
