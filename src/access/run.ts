import { constants } from 'node:fs/promises';
import { join } from 'node:path';
import type { Access } from '../topology/model.ts';
import type { RunOutcome } from './outcome.ts';
import type { RunOptions } from './spawn.ts';
import { canAccess, findProgram, noCommand, PLAIN_NAME, spawn, unreachable } from './spawn.ts';
import { runOverSsh } from './ssh.ts';

export type { RunOptions } from './spawn.ts';

/** Where `ip netns` keeps named namespaces (iproute2 ip/ipnetns.c: NETNS_RUN_DIR). */
const NETNS_DIRECTORY = '/run/netns';

/**
 * Runs a command on a host: as a child of this process (`local`), in a named network namespace of this machine
 * (`netns`, through `ip netns exec`), or through the system's `ssh`. There is no shell that could interpret anything:
 * `argv` arrives as it is. The command sees no environment but PATH and a C locale, so that no secret of ours reaches
 * it and its messages stay in one language.
 * @param argv program name (looked up in the system's directories) or absolute path, then its arguments
 * @returns `unreachable` where no command could be started; never throws for anything the host does
 */
export async function run(access: Access, argv: readonly string[], options: RunOptions): Promise<RunOutcome> {
  switch (access.kind) {
    case 'local':
      return spawn(argv, options);
    case 'netns':
      return runInNamespace(access.name, argv, options);
    case 'ssh':
      return runOverSsh(access.target, argv, options);
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
  const outcome = await spawn([...enter, program, ...argv.slice(1)], options);
  if (outcome.kind === 'ran' && outcome.exitCode !== undefined && outcome.exitCode !== 0) {
    // Was it the program, or entering? A program that cannot fail tells.
    const entered = await spawn([...enter, (await findProgram('true')) ?? 'true'], { timeoutMs: options.timeoutMs });
    if (entered.kind === 'ran' && entered.exitCode !== undefined && entered.exitCode !== 0) {
      const words = entered.stderr.trim();
      return unreachable('not-permitted', `network namespace ${name} cannot be entered: ${words}`);
    }
  }
  return outcome;
}
