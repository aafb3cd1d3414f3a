import { IntervalSet } from '../../net/interval-set.ts';
import type { MarkValue, RewriteEffect } from '../ruleset.ts';
import type { State, Surroundings } from './domain.ts';
import { ABSENT, anything, CONNECTED, either, isAmong, type Key, type Known, known } from './values.ts';

/**
 * The packet after a rewrite, as later matches see it.
 * @param tracking whether the chain runs before the connection is looked up
 */
export function rewritten(
  effect: RewriteEffect | { readonly kind: 'anything' },
  state: State,
  tracking: Surroundings['tracking'],
): State {
  switch (effect.kind) {
    case 'aside':
      return state;
    case 'mark':
      return { ...state, values: withMark(effect.of === 'ct mark' ? 'ctMark' : 'mark', effect.value, state) };
    case 'nat':
      return { ...translated(state, effect.side), isTranslated: true };
    case 'payload':
      return { ...state, values: withField(state.values, effect.field) };
    case 'notrack':
      return untracked(state, tracking);
    case 'anything':
      return {
        ...state,
        values: unknownValues(state.values),
        cgroup: state.cgroup === undefined ? undefined : '?',
        isLost: true,
      };
  }
}

/** Address and port of one side are no longer what they were. */
export function translated(state: State, side: 'src' | 'dst'): State {
  const address = { values: familyValues(state.values), absent: false };
  const port: Key = side === 'src' ? 'sport' : 'dport';
  return { ...state, values: { ...state.values, [side]: address, [port]: other(state.values[port], port) } };
}

function familyValues(values: State['values']): IntervalSet {
  const last = values.family.values.contains(6n) ? (1n << 128n) - 1n : 0xffffffffn;
  return IntervalSet.of([0n, last]);
}

/** Any value, but none where there was none. */
function other(value: Known, key: Key): Known {
  return value.values.isEmpty() ? ABSENT : { ...anything(key), absent: value.absent };
}

function withMark(key: 'mark' | 'ctMark', value: MarkValue | undefined, state: State): State['values'] {
  const mark = value === undefined ? { ...anything('mark'), absent: false } : newMark(value, state);
  // Without a connection there is nothing to keep its mark in (nft_ct.c nft_ct_set_eval).
  if (key === 'ctMark' && isAmong(state.values.ctState, CONNECTED) === 'no') return state.values;
  return { ...state.values, [key]: mark };
}

function newMark({ base, and, xor }: MarkValue, { values }: State): Known {
  if (base === undefined || and === 0n) return known(xor);
  const from = values[base === 'ct mark' ? 'ctMark' : 'mark'].values.intervals;
  const points = from.map(([low, high]) => (low === high ? (low & and) ^ xor : undefined));
  const sure = points.filter((p) => p !== undefined);
  return sure.length === points.length && sure.length > 0 ? known(...sure) : { ...anything('mark'), absent: false };
}

const WRITTEN: Readonly<Record<string, Key>> = {
  saddr: 'src',
  daddr: 'dst',
  sport: 'sport',
  dport: 'dport',
  flags: 'tcpFlags',
  type: 'icmpType',
  code: 'icmpCode',
};

function withField(values: State['values'], field: string): State['values'] {
  const key = Object.hasOwn(WRITTEN, field) ? WRITTEN[field] : undefined;
  if (key === undefined) return values;
  if (key === 'src' || key === 'dst') return { ...values, [key]: { values: familyValues(values), absent: false } };
  return { ...values, [key]: other(values[key], key) };
}

/** A packet that already has its connection keeps it (nft_ct.c nft_notrack_eval). */
function untracked(state: State, tracking: Surroundings['tracking']): State {
  const isConnected = tracking === 'early' ? 'no' : isAmong(state.values.ctState, CONNECTED);
  if (isConnected === 'no') return { ...state, isUntracked: true };
  if (isConnected === 'yes' && tracking === 'done') return state;
  const { ctState, ctDirection, ctMark } = state.values;
  const values = {
    ctState: either(ctState, known(64n)),
    ctDirection: either(ctDirection, ABSENT),
    ctMark: either(ctMark, ABSENT),
  };
  return { ...state, values: { ...state.values, ...values } };
}

function unknownValues(values: State['values']): State['values'] {
  const keys = Object.keys(values) as Key[];
  const fixed: readonly Key[] = ['family', 'iif', 'oif'];
  return Object.fromEntries(
    keys.map((key) => [key, fixed.includes(key) ? values[key] : anything(key)]),
  ) as unknown as State['values'];
}
