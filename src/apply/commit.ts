import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunFinished } from '../access/outcome.ts';
import { failureOf } from '../access/outcome.ts';
import { run } from '../access/run.ts';
import type { Access } from '../topology/model.ts';
import { CONFIRM, LOOK, STAGE, TIMER, WORD } from './commit-scripts.ts';
import type { HostFailure } from './host-firewall-read.ts';

/** What a script on the host said: its words in order, and the listing that followed them. */
interface Said {
  readonly kind: 'said';
  readonly words: readonly string[];
  readonly listing: string | undefined;
  readonly stderr: string;
  /** Set when the script was not seen to end; it may have gone on. */
  readonly cutOff: HostFailure | undefined;
}

/** What came of loading, before it is confirmed. */
export type Staged =
  /** Perhaps loaded: the script came so far, or was not seen to end. `cutOff` tells what was in the way. */
  | {
      readonly kind: 'staged';
      readonly token: string;
      readonly cutOff: HostFailure | undefined;
      readonly checked: boolean;
    }
  /** nft refused: at the check of the new tables, of those to go back to, or at loading. The old ones are in place. */
  | { readonly kind: 'refused'; readonly stage: 'check' | 'rollback' | 'load'; readonly stderr: string }
  /** Somebody else changed our tables since they were read; nothing was changed. */
  | { readonly kind: 'changed' }
  /** Another apply is at work, or waits for its confirmation; nothing was changed. */
  | { readonly kind: 'busy'; readonly why: string }
  /** Nothing was changed. */
  | HostFailure;

/** What is in place once it was asked for a confirmation. */
export type Confirmed =
  | { readonly kind: 'confirmed'; readonly own: string }
  /** Something else was in place than was to be loaded; the previous tables are restored if `undone`. */
  | { readonly kind: 'mismatch'; readonly own: string; readonly undone: boolean }
  /** The timer came first: the previous tables are restored. */
  | { readonly kind: 'undone' }
  /** Nothing was loaded under this token. */
  | { readonly kind: 'unknown' }
  | HostFailure;

/** Whether a ruleset waits for its confirmation on the host, or what became of the one with the token. */
export type Waiting =
  | { readonly kind: 'pending'; readonly watched: boolean; readonly token: string; readonly since: string }
  | { readonly kind: 'confirmed' | 'undone' | 'unknown' }
  | HostFailure;

/** Bounds of one script. */
export interface ScriptOptions {
  readonly timeoutMs: number;
}

/** Words of the stage script about a ruleset whose confirmation never came, and about one that is no way back. */
const RECOVERED: Readonly<Record<string, string>> = {
  old: 'an earlier apply was interrupted before it was confirmed, and its timer is gone: the tables from before it were restored first',
  never: 'an earlier apply was interrupted before it loaded anything',
  other: 'an earlier apply was interrupted, and other tables than its own are in place since',
  last: 'what was in place cannot be loaded again: the way back was the ruleset that was confirmed last',
};

/**
 * Loads tables on a host, if exactly `previous` is in place, with a timer that takes them back after `withinS` seconds
 * unless `confirm` was called. Checks first that both the new and the previous tables can be loaded.
 * @param withinS 0: without a timer, for what is not meant to be taken back
 * @param note takes what the operator should know of an earlier apply, one sentence each
 */
export async function stage(
  access: Access,
  tables: { readonly next: string; readonly previous: string },
  options: ScriptOptions & { readonly withinS: number; readonly note: (words: string) => void },
): Promise<Staged> {
  const token = randomBytes(12).toString('hex');
  const sizes = [tables.next, tables.previous].map((t) => String(Buffer.byteLength(t)));
  const args = [token, String(options.withinS), ...sizes, TIMER];
  const said = await ask(access, STAGE, args, { ...options, stdin: tables.next + tables.previous });
  if (said.kind !== 'said') return said;
  for (const words of said.words) {
    const recovered = /^recovered (\w+)$/.exec(words)?.[1];
    if (recovered !== undefined) options.note(RECOVERED[recovered] ?? words);
  }
  const checked = said.words.includes('checked');
  const [word = '', ...rest] = said.words.at(-1)?.split(' ') ?? [];
  if (said.cutOff !== undefined || word === 'loaded') return { kind: 'staged', token, cutOff: said.cutOff, checked };
  switch (word) {
    case 'busy':
      return { kind: 'busy', why: busyWords(rest.join(' ')) };
    case 'changed':
      return { kind: 'changed' };
    case 'rejected': {
      const at = rest[0] === 'load' || rest[0] === 'rollback' ? rest[0] : 'check';
      return { kind: 'refused', stage: at, stderr: said.stderr };
    }
    default:
      return { kind: 'failed', why: `${FAILED[word] ?? 'the host answered something else'}${detail(rest, said)}` };
  }
}

