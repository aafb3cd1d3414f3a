import { diffArrays } from 'diff';
import type { Diagnostic, Result } from '../source/diagnostic.ts';
import { hasErrors } from '../source/diagnostic.ts';
import { lineMap, type Span } from '../source/span.ts';
import { type ListedLine, type ListedObject, type ListedTable, readListing } from './listing.ts';
import { splitElements } from './parse-object.ts';
import { isOwnTable } from './ruleset.ts';

/** A listing and the name to give it in spans. */
export interface ListingText {
  readonly file: string;
  readonly text: string;
}

/** One place where what was found is not what was expected. */
export interface ListingDifference {
  /** `inet cordon`. */
  readonly table: string;
  /** `chain input`, `set orch4`; undefined for the table itself. */
  readonly object: string | undefined;
  /** The line, element or header that should be there; undefined where something was added. */
  readonly expected: string | undefined;
  /** What is there instead; undefined where something is missing. */
  readonly found: string | undefined;
  /** In the found listing: the line itself, or the block that lacks it (the start of the text when the table is gone). */
  readonly span: Span;
}

/**
 * Compares our tables of two listings line by line. Ignored: counter values, handles, how element lists are wrapped and
 * ordered. Everything else counts: a rule more or less or elsewhere, an element, a policy, a flag, a comment, a chain.
 * Tables of others are not looked at.
 * @returns no differences when both are equal; diagnostics when one of the texts is no whole listing
 */
export function compareListings(expected: ListingText, found: ListingText): Result<readonly ListingDifference[]> {
  const left = readListing(expected.file, expected.text);
  const right = readListing(found.file, found.text);
  const diagnostics: readonly Diagnostic[] = [...left.diagnostics, ...right.diagnostics];
  if (hasErrors(diagnostics)) return { ok: false, diagnostics };
  const nowhere = lineMap(found.file, found.text).span(0, 0);
  const wanted = keyed(left.listing.tables.filter(isOwnTable), tableKey);
  const present = keyed(right.listing.tables.filter(isOwnTable), tableKey);
  const differences = [...new Set([...wanted.keys(), ...present.keys()])].flatMap((table) => {
    const want = wanted.get(table);
    const have = present.get(table);
    if (want !== undefined && have !== undefined) return compareTables(table, want, have);
    const header = `table ${table}`;
    return have === undefined
      ? [{ table, object: undefined, expected: header, found: undefined, span: nowhere }]
      : [{ table, object: undefined, expected: undefined, found: header, span: have.span }];
  });
  return { ok: true, value: differences, warnings: diagnostics };
}

function compareTables(table: string, want: ListedTable, have: ListedTable): ListingDifference[] {
  const differences = compareLines({ table, object: undefined }, want.lines, have.lines, have.span);
  const wanted = keyed(want.objects, objectKey);
  const present = keyed(have.objects, objectKey);
  for (const [object, item] of wanted) {
    const other = present.get(object);
    if (other !== undefined) differences.push(...compareObjects({ table, object }, item, other));
    else differences.push({ table, object, expected: object, found: undefined, span: have.span });
  }
  for (const [object, item] of present) {
    if (!wanted.has(object)) differences.push({ table, object, expected: undefined, found: object, span: item.span });
  }
  if (differences.length > 0) return differences;
  const order = [...wanted.keys()].join(', ');
  const actual = [...present.keys()].join(', ');
  return order === actual ? [] : [{ table, object: undefined, expected: order, found: actual, span: have.span }];
}

interface Place {
  readonly table: string;
  readonly object: string | undefined;
}

function compareObjects(place: Place, want: ListedObject, have: ListedObject): ListingDifference[] {
  if (want.kind === 'counter') {
    const state = (l: ListedLine) => !l.text.startsWith('packets ');
    return compareLines(place, want.lines.filter(state), have.lines.filter(state), have.span);
  }
  const isElements = (l: ListedLine) => l.text.startsWith('elements = {');
  const rest = (o: ListedObject) => o.lines.filter((l) => want.kind === 'chain' || !isElements(l));
  const differences = compareLines(place, rest(want), rest(have), have.span);
  if (want.kind !== 'chain') differences.push(...compareElements(place, want, have, isElements));
  return differences;
}

function compareLines(
  place: Place,
  want: readonly ListedLine[],
  have: readonly ListedLine[],
  block: Span,
): ListingDifference[] {
  const differences: ListingDifference[] = [];
  let at = 0;
  const texts = (lines: readonly ListedLine[]) => lines.map((l) => withoutCounts(l.text));
  for (const part of diffArrays(texts(want), texts(have))) {
    for (const text of part.value) {
      const line = part.removed === true ? undefined : have[at++];
      if (part.removed === true) differences.push({ ...place, expected: text, found: undefined, span: block });
      else if (part.added === true) {
        differences.push({ ...place, expected: undefined, found: text, span: line?.span ?? block });
      }
    }
  }
  return pairUp(differences);
}

/** A missing line followed by as many added ones is one changed line each: shown side by side. */
function pairUp(differences: readonly ListingDifference[]): ListingDifference[] {
  const out: ListingDifference[] = [];
  const missing: ListingDifference[] = [];
  for (const d of differences) {
    const partner = d.expected === undefined ? missing.shift() : undefined;
    if (d.expected !== undefined) missing.push(d);
    else if (partner !== undefined) out.push({ ...d, expected: partner.expected });
    else out.push(d);
  }
  return [...out, ...missing];
}

function compareElements(
  place: Place,
  want: ListedObject,
  have: ListedObject,
  isElements: (line: ListedLine) => boolean,
): ListingDifference[] {
  const span = have.lines.find(isElements)?.span ?? have.span;
  const elements = (o: ListedObject) =>
    o.lines.filter(isElements).flatMap((l) => splitElements(l.text).map((e) => withoutCounts(e.text)));
  const wanted = elements(want);
  const present = elements(have);
  const missing = without(wanted, present).map((e) => ({ ...place, expected: e, found: undefined, span }));
  const added = without(present, wanted).map((e) => ({ ...place, expected: undefined, found: e, span }));
  return [...missing, ...added];
}

/** The elements of `all` that `taken` does not have, with multiplicity. */
function without(all: readonly string[], taken: readonly string[]): string[] {
  const left = [...taken];
  return all.filter((e) => {
    const at = left.indexOf(e);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

/** Removes the values of counters outside of quotes. */
function withoutCounts(text: string): string {
  return text
    .split(/("[^"]*")/)
    .map((part) => (part.startsWith('"') ? part : part.replaceAll(/\bcounter packets [0-9]+ bytes [0-9]+/g, 'counter')))
    .join('');
}

function tableKey(table: ListedTable): string {
  return `${table.family} ${table.name}`;
}

function objectKey(object: ListedObject): string {
  return `${object.kind} ${object.name}`;
}

/** By key; of two with the same key (which no kernel lists) the later one is filed under a key of its own. */
function keyed<T>(items: readonly T[], key: (item: T) => string): Map<string, T> {
  const map = new Map<string, T>();
  for (const item of items) {
    let name = key(item);
    while (map.has(name)) name += ' (again)';
    map.set(name, item);
  }
  return map;
}
