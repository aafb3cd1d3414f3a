import { execa } from 'execa';
import { CordonError } from '../source/error.ts';

/** `ip`, `nft` and their like live where a plain user's PATH does not look. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

/** The whole environment of what the lab starts: nothing of ours leaks into a namespace. */
export const PLAIN_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: SYSTEM_PATH, LC_ALL: 'C' };

/** An `ip` command is done in milliseconds; a machine under load gets a thousand times that. */
const TIMEOUT_MS = 20_000;

/**
 * Runs `ip` with the arguments as they are, without a shell.
 *
 * It gets a session of its own: Ctrl-C on a terminal reaches the whole foreground group, and must not end the very
 * command that takes the lab down.
 * @returns its standard output
 * @throws CordonError `lab-ip` with the command's own words
 */
export async function ip(args: readonly string[], stdin = ''): Promise<string> {
  const result = await execa('ip', args, {
    reject: false,
    extendEnv: false,
    env: PLAIN_ENVIRONMENT,
    input: stdin,
    detached: true,
    timeout: TIMEOUT_MS,
  });
  if (result.exitCode === 0) return result.stdout;
  const words = result.stderr.trim() === '' ? (result.shortMessage ?? 'no output') : result.stderr.trim();
  throw new CordonError('lab-ip', `ip ${args.join(' ')}: ${words}${failedLine(words, stdin)}`, {
    hint: 'the lab needs root, iproute2 and a kernel with network namespaces, veth and bridges',
  });
}

/**
 * Runs `ip -batch` with the lines, in a namespace, or with `namespace` undefined in the machine's own. It stops at the
 * first line that fails, unless it is to keep going.
 * @throws CordonError `lab-ip`, naming the first line that failed
 */
export async function ipBatch(
  namespace: string | undefined,
  lines: readonly string[],
  options: { readonly keepGoing?: boolean } = {},
): Promise<void> {
  if (lines.length === 0) return;
  const where = namespace === undefined ? [] : ['-n', namespace];
  const force = options.keepGoing ? ['-force'] : [];
  await ip([...where, ...force, '-batch', '-'], `${lines.join('\n')}\n`);
}

/**
 * Writes one value into settings below /proc/sys/net of a namespace.
 * @param paths relative to /proc/sys/net
 */
export async function writeSettings(namespace: string, value: '0' | '1', paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return;
  // tee, because it is on every machine and writes one input to many files.
  await ip(['netns', 'exec', namespace, 'tee', ...paths.map((path) => `/proc/sys/net/${path}`)], value);
}

/**
 * As `Promise.all`, but a failure is thrown only when nothing is under way any more, so that nobody tidies up meanwhile.
 * @throws the first error, in the order of `work`
 */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((r) => r.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** `ip` says `Command failed -:3`; the line itself says more. */
function failedLine(words: string, stdin: string): string {
  const number = /Command failed -:(\d+)/.exec(words)?.[1];
  const line = number === undefined ? undefined : stdin.split('\n')[Number(number) - 1];
  return line === undefined ? '' : ` (${line})`;
}
