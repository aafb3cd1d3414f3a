import { constants, access as fileAccess } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Access } from '../topology/model.ts';
import type { RunFinished, RunOutcome, RunUnreachable } from './outcome.ts';

/** Input and bounds of one command. */
export interface RunOptions {
  /** Text for the command's standard input; without it, the input is empty. */
  readonly stdin?: string;
  /** The command and everything it started is ended after this time. */
  readonly timeoutMs: number;
  /** Limit of each output stream, in characters; the command is ended when it prints more. */
  readonly maxOutput?: number;
}

/** A listing of 10,000 rules is about 2 MB. */
const DEFAULT_MAX_OUTPUT = 32 * 1024 * 1024;
/** Where `ip netns` keeps named namespaces (iproute2 ip/ipnetns.c: NETNS_RUN_DIR). */
const NETNS_DIRECTORY = '/run/netns';
/** `nft` and `ip` live where a plain user's PATH does not look. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];
/** A file name that is neither an option nor a path. */
const PLAIN_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/**
 * Runs a command on a host: as a child of this process (`local`), or in a named network namespace of this machine
 * (`netns`, through `ip netns exec`). There is no shell: `argv` arrives as it is. The command sees no environment but
 * PATH and a C locale, so that no secret of ours reaches it and its messages stay in one language.
 * @param argv program name (looked up in the system's directories) or absolute path, then its arguments
 * @returns `unreachable` where no command could be started; never throws for anything the host does
 */
export async function run(access: Access, argv: readonly string[], options: RunOptions): Promise<RunOutcome> {
  switch (access.kind) {
    case 'local':
      return start(argv, options);
    case 'netns':
      return runInNamespace(access.name, argv, options);
    case 'ssh':
      return unreachable('not-supported', `${describeAccess(access)}: this version cannot run commands through ssh`);
    case 'render-only':
      return unreachable('render-only', 'declared render-only: the host is never contacted');
  }
}

/** How a host is reached, for messages: `ssh root@host`, `network namespace gw-1`. */
export function describeAccess(access: Access): string {
  switch (access.kind) {
    case 'local':
      return 'this machine';
    case 'netns':
      return `network namespace ${access.name}`;
    case 'ssh':
      return `ssh ${access.target}`;
    case 'render-only':
      return 'render-only';
  }
}

async function runInNamespace(name: string, argv: readonly string[], options: RunOptions): Promise<RunOutcome> {
  if (!PLAIN_NAME.test(name)) return unreachable('bad-name', `${JSON.stringify(name)} cannot name a network namespace`);
  if (!(await canAccess(join(NETNS_DIRECTORY, name), constants.F_OK))) {
    return unreachable('no-namespace', `there is no network namespace ${name} on this machine`);
  }
  // The mount of the file system stays the same, so the program is looked up here: `ip` answers a missing one with its
  // own exit code, which nothing tells apart from the program's.
  const program = await findProgram(argv[0] ?? '');
  if (program === undefined) return noCommand(argv[0]);
  const enter = ['ip', 'netns', 'exec', name];
  const outcome = await start([...enter, program, ...argv.slice(1)], options);
  if (outcome.kind === 'ran' && outcome.exitCode !== undefined && outcome.exitCode !== 0) {
    // Was it the program, or entering? A program that cannot fail tells.
    const entered = await start([...enter, (await findProgram('true')) ?? 'true'], { timeoutMs: options.timeoutMs });
    if (entered.kind === 'ran' && entered.exitCode !== undefined && entered.exitCode !== 0) {
      const words = entered.stderr.trim();
      return unreachable('not-permitted', `network namespace ${name} cannot be entered: ${words}`);
    }
  }
  return outcome;
}

async function start(argv: readonly string[], options: RunOptions): Promise<RunOutcome> {
  const program = await findProgram(argv[0] ?? '');
  if (program === undefined) return noCommand(argv[0]);
  const result = await execa(program, argv.slice(1), {
    reject: false,
    stripFinalNewline: false,
    extendEnv: false,
    env: { PATH: SYSTEM_DIRECTORIES.join(':'), LC_ALL: 'C' },
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
async function findProgram(name: string): Promise<string | undefined> {
  if (name.startsWith('/')) return (await canAccess(name, constants.X_OK)) ? name : undefined;
  if (!PLAIN_NAME.test(name)) return undefined;
  for (const directory of SYSTEM_DIRECTORIES) {
    const path = join(directory, name);
    if (await canAccess(path, constants.X_OK)) return path;
  }
  return undefined;
}

async function canAccess(path: string, mode: number): Promise<boolean> {
  try {
    await fileAccess(path, mode);
    return true;
  } catch {
    return false;
  }
}

function noCommand(name: string | undefined): RunUnreachable {
  return unreachable('no-command', `${name ?? 'the empty command'} is not installed`);
}

function unreachable(reason: RunUnreachable['reason'], why: string): RunUnreachable {
  return { kind: 'unreachable', reason, why };
}
