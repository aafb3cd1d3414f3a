import type { MarkKind, MarkValue } from './ruleset.ts';

/** What is known of a mark: `(original & and) ^ xor`, all of 32 bits. Undefined: nothing. */
export type MarkState = { readonly and: bigint; readonly xor: bigint } | undefined;

/** The marks of a packet as the rules so far have left them. */
export type Marks = Readonly<Record<MarkKind, MarkState>>;

const ALL_BITS = 0xffffffffn;

/** Both marks as they came. */
export const ORIGINAL_MARKS: Marks = {
  'meta mark': { and: ALL_BITS, xor: 0n },
  'ct mark': { and: ALL_BITS, xor: 0n },
};

/** Nothing is known of either mark. */
export const UNKNOWN_MARKS: Marks = { 'meta mark': undefined, 'ct mark': undefined };

/** The marks after `meta mark set …` or `ct mark set …`. */
export function withMark(marks: Marks, of: MarkKind, value: MarkValue | undefined): Marks {
  return { ...marks, [of]: value === undefined ? undefined : composed(marks, of, value) };
}

function composed(marks: Marks, of: MarkKind, { base, and, xor }: MarkValue): MarkState {
  if (base === undefined) return { and: 0n, xor };
  const from = marks[base];
  if (from === undefined) return and === 0n ? { and: 0n, xor } : undefined;
  const state = { and: from.and & and, xor: (from.xor & and) ^ xor };
  // What is left of one mark says nothing in terms of the other's original value.
  return base === of || state.and === 0n ? state : undefined;
}

/**
 * Turns `mark & mask == value` into a test of the original mark.
 * @returns `true` or `false` when the outcome is the same for every original mark, undefined when nothing is known
 */
export function originalTest(
  state: MarkState,
  mask: bigint,
  value: bigint,
): { readonly mask: bigint; readonly value: bigint } | boolean | undefined {
  if ((value & ~mask) !== 0n) return false;
  if (state === undefined) return mask === 0n ? value === 0n : undefined;
  const wanted = value ^ (state.xor & mask);
  const seen = state.and & mask;
  if ((wanted & ~seen) !== 0n) return false;
  return seen === 0n ? true : { mask: seen, value: wanted };
}
