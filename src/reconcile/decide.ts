import { formatPrefix } from '../net/prefix.ts';
import type { Change } from '../proof/changes/change.ts';
import { compare } from '../proof/changes/compare.ts';
import type { Evidence } from '../state/evidence.ts';
import { interpret } from '../state/interpret.ts';
import type { Missing } from '../state/known.ts';
import type { State } from '../state/state.ts';
import type { Topology } from '../topology/model.ts';
import { type Action, candidates, keyOf } from './candidates.ts';
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
 * @param later keys of steps that come after all others
 */
export function decide(
  topology: Topology,
  declared: Evidence,
  observed: Evidence,
  later: ReadonlySet<string> = new Set(),
): Decision {
  const { ready: found, unready } = candidates(topology, declared, observed);
  const ready = [
    ...found.filter((c) => !later.has(keyOf(c.action))),
    ...found.filter((c) => later.has(keyOf(c.action))),
  ];
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
  const gains = changes.filter((c) => c.kind === 'gain' && !(isOpen && c.relation === 'becomes'));
  return {
    gains: [...gains, ...(gains.length === 0 ? newApprovals(action, a) : [])],
    missing: missing.filter((m) => m.source.startsWith(part) || !/^(tailnet|host)\//.test(m.source)),
  };
}

/** An approval counts before the device advertises the route: nobody would be asked again when it does. */
function newApprovals(action: Action, { tailnet }: State): readonly Change[] {
  if (action.kind !== 'routes' || !tailnet.devices.known) return [];
  const live = tailnet.devices.value.find((d) => d.id === action.device);
  const approved = new Set(live?.enabledRoutes.map(formatPrefix));
  const fresh = action.routes.filter((r) => !approved.has(r));
  if (fresh.length === 0) return [];
  return [
    {
      kind: 'gain',
      relation: 'becomes',
      layer: 'tailnet',
      src: { selector: action.host.name, members: [action.host.name] },
      dst: { selector: `router of ${fresh.join(', ')}`, members: [] },
      packets: [],
      count: 1,
      witness: { src: action.host.name, dst: fresh[0] ?? '', proto: 'none' },
      blame: [],
    },
  ];
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
