import { randomBytes } from 'node:crypto';
import type { RunFinished, RunOutcome } from './outcome.ts';
import type { RunOptions } from './spawn.ts';
import { COMMAND_ENVIRONMENT, DEFAULT_MAX_OUTPUT, noCommand, PLAIN_NAME, spawn, unreachable } from './spawn.ts';

/** What the `ssh` client itself needs of our environment: where its files, agent and tickets are, and who we are. */
const CLIENT_VARIABLES = ['HOME', 'USER', 'LOGNAME', 'PATH', 'SSH_AUTH_SOCK', 'XDG_RUNTIME_DIR', 'KRB5CCNAME'];
/** Names a configuration file for `ssh` to use instead of the user's own; for machines that have one only for us. */
const CONFIG_VARIABLE = 'CORDON_SSH_CONFIG';
/** Longest wait for a connection; within the command's own limit. */
const CONNECT_SECONDS = 10;
/** ssh(1), "EXIT STATUS": "255 if an error occurred"; a command may end with 255 as well. */
const SSH_FAILED = 255;

/*
 * Runs on the host, as arguments of the login shell's one command. A line with a number used once on both streams says
 * that the command is starting, so that what a login shell prints before is told apart from its output, and one on
 * stderr says how it ended: ssh's own exit code 255 then cannot be taken for the command's. `timeout` ends the command
 * and all it started although the connection may be gone: sshd does not.
 */
const WRAPPER = `
mark=$1; limit=$2; path=$3; shift 3
PATH=$path; export PATH
command -v -- "$1" >/dev/null || { printf '%s missing\\n' "$mark" >&2; exit 127; }
printf '%s\\n' "$mark"; printf '%s\\n' "$mark" >&2
set -- env -i "PATH=$path" LC_ALL=C "$@"
if command -v timeout >/dev/null; then set -- timeout -s KILL "$limit" "$@"; fi
"$@"
code=$?
printf '\\n%s %s\\n' "$mark" "$code" >&2
exit "$code"
`;

/**
 * Runs a command on a host through the system's `ssh`, whose own configuration decides about keys, jump hosts, known
 * hosts and the rest; nothing is ever asked on a terminal, and nothing of ours is forwarded to the host.
 *
 * A command that was not seen to start is `unreachable`: ssh's own words say why. One that was seen to start and not to
 * end is `ran` with `lost`: it may have ended in any way, or still be running until its time limit.
 * @param target `user@host`, `host` or `ssh://…`, as for the `ssh` command
 */
export async function runOverSsh(target: string, argv: readonly string[], options: RunOptions): Promise<RunOutcome> {
  if (target === '' || target.startsWith('-')) {
    return unreachable('bad-name', `${JSON.stringify(target)} is no ssh destination`);
  }
  const program = argv[0] ?? '';
  if (!program.startsWith('/') && !PLAIN_NAME.test(program)) return noCommand(program);
  const mark = `cordon-${randomBytes(12).toString('hex')}`;
  const seconds = Math.max(1, Math.ceil(options.timeoutMs / 1000));
  const path = COMMAND_ENVIRONMENT['PATH'] ?? '';
  const remote = ['sh', '-c', WRAPPER, 'cordon', mark, String(seconds), path, ...argv];
  const outcome = await spawn(
    ['ssh', ...sshOptions(options, seconds), '--', target, remote.map(quoteForShell).join(' ')],
    { ...options, maxOutput: (options.maxOutput ?? DEFAULT_MAX_OUTPUT) + mark.length + 1 },
    clientEnvironment(),
  );
  return outcome.kind === 'ran' ? readMarks(target, program, mark, outcome) : outcome;
}

/**
 * One word for a login shell of the Bourne family, or fish: whatever it holds arrives as it is. Backslashes stand
 * outside of the quotes, because only there all of these shells read them alike.
 */
export function quoteForShell(word: string): string {
  return `'${word.replace(/['\\]/g, (c) => `'\\${c}'`)}'`;
}

/** ssh_config(5). What is given here outranks the user's configuration; all else is left to it. */
function sshOptions({ newConnection }: RunOptions, seconds: number): readonly string[] {
  const settings = [
    'BatchMode=yes',
    `ConnectTimeout=${Math.min(seconds, CONNECT_SECONDS)}`,
    // A host that fell silent is noticed after some ten seconds, not when the command's limit is reached.
    'ServerAliveInterval=4',
    'ServerAliveCountMax=2',
    // A host that is looked at may be in other hands already: it gets no agent, no display, no port of ours.
    'ForwardAgent=no',
    'ForwardX11=no',
    'ClearAllForwardings=yes',
    'RemoteCommand=none',
    'RequestTTY=no',
    'LogLevel=ERROR',
    ...(newConnection === true ? ['ControlMaster=no', 'ControlPath=none'] : []),
  ];
  const config = process.env[CONFIG_VARIABLE] ?? '';
  return [...(config === '' ? [] : ['-F', config]), ...settings.flatMap((setting) => ['-o', setting])];
}

function clientEnvironment(): Record<string, string> {
  const environment: Record<string, string> = { ...COMMAND_ENVIRONMENT };
  for (const name of CLIENT_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** What the wrapper's lines say about how the command started and ended. */
function readMarks(target: string, program: string, mark: string, client: RunFinished): RunOutcome {
  if (client.stderr.includes(`${mark} missing\n`)) return noCommand(program);
  const started = client.stderr.indexOf(`${mark}\n`);
  // The limits end ssh, and then nothing is known about what has begun on the host.
  const isCutOff = client.timedOut || client.truncated;
  if (started < 0 && !isCutOff) {
    const words = client.stderr.trim() === '' ? `ssh ended with exit code ${client.exitCode}` : client.stderr.trim();
    const reason = client.exitCode === SSH_FAILED ? 'not-connected' : 'no-shell';
    const what = reason === 'not-connected' ? '' : 'its login shell did not start the command: ';
    return unreachable(reason, `ssh ${target}: ${what}${words}`);
  }
  const stdout = after(client.stdout, `${mark}\n`);
  const stderr = after(client.stderr, `${mark}\n`);
  const end = stderr.lastIndexOf(`\n${mark} `);
  const exitCode = end < 0 ? undefined : Number.parseInt(stderr.slice(end + mark.length + 2), 10);
  if (exitCode === undefined || isCutOff) {
    return { ...client, exitCode: undefined, stdout, stderr, lost: !isCutOff };
  }
  return { ...client, exitCode, stdout, stderr: stderr.slice(0, end) };
}

function after(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? '' : text.slice(at + mark.length);
}
