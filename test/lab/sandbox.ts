import { execFileSync } from 'node:child_process';
import { Sandbox } from '../../src/lab/sandbox.ts';
import { requireOrSkip } from '../support/require.ts';

/** A sandbox for one test, or the test is skipped and says why. */
export async function openSandbox(asUser?: boolean): Promise<Sandbox> {
  const opened = await Sandbox.open(['cordon.slice'], asUser);
  requireOrSkip(opened.ok, opened.ok ? '' : opened.missing.join('; '));
  return opened.sandbox;
}

/** True when a process of this machine still holds namespaces of a sandbox: to see that none is left. */
export function isAlive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}
