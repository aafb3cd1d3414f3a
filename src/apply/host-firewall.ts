import { setTimeout as sleep } from 'node:timers/promises';
import { createTwoFilesPatch } from 'diff';
import type { Access } from '../topology/model.ts';
import type { Confirmed, Staged } from './commit.ts';
import { confirm, confirmUntil, isFailure, look, stage } from './commit.ts';
import { normalForm } from './host-firewall-normal.ts';
import type { ApplyOutcome, ApplyResult } from './host-firewall-outcome.ts';
import type { HostFailure, HostOptions } from './host-firewall-read.ts';
import { DEFAULT_HOST_TIMEOUT_MS, readRuleset } from './host-firewall-read.ts';
import { closedRuleset } from './host-firewall-tables.ts';

export { describeApply } from './host-firewall-outcome.ts';

/** Bounds of applying. */
export interface ApplyOptions extends HostOptions {
  /** After how many seconds without a confirmation the host takes the ruleset back. */
  readonly confirmWithinS?: number;
}

/** Long enough for a slow host to answer a new connection, short enough to wait for at a console. */
export const DEFAULT_CONFIRM_WITHIN_S = 60;
/** The timer counts whole seconds, and the machine may be busy. */
const ROLLBACK_GRACE_MS = 3_000;

/**
 * Puts a ruleset in place on a host: normalises it there, checks it, replaces our tables in one transaction, reads them
 * back over a new connection, and confirms. Without that confirmation, whatever the reason, a timer on the host restores
 * what was there before. Nothing is loaded that the host's kernel has not accepted before in an empty namespace, and
 * what is loaded is that normal form, so that no other statement of the text (`flush`, `include`, a foreign table) ever
 * reaches the host's own ruleset. A ruleset that is not accepted leaves the old one as it is.
 * @param text our tables, in any formatting that nft reads; empty removes them
 */
export async function applyRuleset(access: Access, text: string, options: ApplyOptions = {}): Promise<ApplyOutcome> {
  const notes: string[] = [];
  const result = await apply({ access, options, notes }, text);
  return { ...result, notes };
}

/**
 * Replaces our tables by one that lets nothing through: what deleting a firewall means. Over ssh it ends the very
 * connection that it is asked through, so there it is not waited for a confirmation.
 */
export async function closeHost(access: Access, options: ApplyOptions = {}): Promise<ApplyOutcome> {
  if (access.kind !== 'ssh') return applyRuleset(access, closedRuleset(), options);
  const notes: string[] = [];
  const task = { access, options: { ...options, confirmWithinS: 0 }, notes };
  return { ...(await apply(task, closedRuleset())), notes };
}

/** Unified text difference of two listings; empty if they are equal. */
export function textDifference(a: string, b: string, aName: string, bName: string): string {
  if (a === b) return '';
  const patch = createTwoFilesPatch(aName, bName, a, b, '', '', { context: 2 });
  return patch.replace(/^=+\n/, '');
}

interface Task {
  readonly access: Access;
  readonly options: ApplyOptions;
  readonly notes: string[];
}

async function apply(task: Task, text: string): Promise<ApplyResult> {
  const { access, options } = task;
  const normal = await normalForm(access, text, options);
  if (normal.kind === 'rejected') return reject(task, 'parse', normal.stderr);
  if (normal.kind !== 'normal') return { ...normal, stage: 'parse' };
  const before = await readRuleset(access, options);
  if (before.kind !== 'read') return { ...before, stage: 'read' };
  if (before.own === normal.own) return unchanged(task, before.own);
  const known = task.notes.length;
  const result = await replace(task, normal.own, before.own);
  // Taking back what an interrupted apply had left changes what is in place; then it is read once more.
  if (result.kind !== 'busy' || task.notes.length === known) return result;
  const again = await readRuleset(access, options);
  if (again.kind !== 'read') return { ...again, stage: 'read' };
  return again.own === normal.own ? unchanged(task, again.own) : replace(task, normal.own, again.own);
}

async function replace(task: Task, next: string, previous: string): Promise<ApplyResult> {
  const { access, options, notes } = task;
  const withinS = options.confirmWithinS ?? DEFAULT_CONFIRM_WITHIN_S;
  const timeoutMs = timeoutOf(options);
  const note = (words: string) => notes.push(words);
  const staged = await stage(access, { next, previous }, { withinS, timeoutMs, note });
  // The host's timer starts before this is known here.
  const deadline = performance.now() + withinS * 1000;
  switch (staged.kind) {
    case 'refused':
      return reject(task, staged.stage, staged.stderr);
    case 'changed':
      return { kind: 'busy', why: 'the ruleset was changed by somebody else since it was read' };
    case 'busy':
      return staged;
    case 'staged':
      break;
    default:
      return { ...staged, stage: 'check' };
  }
  if (withinS === 0) return readBackClosed(task, next, previous, staged);
  const answer = await confirmUntil(access, staged.token, { timeoutMs, deadline });
  return confirmed(task, { next, previous, staged, deadline }, answer);
}

