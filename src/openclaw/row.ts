import { type KeyPath, keyPath } from './keys.ts';
import type { Expectation, Line, Severity, Unset } from './line.ts';

/** A line as a row of a table; causes are separated by blanks. */
export type Row = readonly [
  key: string | KeyPath,
  expect: Expectation,
  unset: Unset,
  causes: string,
  severity: Severity,
  section: string,
  fix: string,
  ofAgent?: Expectation | null,
];

/** One of these values, the first being what is asked for. */
export const is = (...values: unknown[]): Expectation => ({ kind: 'one-of', values });
/** Unset is this value. */
export const byDefault = (value: unknown): Unset => ({ kind: 'default', value });
/** Unset is nothing at all. */
export const nothing: Unset = { kind: 'nothing' };

/** The lines of a table. */
export function linesOf(rows: readonly Row[]): Line[] {
  return rows.map(([key, expect, unset, causes, severity, section, fix, ofAgent]) => ({
    key: typeof key === 'string' ? keyPath(key) : key,
    expect,
    unset,
    causes: causes.split(' '),
    severity,
    section,
    fix,
    ...(ofAgent === undefined ? {} : { ofAgent }),
  }));
}
