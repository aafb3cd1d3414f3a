/** What was missing, and where it should have come from. */
export interface Missing {
  /** Source name (`host/exec-1/nft.txt`) or a place in a source (`tailnet/policy:12:3`). */
  readonly source: string;
  /** In the operator's words: denied, late, not modelled … */
  readonly why: string;
}

/** A value that we have, or the honest list of what we lack to have it. Never a default. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly missing: readonly Missing[] };

export function known<T>(value: T): Known<T> {
  return { known: true, value };
}

export function unknown(...missing: readonly Missing[]): Known<never> {
  return { known: false, missing };
}

/** What is missing in any of them; empty when all are known. */
export function missingOf(...all: readonly Known<unknown>[]): Missing[] {
  return all.flatMap((k) => (k.known ? [] : k.missing));
}