/** Why the stage script stopped before it changed anything. */
const FAILED: Readonly<Record<string, string>> = {
  missing: 'a program is missing on the host',
  unwritable: 'the host could not keep what is needed to go back (in /run/cordon)',
  unread: 'what is in place could not be listed',
  short: 'the ruleset did not arrive at the host as a whole',
  untimed: 'the timer that would take the ruleset back did not start',
  stuck: 'the tables from before an interrupted apply could not be restored',
};

/**
 * Confirms over a connection of its own: the timer is called off only if exactly the staged tables are in place. May be
 * asked again when an answer was lost.
 */
export async function confirm(access: Access, token: string, options: ScriptOptions): Promise<Confirmed> {
  const said = await ask(access, CONFIRM, [token], { ...options, newConnection: true });
  if (said.kind !== 'said') return said;
  if (said.cutOff !== undefined) return said.cutOff;
  const last = said.words.filter((w) => w !== 'listing').at(-1) ?? '';
  if (said.words.includes('mismatch')) {
    return { kind: 'mismatch', own: said.listing ?? '', undone: said.words.includes('undone') };
  }
  if (last === 'confirmed' && said.listing !== undefined) return { kind: 'confirmed', own: said.listing };
  if (last === 'undone' || last === 'unknown') return { kind: last };
  const why = last === 'busy' ? busyWords('') : `what is in place could not be compared${detail([], said)}`;
  return { kind: 'failed', why };
}

/** Looks, and changes nothing. */
export async function look(access: Access, token: string, options: ScriptOptions): Promise<Waiting> {
  const said = await ask(access, LOOK, [token], { ...options, newConnection: true });
  if (said.kind !== 'said') return said;
  if (said.cutOff !== undefined) return said.cutOff;
  const [word = '', state = '', of = '', ...since] = said.words.at(-1)?.split(' ') ?? [];
  switch (word) {
    case 'pending':
      return { kind: 'pending', watched: state === 'alive', token: of, since: since.join(' ') };
    case 'confirmed':
    case 'undone':
    case 'unknown':
      return { kind: word };
    default:
      return { kind: 'failed', why: `whether a ruleset waits for its confirmation is not known${detail([], said)}` };
  }
}

/** Asks again and again for a confirmation, as long as there is no answer and the timer may still be running. */
export async function confirmUntil(
  access: Access,
  token: string,
  options: ScriptOptions & { readonly deadline: number },
): Promise<Confirmed> {
  for (;;) {
    const left = Math.max(1000, Math.floor(options.deadline - performance.now()));
    const answer = await confirm(access, token, { timeoutMs: Math.min(options.timeoutMs, left) });
    if (!isFailure(answer) || performance.now() + PAUSE_MS >= options.deadline) return answer;
    await sleep(PAUSE_MS);
  }
}

/** Whether the host gave no answer that says what is in place. */
export function isFailure(answer: Confirmed): answer is HostFailure {
  return ['unreachable', 'denied', 'late', 'failed'].includes(answer.kind);
}

const PAUSE_MS = 500;

async function ask(
  access: Access,
  script: string,
  args: readonly string[],
  options: ScriptOptions & { readonly stdin?: string; readonly newConnection?: boolean },
): Promise<Said | HostFailure> {
  const { timeoutMs, stdin, newConnection } = options;
  const outcome = await run(access, ['sh', '-c', script, 'cordon', ...args], {
    timeoutMs,
    ...(stdin === undefined ? {} : { stdin }),
    ...(newConnection === undefined ? {} : { newConnection }),
  });
  if (outcome.kind === 'unreachable') return outcome;
  const mark = `${WORD}listing\n`;
  const at = outcome.stdout.indexOf(mark);
  const head = at < 0 ? outcome.stdout : outcome.stdout.slice(0, at + mark.length);
  const words = head.split('\n').flatMap((line) => (line.startsWith(WORD) ? [line.slice(WORD.length)] : []));
  const listing = at < 0 ? undefined : outcome.stdout.slice(at + mark.length);
  return { kind: 'said', words, listing, stderr: outcome.stderr, cutOff: cutOff(outcome, timeoutMs) };
}

/** The scripts end with 0 whatever they say; anything else means that they did not come to their end. */
function cutOff(outcome: RunFinished, timeoutMs: number): HostFailure | undefined {
  if (outcome.exitCode === 0 && !outcome.timedOut && !outcome.truncated) return undefined;
  const why = failureOf('putting the ruleset in place', outcome, timeoutMs);
  return outcome.timedOut ? { kind: 'late', why } : { kind: 'failed', why };
}

function busyWords(since: string): string {
  return since === ''
    ? 'another apply is at work on the host'
    : `another apply waits for its confirmation on the host, since ${since}`;
}

function detail(rest: readonly string[], said: Said): string {
  const words = [rest.join(' '), said.stderr.trim()].filter((w) => w !== '').join(': ');
  return words === '' ? '' : `: ${words}`;
}
