import { type ObserveWorldOptions, observeWorld } from '../observe/world.ts';
import { CordonError } from '../source/error.ts';
import type { Evidence } from '../state/evidence.ts';
import type { Topology } from '../topology/model.ts';
import { makeLogger } from './log.ts';

/** How to look. */
export interface LookOptions {
  /** Seconds for each answer; undefined = the defaults. */
  readonly timeout: number | undefined;
  /** Do not say again whose answers these are. */
  readonly again?: boolean;
}

/** Looks at the world; says on stderr when what answers is the emulator. */
export async function observe(topology: Topology, options: LookOptions): Promise<Evidence> {
  const limits = limitsOf(options.timeout);
  const log = await makeLogger('observe');
  const { evidence, emulated } = await observeWorld(topology, {
    env: process.env,
    now: () => new Date(),
    ...limits,
  });
  if (emulated && options.again !== true)
    log.warn("the tailnet API is cordon's own emulator: this says nothing about a real tailnet");
  return evidence;
}

/** A day; more is a mistyped number, and Node's timers end at 24 days. */
const LONGEST_S = 86_400;

function limitsOf(timeout: number | undefined): Pick<ObserveWorldOptions, 'hostTimeoutMs' | 'tailnetLimits'> {
  if (timeout === undefined) return {};
  if (!(timeout > 0 && timeout <= LONGEST_S)) {
    throw new CordonError('usage', `--timeout ${timeout} is no number of seconds to wait`, {
      hint: `give a number above 0 and up to ${LONGEST_S}`,
    });
  }
  const timeoutMs = Math.ceil(timeout * 1000);
  return {
    hostTimeoutMs: timeoutMs,
    tailnetLimits: { timeoutMs, totalTimeoutMs: 3 * timeoutMs, retries: 3, maxPauseMs: Math.min(timeoutMs, 10_000) },
  };
}