interface Load {
  readonly next: string;
  readonly previous: string;
  readonly staged: Extract<Staged, { kind: 'staged' }>;
  readonly deadline: number;
}

async function confirmed(task: Task, load: Load, answer: Confirmed): Promise<ApplyResult> {
  const { next, previous, staged } = load;
  switch (answer.kind) {
    case 'confirmed':
      return readBack(next, previous, answer.own, false);
    case 'mismatch':
      // A script that was cut off before it loaded anything leaves the old tables, and is no mismatch.
      if (staged.cutOff !== undefined && answer.own === previous) return { ...staged.cutOff, stage: 'check' };
      return readBack(next, previous, answer.own, answer.undone);
    case 'undone':
      return { kind: 'unconfirmed', why: 'the confirmation came too late', after: 'old' };
    case 'unknown': {
      const why = 'the host knows nothing of the ruleset that was sent';
      return { ...(staged.cutOff ?? { kind: 'failed', why }), stage: 'check' };
    }
    default:
      return afterwards(task, load, answer);
  }
}

/** The host could not be asked for a confirmation: waits until it must have taken the ruleset back, and looks. */
async function afterwards({ access, options, notes }: Task, load: Load, failure: HostFailure): Promise<ApplyResult> {
  await sleep(Math.max(0, load.deadline + ROLLBACK_GRACE_MS - performance.now()));
  const { why } = failure;
  const state = await look(access, load.staged.token, { timeoutMs: timeoutOf(options) });
  switch (state.kind) {
    case 'undone':
      return { kind: 'unconfirmed', why, after: 'old' };
    case 'confirmed': {
      // It was confirmed, and only the answer was lost.
      const now = await readRuleset(access, options);
      return now.kind === 'read' ? readBack(load.next, load.previous, now.own, false) : { ...now, stage: 'verify' };
    }
    case 'unknown':
      return { ...failure, stage: 'check' };
    case 'pending': {
      // It could not be taken back, and a new connection was opened all the same: that is what confirms it.
      const answer = await confirm(access, load.staged.token, { timeoutMs: timeoutOf(options) });
      return isFailure(answer)
        ? { kind: 'unconfirmed', why, after: 'not-seen' }
        : confirmed({ access, options, notes }, load, answer);
    }
    default:
      return { kind: 'unconfirmed', why, after: 'not-seen' };
  }
}

function readBack(next: string, previous: string, own: string, undone: boolean): ApplyResult {
  if (own === next) return { kind: 'applied', own, previous };
  const difference = textDifference(next, own, 'expected', 'in place');
  return { kind: 'mismatch', expected: next, own, difference, undone };
}

/** Without a timer: a host that no longer answers is what was asked for, if it had accepted the ruleset. */
async function readBackClosed(
  { access, options }: Task,
  next: string,
  previous: string,
  { cutOff, checked }: Extract<Staged, { kind: 'staged' }>,
): Promise<ApplyResult> {
  const now = await readRuleset(access, { ...options, newConnection: true });
  if (now.kind === 'read') {
    if (cutOff !== undefined && now.own === previous) return { ...cutOff, stage: 'check' };
    return readBack(next, previous, now.own, false);
  }
  if (!checked) return { ...(cutOff ?? now), stage: 'load' };
  return now.kind === 'unreachable' || now.kind === 'late'
    ? { kind: 'closed-unseen', why: now.why }
    : { ...now, stage: 'verify' };
}

/** What is in place is what is wanted; but it may be about to be taken back, or wait for a confirmation in vain. */
async function unchanged({ access, options, notes }: Task, own: string): Promise<ApplyResult> {
  const timeoutMs = timeoutOf(options);
  const waiting = await look(access, '', { timeoutMs });
  switch (waiting.kind) {
    case 'confirmed':
    case 'undone':
    case 'unknown':
      return { kind: 'unchanged', own };
    case 'pending':
      break;
    default:
      return { ...waiting, stage: 'read' };
  }
  if (waiting.watched) {
    return { kind: 'busy', why: `the ruleset is in place, and waits for its confirmation since ${waiting.since}` };
  }
  const answer = await confirm(access, waiting.token, { timeoutMs });
  switch (answer.kind) {
    case 'confirmed':
      notes.push('an earlier apply of this ruleset was interrupted before it was confirmed; it is confirmed now');
      return { kind: 'unchanged', own };
    case 'mismatch':
    case 'undone':
    case 'unknown':
      return { kind: 'busy', why: 'the ruleset was changed by somebody else since it was read' };
    default:
      return { ...answer, stage: 'verify' };
  }
}

async function reject(
  { access, options }: Task,
  at: 'parse' | 'check' | 'rollback' | 'load',
  stderr: string,
): Promise<ApplyResult> {
  const now = await readRuleset(access, options);
  return { kind: 'rejected', stage: at, stderr, previous: now.kind === 'read' ? now.own : undefined };
}

function timeoutOf(options: ApplyOptions): number {
  return options.timeoutMs ?? DEFAULT_HOST_TIMEOUT_MS;
}
