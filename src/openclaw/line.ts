import type { KeyPath } from './keys.ts';

export type Severity = 'critical' | 'high' | 'medium' | 'low';

/** What a value has to be. */
export type Expectation =
  /** One of these values; the first is what is shown as expected. */
  | { readonly kind: 'one-of'; readonly values: readonly unknown[] }
  /** The same list of texts, in any order. */
  | { readonly kind: 'same-list'; readonly list: readonly string[] }
  /** A list that has at least these texts. */
  | { readonly kind: 'list-with'; readonly list: readonly string[] }
  /** A tool list that comes to exactly these tools. */
  | { readonly kind: 'tools'; readonly list: readonly string[] }
  /** A tool list that matches all of `deny` and none of `keep`. */
  | { readonly kind: 'denied-tools'; readonly deny: readonly string[]; readonly keep: readonly string[] }
  /** Names that are among these, spelt exactly. */
  | { readonly kind: 'names-among'; readonly list: readonly string[] }
  /** Exact names without any pattern: what is denied by pattern is not denied. */
  | { readonly kind: 'exact-names' }
  /** A URL with the same scheme, host and port as one of these, and without a path. */
  | { readonly kind: 'url'; readonly urls: readonly string[] }
  /** A secret by reference: `${NAME}` or a map that names a source. */
  | { readonly kind: 'reference' }
  /** The ids of a list of models, and nothing in an entry that leads to another place. */
  | { readonly kind: 'models'; readonly list: readonly unknown[] | undefined };

/** What is in effect where the file says nothing. */
export type Unset =
  /** The release's default; with `inMap` only where the map that the key belongs to is there at all. */
  | { readonly kind: 'default'; readonly value: unknown; readonly inMap?: true }
  /** Nothing: no entry, no exception, no list. It meets every expectation that has `undefined` among its values. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown'; readonly why: string };

/** One line of a baseline: a key, what it has to be, and why. */
export interface Line {
  /** By its newest name. Where it is under `agents.defaults` or `tools`, an agent of its own may set it as well. */
  readonly key: KeyPath;
  readonly expect: Expectation;
  readonly unset: Unset;
  /** What an agent's own value has to be where that differs; `null` = an agent cannot widen it. */
  readonly ofAgent?: Expectation | null;
  /** Ids of the escape-route catalogue. */
  readonly causes: readonly string[];
  readonly severity: Severity;
  /** Section of the baseline document the line comes from. */
  readonly section: string;
  /** What ends a deviation, one sentence. */
  readonly fix: string;
}

export type LineState = 'holds' | 'violated' | 'unknown' | 'invalid';

/** One line (or one key that no line has) decided. */
export interface Finding {
  /** The key as the file of this version has it, agent included; `fs.…` for file modes, a source's name where it failed. */
  readonly path: string;
  /** Where the key is an agent's own. */
  readonly agent?: string;
  readonly state: LineState;
  readonly causes: readonly string[];
  readonly severity: Severity;
  readonly section: string;
  /** Values fit to print; `null` = not set. */
  readonly expected: unknown;
  readonly effective: unknown;
  /** Where the effective value comes from: `config`, `default of 2026.9.6`, `audit gateway.bind_no_auth` … */
  readonly source: string;
  readonly fix: string;
}
