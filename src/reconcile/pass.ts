import type { TailnetClient } from '../observe/tailnet-client.ts';
import type { Evidence } from '../state/evidence.ts';
import type { Topology } from '../topology/model.ts';
import { act, describeAction, type Outcome } from './act.ts';
import type { Action } from './candidates.ts';
import { type Decision, decide, type Held } from './decide.ts';

/** How far a pass may go: look only, say what it would do, or do it. */
export type Stage = 'observe' | 'plan' | 'enforce';

export interface PassOptions {
  readonly topology: Topology;
  readonly declared: Evidence;
  readonly stage: Stage;
  readonly observe: () => Promise<Evidence>;
  readonly client: TailnetClient | undefined;
  /** Told of every step before and after it is taken. */
  readonly onStep?: (event: StepEvent) => void;
}

export type StepEvent =
  | { readonly kind: 'acting'; readonly text: string }
  | { readonly kind: 'acted'; readonly text: string; readonly done: boolean };

export interface PassResult {
  readonly before: Evidence;
  /** After acting; the same as `before` where nothing was done. */
  readonly after: Evidence;
  readonly taken: readonly { readonly action: Action; readonly outcome: Outcome }[];
  /** What would have been done in stage `plan`. */
  readonly planned: readonly Action[];
  readonly held: readonly Held[];
}

/**
 * One pass, level-triggered: observe → decide → act → observe again. Steps are taken one at a time; when one fails the
 * pass stops, because what it decided was decided for a world that is no longer there.
 */
export async function runPass(options: PassOptions): Promise<PassResult> {
  const { topology, declared, stage, observe, client, onStep } = options;
  const before = await observe();
  const decision: Decision = stage === 'observe' ? { actions: [], held: [] } : decide(topology, declared, before);
  if (stage !== 'enforce' || decision.actions.length === 0) {
    return { before, after: before, taken: [], planned: decision.actions, held: decision.held };
  }
  const taken: { action: Action; outcome: Outcome }[] = [];
  for (const action of decision.actions) {
    onStep?.({ kind: 'acting', text: describeAction(action) });
    const outcome = await act(action, client);
    onStep?.({ kind: 'acted', ...outcome });
    taken.push({ action, outcome });
    if (!outcome.done) break;
  }
  return { before, after: await observe(), taken, planned: [], held: decision.held };
}
