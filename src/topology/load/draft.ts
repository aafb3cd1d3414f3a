import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import type { TopologyInput } from '../schema.ts';
import type { Path, Places } from './places.ts';
import { valueAt } from './plain.ts';
import { redact } from './secrets.ts';

/** `T` with everything optional, list items included. */
export type Partially<T> = T extends readonly (infer U)[]
  ? readonly (Partially<U> | undefined)[]
  : T extends object
    ? { readonly [K in keyof T]?: Partially<T[K]> | undefined }
    : T;

/**
 * The file's data where every value that is left has passed the schema at its place, and what failed is missing. The
 * semantic checks work on this, so that one misspelt field does not hide the other errors.
 */
export type DraftData = Partially<TopologyInput>;

/** Sections that are maps of names. */
export type Section = 'roles' | 'segments' | 'hosts' | 'services' | 'agents';

/** What the semantic checks read, and where they report. */
export interface Draft {
  readonly data: DraftData;
  readonly places: Places;
  /** Names of a section's entries as the file has them, wrong entries included; undefined when the section is no map. */
  names(section: Section): readonly string[] | undefined;
  /** True where the schema already complained: the value was there, it was wrong, and the draft does not have it. */
  isBroken(path: Path): boolean;
  report(finding: Finding): void;
}

/** One semantic error, before it gets its span. */
export interface Finding {
  readonly code: string;
  readonly path: Path;
  /** Point at the entry's key instead of its value. */
  readonly at?: 'key';
  readonly severity?: 'warning';
  readonly message: string;
  readonly hint: string;
  readonly related?: readonly { readonly span: Span; readonly message: string }[];
}

/** A check: reads the draft, reports every violation of one subject. Never throws. */
export type Check = (draft: Draft) => void;

/**
 * A draft, writing what is reported to `sink`.
 * @param raw the file's data before anything was taken out
 */
export function draftOf(
  raw: unknown,
  { data, broken }: { readonly data: DraftData; readonly broken: ReadonlySet<string> },
  places: Places,
  sink: (diagnostic: Diagnostic) => void,
): Draft {
  return {
    data,
    places,
    names(section) {
      const map = valueAt(raw, [section]) ?? {};
      return typeof map === 'object' && !Array.isArray(map) ? Object.keys(map) : undefined;
    },
    isBroken: (path) => broken.has(JSON.stringify(path)),
    report({ code, path, at, severity, message, hint, related }) {
      const span = at === 'key' ? places.key(path) : places.value(path);
      sink({ code, severity: severity ?? 'error', span, message, hint, ...(related === undefined ? {} : { related }) });
    },
  };
}

/** Entries of a map of the draft that are there, in the order of the file. */
export function entries<T>(map: { readonly [name: string]: T | undefined } | undefined): [string, T][] {
  return Object.entries(map ?? {}).filter((e): e is [string, T] => e[1] !== undefined);
}

/** Items of a list of the draft that are there, with their index in the file. */
export function items<T>(list: readonly (T | undefined)[] | undefined): [number, T][] {
  return (list ?? [])
    .map((item, index): [number, T | undefined] => [index, item])
    .filter((e): e is [number, T] => e[1] !== undefined);
}

/** `value` in quotes, for messages; without secrets (half a one would not be recognised later), long ones are cut. */
export function quote(value: unknown): string {
  const text = redact(JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
