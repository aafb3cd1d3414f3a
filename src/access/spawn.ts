import { constants, access as fileAccess } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { RunFinished, RunOutcome, RunUnreachable } from './outcome.ts';

/** Input and bounds of one command. */
export interface RunOptions {
  /** Text for the command's standard input; without it, the input is empty. */
  readonly stdin?: string;
  /** The command and everything it started is ended after this time. */
  readonly timeoutMs: number;
  /** Limit of each output stream, in characters; the command is ended when it prints more. */
  readonly maxOutput?: number;
  /** Over a connection that nothing else has used: what shows that a new one can be opened. */
  readonly newConnection?: boolean;
}

/** A listing of 10,000 rules is about 2 MB. */
export const DEFAULT_MAX_OUTPUT = 32 * 1024 * 1024;
/** `nft` and `ip` live where a plain user's PATH does not look. */
export const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];
/** A file name that is neither an option nor a path. */
export const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
/** All that a command sees of an environment: programs are found, and their messages stay in one language. */
export const COMMAND_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: SYSTEM_DIRECTORIES.join(':'),
  LC_ALL: 'C',
};

/**
 * Runs a program as a child of this process, without a shell, in a process group of its own that ends at the limits.
 * @param environment the whole environment of the program
 */
export async function spawn(
  argv: readonly string[],
  options: RunOptions,
  environment: Readonly<Record<string, string>> = COMMAND_ENVIRONMENT,
): Promise<RunOutcome> {
  const program = await findProgram(argv[0] ?? '');
  if (program === undefined) return noCommand(argv[0]);
  const result = await execa(program, argv.slice(1), {
    reject: false,
    stripFinalNewline: false,
    extendEnv: false,
    env: environment,
    input: options.stdin ?? '',
    timeout: options.timeoutMs,
    maxBuffer: options.maxOutput ?? DEFAULT_MAX_OUTPUT,
    // A child of the command that keeps its output open would hold up the answer beyond the time limit.
    killDescendants: true,
    killSignal: 'SIGKILL',
  });
  if (result.exitCode === undefined && result.signal === undefined && !result.timedOut) {
    return unreachable('not-started', `${program} could not be started: ${result.code ?? result.shortMessage}`);
  }
  const finished: RunFinished = {
    kind: 'ran',
    exitCode: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    timedOut: result.timedOut,
    truncated: result.isMaxBuffer,
  };
  return finished;
}

/** Absolute path of a program, or undefined. A name with a slash must be absolute and is taken as it is. */
export async function findProgram(name: string): Promise<string | undefined> {
  if (name.startsWith('/')) return (await canAccess(name, constants.X_OK)) ? name : undefined;
  if (!PLAIN_NAME.test(name)) return undefined;
  for (const directory of SYSTEM_DIRECTORIES) {
    const path = join(directory, name);
    if (await canAccess(path, constants.X_OK)) return path;
  }
  return undefined;
}

/** Whether a file is there, or may be used as `mode` says. */
export async function canAccess(path: string, mode: number): Promise<boolean> {
  try {
    await fileAccess(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** The outcome for a program that is not there. */
export function noCommand(name: string | undefined): RunUnreachable {
  return unreachable('no-command', `${name ?? 'the empty command'} is not installed`);
}

/** An outcome without a command that was started. */
export function unreachable(reason: RunUnreachable['reason'], why: string): RunUnreachable {
  return { kind: 'unreachable', reason, why };
}
