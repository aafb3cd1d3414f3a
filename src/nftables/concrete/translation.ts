import { IntervalSet } from '../../net/interval-set.ts';
import type { Hook, Ruleset, Table } from '../ruleset.ts';
import { isOnLoopback, type State } from './domain.ts';
import { translated } from './rewrite.ts';
import { isAmong } from './values.ts';

/** Which side of an address pair is rewritten at a hook (nf_nat.h HOOK2MANIP). */
function sideAt(hook: Hook): 'src' | 'dst' {
  return hook === 'postrouting' || hook === 'input' ? 'src' : 'dst';
}

/** Hooks whose translations are undone for replies at this hook. */
const UNDONE: Readonly<Record<Hook, readonly Hook[]>> = {
  prerouting: ['postrouting', 'input'],
  output: ['input'],
  postrouting: ['prerouting'],
  input: ['output'],
  forward: [],
  ingress: [],
  egress: [],
};

/** On the loopback device a connection passes all four hooks, so that either end of it undoes either translation. */
const UNDONE_ON_LOOPBACK: Readonly<Partial<Record<Hook, readonly Hook[]>>> = {
  output: ['postrouting'],
  postrouting: ['output'],
  input: ['prerouting'],
};

const ESTABLISHED = IntervalSet.points(2n, 4n);
const REPLY = IntervalSet.point(1n);

/**
 * What NAT does to packets of connections whose first packet is long gone: nobody asks the NAT chains any more, but the
 * translation that they set up then is applied, at the place of the NAT hooks. Which one it was the packet does not say.
 * @param isReached whether a packet of this state would set up a translation if it were the first one
 */
export function afterTranslation(ruleset: Ruleset, hook: Hook, state: State, isReached: boolean): State {
  if (isAmong(state.values.ctState, ESTABLISHED) === 'no' || state.isUntracked) return state;
  const direction = isAmong(state.values.ctDirection, REPLY);
  const isOriginal = direction !== 'yes' && isReached;
  const isReply = direction !== 'no' && undoes(ruleset, hook, state);
  return isOriginal || isReply ? translated(state, sideAt(hook)) : state;
}

function undoes(ruleset: Ruleset, hook: Hook, state: State): boolean {
  const lo = [isOnLoopback(state.values.iif), isOnLoopback(state.values.oif)].some((answer) => answer !== 'no');
  const hooks = [...UNDONE[hook], ...(lo ? (UNDONE_ON_LOOPBACK[hook] ?? []) : [])];
  return ruleset.tables.some((table) => {
    return tableTranslates(table) && table.chains.some((c) => c.base?.type === 'nat' && hooks.includes(c.base.hook));
  });
}

/** True when some rule translates addresses, or does something unknown. */
export function translates(ruleset: Ruleset): boolean {
  return ruleset.tables.some(tableTranslates);
}

const translating = new WeakMap<Table, boolean>();

function tableTranslates(table: Table): boolean {
  const known = translating.get(table);
  if (known !== undefined) return known;
  const found = table.chains.some((c) =>
    c.rules.some((r) =>
      r.statements.some((s) => s.kind === 'unknown' || (s.kind === 'rewrite' && s.effect.kind === 'nat')),
    ),
  );
  translating.set(table, found);
  return found;
}
