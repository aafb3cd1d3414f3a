import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, rmdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** The checkout. */
export const ROOT = join(import.meta.dirname, '..', '..');
/** The built program: what `npm run cordon` and the package run. */
export const PROGRAM = join(ROOT, 'dist', 'src', 'cli', 'main.js');
export const HOMELAB = join(ROOT, 'examples', 'homelab', 'cordon.yaml');

/** How one run ended. */
export interface Run {
  readonly code: number | string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to PATH alone: nothing of the machine's own credentials gets in. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** What runs the program; the Node that runs the tests if absent. */
  readonly through?: readonly string[];
}

/** Runs the built program to its end. */
export async function cordon(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  ensureBuilt();
  const [program = process.execPath, ...before] = [...(options.through ?? []), process.execPath];
  return new Promise((resolve) => {
    const child = execFile(
      program,
      [...before, PROGRAM, ...args],
      {
        cwd: options.cwd ?? ROOT,
        env: environment(options.env),
        timeout: options.timeoutMs ?? 60_000,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? null), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

/** Starts the built program and leaves it running. */
export function startCordon(args: readonly string[], options: RunOptions = {}): ChildProcess {
  ensureBuilt();
  return spawn(process.execPath, [PROGRAM, ...args], { cwd: options.cwd ?? ROOT, env: environment(options.env) });
}

function environment(env: RunOptions['env']): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', ...env };
}

const SOURCES = ['src', 'infra', 'policies'];

/** Sources whose compiled file is missing or older. */
function stale(): string[] {
  return globSync(
    SOURCES.map((folder) => `${folder}/**/*.ts`),
    { cwd: ROOT },
  ).filter((source) => {
    const built = builtFile(source);
    return !existsSync(built) || statSync(built).mtimeMs < statSync(join(ROOT, source)).mtimeMs;
  });
}

function builtFile(source: string): string {
  return join(ROOT, 'dist', source.replace(/\.ts$/, '.js'));
}

let isBuilt = false;

/**
 * `npm test` builds first. Run by themselves these tests must not test yesterday's program: they say so and build.
 * @throws when the build gives no program
 */
function ensureBuilt(): void {
  if (isBuilt) return;
  const old = stale();
  if (old.length > 0) {
    process.stderr.write(`dist is older than ${old[0]} (and ${old.length - 1} more): building first\n`);
    underLock(() => {
      // What somebody else breaks elsewhere is the type checker's to report; the program is written all the same.
      try {
        execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'], {
          cwd: ROOT,
          stdio: ['ignore', 'pipe', 'inherit'],
        });
      } catch (error) {
        process.stderr.write(`${(error as { stdout?: Buffer }).stdout?.toString() ?? String(error)}\n`);
      }
      // A file that was touched without a change is not written again.
      const now = new Date();
      for (const source of stale()) if (existsSync(builtFile(source))) utimesSync(builtFile(source), now, now);
    });
  }
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run \`npm run build\``);
  isBuilt = true;
}

/** One build at a time, over all test processes. */
function underLock(work: () => void): void {
  const lock = join(ROOT, 'dist', '.building');
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  for (let waitedMs = 0; !tryMakeFolder(lock); waitedMs += 100) {
    if (waitedMs >= 120_000) throw new Error(`${lock} is left over from a killed build: remove it`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  try {
    if (stale().length > 0) work();
  } finally {
    rmdirSync(lock);
  }
}

function tryMakeFolder(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch {
    return false;
  }
}
