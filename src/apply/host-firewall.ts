import { createTwoFilesPatch } from 'diff';
import { succeeded } from '../access/outcome.ts';
import { run } from '../access/run.ts';
import type { Access } from '../topology/model.ts';
import { normalForm } from './host-firewall-normal.ts';
import type { HostFailure, HostOptions } from './host-firewall-read.ts';
import { DEFAULT_HOST_TIMEOUT_MS, nftFailure, readRuleset } from './host-firewall-read.ts';
import { closedRuleset, replacement } from './host-firewall-tables.ts';

/** What came of putting a ruleset in place. */
export type ApplyOutcome =
  /** Loaded, and read back exactly as this host prints it. `previous` is what `replacement` takes to go back. */
  | { readonly kind: 'applied'; readonly own: string; readonly previous: string }
  /** It was in place already; nothing was loaded. */
  | { readonly kind: 'unchanged'; readonly own: string }
  /** Not accepted. `previous` is what is in place afterwards, read back; undefined if that could not be read. */
  | {
      readonly kind: 'rejected';
      readonly stage: 'parse' | 'check' | 'load';
      readonly stderr: string;
      readonly previous: string | undefined;
    }
  /** Loaded without an error, and yet something else is there: another writer, or an nft that prints differently. */
  | { readonly kind: 'mismatch'; readonly expected: string; readonly own: string; readonly difference: string }
  /** `stage` says whether the host may have been changed: only at `load` and after it. */
  | (HostFailure & { readonly stage: ApplyStage });

/** How far it came: up to `check` nothing was changed on the host. */
export type ApplyStage = 'parse' | 'read' | 'check' | 'load' | 'verify';

/**
 * Puts a ruleset in place on a host: normalises it there, checks it, replaces our tables in one transaction, and reads
 * it back. Nothing is loaded that the host's kernel has not accepted before in an empty namespace, and what is loaded is
 * that normal form, so that no other statement of the text (`flush`, `include`, a foreign table) ever reaches the host's
 * own ruleset. A ruleset that is not accepted leaves the old one as it is.
 * @param text our tables, in any formatting that nft reads; empty removes them
 */
export async function applyRuleset(access: Access, text: string, options: HostOptions = {}): Promise<ApplyOutcome> {
  const normal = await normalForm(access, text, options);
  if (normal.kind === 'rejected') return reject(access, 'parse', normal.stderr, options);
  if (normal.kind !== 'normal') return { ...normal, stage: 'parse' };
  const before = await readRuleset(access, options);
  if (before.kind !== 'read') return { ...before, stage: 'read' };
  if (before.own === normal.own) return { kind: 'unchanged', own: before.own };
  const refused = await load(access, normal.own, options);
  if (refused !== undefined) return refused;
  const after = await readRuleset(access, options);
  if (after.kind !== 'read') return { ...after, stage: 'verify' };
  if (after.own !== normal.own) {
    const difference = textDifference(normal.own, after.own, 'expected', 'in place');
    return { kind: 'mismatch', expected: normal.own, own: after.own, difference };
  }
  return { kind: 'applied', own: after.own, previous: before.own };
}

/** Replaces our tables by one that lets nothing through: what deleting a firewall means. */
export function closeHost(access: Access, options: HostOptions = {}): Promise<ApplyOutcome> {
  return applyRuleset(access, closedRuleset(), options);
}

/** Unified text difference of two listings; empty if they are equal. */
export function textDifference(a: string, b: string, aName: string, bName: string): string {
  if (a === b) return '';
  const patch = createTwoFilesPatch(aName, bName, a, b, '', '', { context: 2 });
  return patch.replace(/^=+\n/, '');
}

/** Says in one paragraph what came of applying; for logs and errors. */
export function describeApply(host: string, outcome: ApplyOutcome): string {
  switch (outcome.kind) {
    case 'applied':
      return `${host}: ruleset applied and read back`;
    case 'unchanged':
      return `${host}: ruleset already in place`;
    case 'rejected':
      return `${host}: ruleset not accepted: ${outcome.stderr.trim()}\n${afterwards(outcome.previous)}`;
    case 'mismatch':
      return `${host}: the ruleset was loaded, but something else is in place:\n${outcome.difference}`;
    case 'unreachable':
    case 'denied':
    case 'late':
    case 'failed':
      return `${host}: ${outcome.why}\n${uncertainty(outcome.stage)}`;
  }
}

/** Checks, then loads; undefined when nft reports no error. */
async function load(access: Access, tables: string, options: HostOptions): Promise<ApplyOutcome | undefined> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_HOST_TIMEOUT_MS;
  for (const { stage, argv } of [
    { stage: 'check', argv: ['nft', '-c', '-f', '-'] },
    { stage: 'load', argv: ['nft', '-f', '-'] },
  ] as const) {
    const outcome = await run(access, argv, { stdin: replacement(tables), timeoutMs });
    if (outcome.kind === 'unreachable') return { ...outcome, stage };
    if (succeeded(outcome)) continue;
    if (outcome.exitCode === undefined)
      return { ...(await nftFailure(access, argv.join(' '), outcome, timeoutMs)), stage };
    return reject(access, stage, outcome.stderr, options);
  }
  return undefined;
}

async function reject(
  access: Access,
  stage: 'parse' | 'check' | 'load',
  stderr: string,
  options: HostOptions,
): Promise<ApplyOutcome> {
  const now = await readRuleset(access, options);
  return { kind: 'rejected', stage, stderr, previous: now.kind === 'read' ? now.own : undefined };
}

function afterwards(previous: string | undefined): string {
  if (previous === undefined) return 'what is in place now could not be read';
  return previous === ''
    ? 'the host still has no ruleset of ours: it is as open as before'
    : 'the old ruleset is still in place';
}

function uncertainty(stage: ApplyStage): string {
  switch (stage) {
    case 'parse':
    case 'read':
    case 'check':
      return 'nothing was changed on the host';
    case 'load':
      return 'whether the new ruleset is in place is not known';
    case 'verify':
      return 'the new ruleset was loaded, but could not be read back';
  }
}
