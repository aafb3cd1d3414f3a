import { expect } from 'vitest';
import type { Action } from '../../src/reconcile/candidates.ts';
import { type Decision, decide, describeHeld } from '../../src/reconcile/decide.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { declare } from './world.ts';

export const { topology, evidence } = declare();

/** What the reconciler decides where this is the world. */
export const on = (observed: Evidence): Decision => decide(topology, evidence, observed);

/** `policy`, `ruleset gw-1`, … */
export function names(actions: readonly Action[]): string[] {
  return actions.map((a) => (a.kind === 'policy' ? 'policy' : `${a.kind} ${a.host.name}`));
}

/** Exactly these steps, and nothing waits. */
export function expectTaken(observed: Evidence, ...actions: string[]): Decision {
  const decision = on(observed);
  expect({ actions: names(decision.actions), held: decision.held.map(describeHeld) }).toEqual({ actions, held: [] });
  return decision;
}

/** No step, and one thing waits for this reason. */
export function expectHeld(observed: Evidence, what: string, why: RegExp): Decision {
  const decision = on(observed);
  expect(names(decision.actions)).toEqual([]);
  expect(decision.held.map((h) => h.what)).toEqual([what]);
  expect(describeHeld(decision.held[0] as never)).toMatch(why);
  return decision;
}

export const WIDENS = /it would give somebody access/;
export const UNTOLD = /whether it would give somebody access cannot be told/;
export const UNREAD = /what is there now could not be read/;

/** Puts a grant in front of the others. */
export const slipIn = (grant: string) => (text: string) => text.replace('"grants": [', `"grants": [${grant}`);

export const EVERYTHING = '{"src": ["*"], "dst": ["*"], "ip": ["*"]},';
/** As the declared policy prints them. */
export const GATEWAY_GRANT = `{
			"src": ["tag:executor"],
			"dst": ["tag:gateway"],
			"ip":  ["tcp:443", "tcp:8000-8010", "udp:443"],
		},`;
export const MODEL_GRANT = `{
			"src": ["tag:orchestrator"],
			"dst": ["10.78.1.10", "fd78:1::a"],
			"ip":  ["tcp:11434"],
		},`;
