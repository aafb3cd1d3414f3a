import { Sandbox } from '../../src/lab/sandbox.ts';
import { requireOrSkip } from '../support/require.ts';

/** A sandbox for one test, or the test is skipped and says why. */
export async function openSandbox(as?: 'root' | 'user'): Promise<Sandbox> {
  const opened = await Sandbox.open(['cordon.slice'], as);
  requireOrSkip(opened.ok, opened.ok ? '' : opened.missing.join('; '));
  return opened.sandbox;
}
