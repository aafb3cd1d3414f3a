import type { HostFailure } from './host-firewall-read.ts';

/** What came of putting a ruleset in place. `notes` is what the operator should know of an earlier, interrupted one. */
export type ApplyOutcome = ApplyResult & { readonly notes: readonly string[] };

/** What came of it. Every kind says, or lets `describeApply` say, which tables are in place. */
export type ApplyResult =
  /**
   * Loaded, read back over a new connection exactly as this host prints it, and so confirmed. `previous` is what
   * `replacement` takes to go back.
   */
  | { readonly kind: 'applied'; readonly own: string; readonly previous: string }
  /** It was in place already, confirmed; nothing was loaded. */
  | { readonly kind: 'unchanged'; readonly own: string }
  /** Not accepted. `previous` is what is in place afterwards, read back; undefined if that could not be read. */
  | {
      readonly kind: 'rejected';
      /** `rollback`: what is in place now could not be loaded again, so there would be no way back. */
      readonly stage: 'parse' | 'check' | 'rollback' | 'load';
      readonly stderr: string;
      readonly previous: string | undefined;
    }
  /**
   * Loaded without an error, and yet something else was there: another writer, or an nft that prints differently. The
   * old tables are back in place if `undone`, otherwise what was found.
   */
  | {
      readonly kind: 'mismatch';
      readonly expected: string;
      readonly own: string;
      readonly difference: string;
      readonly undone: boolean;
    }
  /** Loaded, and not confirmed in time: the host took it back (`old`, seen), or will have done so by itself. */
  | { readonly kind: 'unconfirmed'; readonly why: string; readonly after: 'old' | 'not-seen' }
  /** Closed without an error, and unreachable since, as it should be: what is in place cannot be read back. */
  | { readonly kind: 'closed-unseen'; readonly why: string }
  /** Somebody else changed our tables, or is about to; nothing was changed. */
  | { readonly kind: 'busy'; readonly why: string }
  /** `stage` says whether the host may have been changed: only at `load` and after it. */
  | (HostFailure & { readonly stage: ApplyStage });

/** How far it came: up to `check` nothing was changed on the host. */
type ApplyStage = 'parse' | 'read' | 'check' | 'load' | 'verify';

/** Says in one paragraph what came of applying, and which ruleset is in place; for logs and errors. */
export function describeApply(host: string, outcome: ApplyOutcome): string {
  return [...outcome.notes.map((note) => `${host}: ${note}`), describeResult(host, outcome)].join('\n');
}

function describeResult(host: string, outcome: ApplyOutcome): string {
  switch (outcome.kind) {
    case 'applied':
      return `${host}: ruleset applied and read back`;
    case 'unchanged':
      return `${host}: ruleset already in place`;
    case 'rejected':
      return `${host}: ${REJECTED[outcome.stage]}: ${outcome.stderr.trim()}\n${afterwards(outcome.previous)}`;
    case 'mismatch': {
      const now = outcome.undone
        ? 'the old ruleset was put back'
        : 'what is in place is neither the old one nor the new';
      return `${host}: the ruleset was loaded, but something else is in place:\n${outcome.difference}\n${now}`;
    }
    case 'unconfirmed': {
      const now =
        outcome.after === 'old'
          ? 'the host took it back: the old ruleset is in place'
          : 'the host takes it back by itself; that the old ruleset is in place could not be seen (docs/locked-out.md)';
      return `${host}: the ruleset was loaded and not confirmed: ${outcome.why}\n${now}`;
    }
    case 'closed-unseen':
      return `${host}: closed; as it should be, it no longer answers: ${outcome.why}`;
    case 'busy':
      return `${host}: ${outcome.why}\nnothing was changed on the host`;
    case 'unreachable':
    case 'denied':
    case 'late':
    case 'failed':
      return `${host}: ${outcome.why}\n${uncertainty(outcome.stage)}`;
  }
}

const REJECTED = {
  parse: 'ruleset not accepted',
  check: 'ruleset not accepted',
  load: 'ruleset not accepted',
  rollback: 'what is in place could not be loaded again, so there would be no way back',
} as const;

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

/** Which tables a host holds once applying has ended: `previous` are those from before, `unknown` is what it says. */
export type InPlace = 'new' | 'previous' | 'other' | 'unknown';

/** Which tables are in place, as far as the outcome tells. Nothing but what was seen on the host counts as known. */
export function inPlaceAfter(outcome: ApplyResult): InPlace {
  switch (outcome.kind) {
    case 'applied':
    case 'unchanged':
      return 'new';
    case 'rejected':
      return outcome.previous === undefined ? 'unknown' : 'previous';
    case 'mismatch':
      return outcome.undone ? 'previous' : 'other';
    case 'unconfirmed':
      return outcome.after === 'old' ? 'previous' : 'unknown';
    case 'closed-unseen':
    case 'busy':
      return 'unknown';
    case 'unreachable':
    case 'denied':
    case 'late':
    case 'failed':
      return outcome.stage === 'check' ? 'previous' : 'unknown';
  }
}
