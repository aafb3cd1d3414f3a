import { vi } from 'vitest';
import { runCordon } from '../../src/cli/cordon.ts';
import type { Run, RunOptions } from './program.ts';

const CREDENTIALS = /^(TAILSCALE|TS|OAUTH|CORDON)_/;

/**
 * Runs a command line in this process: all that a process of its own does but starting it, for tables with many rows.
 * One at a time; what it writes is caught (but for log lines, which go past the streams), its environment has no
 * credentials but the given ones.
 */
export async function cordonHere(args: readonly string[], options: Pick<RunOptions, 'cwd' | 'env'> = {}): Promise<Run> {
  const kept = { ...process.env };
  const cwd = process.cwd();
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += String(text);
      return true;
    }),
  );
  for (const name of Object.keys(process.env)) if (CREDENTIALS.test(name)) delete process.env[name];
  Object.assign(process.env, { CORDON_LOG_LEVEL: 'silent' }, options.env);
  process.chdir(options.cwd ?? cwd);
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await runCordon(args);
    return { code: process.exitCode ?? 0, ...said };
  } finally {
    process.exitCode = before;
    process.chdir(cwd);
    for (const spy of spies) spy.mockRestore();
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
  }
}
