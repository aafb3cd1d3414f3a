import { execa } from 'execa';
import type { Engine } from './provision.ts';

/** Pulumi gets this long to stop cleanly, and to save its state, before it is killed. */
const STOP_MS = 20_000;

export interface RunPulumiOptions {
  /** Folder with Pulumi.yaml. */
  readonly cwd: string;
  /** On top of the engine's environment: backend, passphrase file, credentials by reference. */
  readonly env?: Readonly<Record<string, string>>;
  /** Text for stdin, as `pulumi config set --secret` reads it: secrets are never arguments. */
  readonly stdin?: string;
  /** Called for every line as it comes. */
  readonly onLine?: (stream: 'stdout' | 'stderr', line: string) => void;
  readonly timeoutMs: number;
}

export interface PulumiRun {
  /**
   * 0 ok, 1 error, 2 configuration or usage, 6 no such stack, 7 changes although none were expected, … (pulumi
   * pkg/cmd/pulumi/cmd/exit_codes.go). -1 = ended by a signal or never started.
   */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/**
 * Runs the CLI without ever asking a question (`--non-interactive`). A run that takes too long is interrupted like with
 * Ctrl-C, so that it can save its state, and killed if that does not help. Never throws for what Pulumi does.
 */
export async function runPulumi(
  engine: Engine,
  argv: readonly string[],
  options: RunPulumiOptions,
): Promise<PulumiRun> {
  const child = execa(engine.cli, [...argv, '--non-interactive'], {
    cwd: options.cwd,
    env: { ...engine.env, ...options.env },
    ...(options.stdin === undefined ? { stdin: 'ignore' } : { input: options.stdin }),
    timeout: options.timeoutMs,
    killSignal: 'SIGINT',
    forceKillAfterDelay: STOP_MS,
    reject: false,
  });
  const { onLine } = options;
  if (onLine !== undefined) {
    for (const stream of ['stdout', 'stderr'] as const) {
      void (async () => {
        for await (const line of child.iterable({ from: stream, preserveNewlines: false }))
          onLine(stream, String(line));
      })().catch(() => {});
    }
  }
  const { exitCode, stdout, stderr, timedOut, durationMs } = await child;
  return { exitCode: exitCode ?? -1, stdout: String(stdout), stderr: String(stderr), timedOut, durationMs };
}
