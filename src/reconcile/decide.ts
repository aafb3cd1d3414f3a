import type { Change } from '../proof/changes/change.ts';
import { compare } from '../proof/changes/compare.ts';
import type { Evidence } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import type { Missing } from '../state/known.ts';
import type { Topology } from '../topology/model.ts';
import { type Action, candidates } from './candidates.ts';
import { allowsEverything } from './open-policy.ts';

/** A step that waits for an operator, and why. */
export interface Held {
  readonly what: string;
  readonly why: string;
  /** Who would gain what by it. */
  readonly gains: readonly Change[];
  /** What would have to be known. */
  readonly missing: readonly Missing[];
}

export interface Decision {
  /** Deny first: rulesets before the policy, and nothing in it gives anybody anything. */
  readonly actions: readonly Action[];
  readonly held: readonly Held[];
}

/**
 * What may be restored without asking. The steps are judged in the order in which they are taken: the observed world with
 * the steps so far and this one is compared with the observed world, and the step is taken only when nobody gains
 * anything and nothing about that is unknown. So no moment of a pass is wider than the world it found, and two steps that
 * are harmless apart cannot open anything together.
 */
export function decide(topology: Topology, declared: Evidence, observed: Evidence): Decision {
  const { ready, unready } = candidates(topology, declared, observed);
  const actions: Action[] = [];
  const held: Held[] = unready.map(({ what, missing }) => ({ what, why: UNREAD, gains: [], missing }));
  let accepted = observed;
  for (const { action, what, edit } of ready) {
    const after = edit(accepted);
    const { gains, missing } = consequences(topology, action, observed, after);
    if (gains.length > 0) held.push({ what, why: WIDENS, gains, missing });
    else if (missing.length > 0) held.push({ what, why: UNTOLD, gains, missing });
    else {
      actions.push(action);
      accepted = after;
    }
  }
  return { actions, held };
}

const WIDENS = 'it would give somebody access';
const UNTOLD = 'whether it would give somebody access cannot be told';
const UNREAD = 'what is there now could not be read';

/**
 * What a step gives to whom, in its own part of the world alone: a ruleset says nothing about another host or about the
 * tailnet, so what is unknown elsewhere does not hold it.
 */
function consequences(
  topology: Topology,
  action: Action,
  before: Evidence,
  after: Evidence,
): Pick<Held, 'gains' | 'missing'> {
  const part = action.kind === 'ruleset' ? `host/${action.host.name}/` : 'tailnet/';
  const [a, b] = [interpret(only(before, part)), interpret(only(after, part))];
  const { changes, missing } = compare(topology, { state: a, file: 'live' }, { state: b, file: 'declared' });
  const { policy } = a.tailnet;
  // Where everybody reaches everything, a tag or a route of one's own adds nothing: holding the step for it would keep
  // the tailnet open.
  const isOpen = policy.known && allowsEverything(policy.value.policy);
  return {
    gains: changes.filter((c) => c.kind === 'gain' && !(isOpen && c.relation === 'becomes')),
    missing: missing.filter((m) => m.source.startsWith(part) || !/^(tailnet|host)\//.test(m.source)),
  };
}

/** A held step in the operator's words, one line: what waits, why, and the first of who would gain what. */
export function describeHeld({ what, why, gains, missing }: Held): string {
  const reasons = [
    ...gains.map((c) => `${c.src.selector} -> ${c.dst.selector}`),
    ...missing.map((m) => `${m.source}: ${m.why}`),
  ];
  const more = reasons.length > SHOWN ? ` and ${reasons.length - SHOWN} more` : '';
  const shown = reasons.slice(0, SHOWN).join('; ');
  return `${what} waits for an operator: ${why}${shown === '' ? '' : ` (${shown}${more})`}`;
}

const SHOWN = 3;

function only({ sources }: Evidence, part: string): Evidence {
  return { sources: Object.fromEntries(Object.entries(sources).filter(([name]) => name.startsWith(part))) };
}
