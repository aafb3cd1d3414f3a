import type { TailnetClient } from '../observe/tailnet-client.ts';
import type { Evidence } from '../state/evidence.ts';
import type { Topology } from '../topology/model.ts';
import { act, describeAction, type Outcome } from './act.ts';
import { type Action, keyOf } from './candidates.ts';
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

export interface Taken {
  readonly action: Action;
  readonly outcome: Outcome;
}

export interface PassResult {
  readonly before: Evidence;
  /** After acting; the same as `before` where nothing was done. */
  readonly after: Evidence;
  /** Every attempt, in order; only the last can have failed otherwise than by a refusal. */
  readonly taken: readonly Taken[];
  /** What would have been done in stage `plan`. */
  readonly planned: readonly Action[];
  readonly held: readonly Held[];
}

/**
 * One pass, level-triggered: observe → decide → act → observe again. Steps are taken one at a time; when one fails the
 * pass stops, because what it decided was decided for a world that is no longer there. A step that is refused is tried
 * once more after all others: a policy's own tests fail while a device has a tag too many, and a tag cannot be given
 * back while the policy names no owner for it.
 */
export async function runPass(options: PassOptions): Promise<PassResult> {
  const { topology, declared, stage, observe } = options;
  const before = await observe();
  if (stage === 'observe') return { before, after: before, taken: [], planned: [], held: [] };
  const decision = decide(topology, declared, before);
  if (stage === 'plan' || decision.actions.length === 0) {
    return { before, after: before, taken: [], planned: decision.actions, held: decision.held };
  }
  return { before, planned: [], ...(await enforce(options, decision)) };
}

async function enforce(options: PassOptions, first: Decision): Promise<Pick<PassResult, 'after' | 'taken' | 'held'>> {
  const { topology, declared, observe } = options;
  const taken: Taken[] = [];
  const refused = new Set<string>();
  let decision = first;
  for (;;) {
    const round = await takeSteps(options, decision.actions);
    taken.push(...round);
    const after = await observe();
    const last = round.at(-1);
    if (last === undefined || last.outcome.refused !== true || refused.has(keyOf(last.action))) {
      return { after, taken, held: decision.held };
    }
    refused.add(keyOf(last.action));
    decision = decide(topology, declared, after, refused);
  }
}

/** Takes steps up to and including the first that is not done. */
async function takeSteps({ client, onStep }: PassOptions, actions: readonly Action[]): Promise<readonly Taken[]> {
  const taken: Taken[] = [];
  for (const action of actions) {
    onStep?.({ kind: 'acting', text: describeAction(action) });
    const outcome = await act(action, client);
    onStep?.({ kind: 'acted', text: outcome.text, done: outcome.done });
    taken.push({ action, outcome });
    if (!outcome.done) break;
  }
  return taken;
}
