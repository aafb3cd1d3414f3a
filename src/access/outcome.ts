/**
 * What came of running a command on a host. `unreachable` means that no command was started there: nothing is known
 * about the host. Everything else is `ran`, whatever the command thought of it.
 */
export type RunOutcome = RunFinished | RunUnreachable;

/** A command that was started, and how it ended. */
export interface RunFinished {
  readonly kind: 'ran';
  /** Undefined when the command was ended by a signal, as it is on a time-out, or when its end was not seen. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The time limit ended it; the output is what had arrived until then. */
  readonly timedOut: boolean;
  /** The output limit ended it; the output is a beginning. */
  readonly truncated: boolean;
  /** The connection ended first: the command may have ended in any way, or still be running until its time limit. */
  readonly lost?: boolean;
}

/** No command was started, and why. */
export interface RunUnreachable {
  readonly kind: 'unreachable';
  readonly reason: UnreachableReason;
  /** In the operator's words, with the name of the host's access in it; fit for `SourceEntry.why`. */
  readonly why: string;
}

/**
 * - `render-only`: declared so; the host is never contacted.
 * - `bad-name`: a name that could be taken for an option or a path.
 * - `no-namespace`: the network namespace does not exist on this machine.
 * - `not-permitted`: the namespace exists and may not be entered.
 * - `no-command`: the program is not installed there.
 * - `not-started`: the operating system refused to start it.
 * - `not-connected`: ssh made no connection, or the host refused the login.
 * - `no-shell`: ssh made a connection, and the login shell there did not start the command.
 */
export type UnreachableReason =
  | 'render-only'
  | 'bad-name'
  | 'no-namespace'
  | 'not-permitted'
  | 'no-command'
  | 'not-started'
  | 'not-connected'
  | 'no-shell';

/** True when the command ran to its own end with exit code 0, and all of its output is there. */
export function succeeded(outcome: RunOutcome): outcome is RunFinished & { readonly exitCode: 0 } {
  return outcome.kind === 'ran' && outcome.exitCode === 0 && !outcome.timedOut && !outcome.truncated;
}

/** One line on why a command that ran did not succeed: time limit, output limit, or its own words on stderr. */
export function failureOf(command: string, run: RunFinished, timeoutMs: number): string {
  if (run.timedOut) return `${command} did not end within ${timeoutMs / 1000} s`;
  if (run.truncated) return `${command} printed more than the output limit`;
  const words = run.stderr.trim() === '' ? '' : `: ${run.stderr.trim()}`;
  if (run.lost === true) return `the connection was lost while ${command} was running${words}`;
  const how = run.exitCode === undefined ? 'was ended by a signal' : `ended with exit code ${run.exitCode}`;
  return `${command} ${how}${words}`;
}
