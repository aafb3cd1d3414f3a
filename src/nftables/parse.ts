import type { Diagnostic, Result } from '../source/diagnostic.ts';
import { resultOf } from '../source/diagnostic.ts';
import { type ListedObject, type ListedTable, readListing } from './listing.ts';
import { type Complain, readChain, readCounter, readMap, readOther, readSet } from './parse-object.ts';
import type { Chain, NamedCounter, NamedSet, OtherObject, Ruleset, Table, TableFamily } from './ruleset.ts';

/**
 * Reads a text as `nft -s list ruleset` or `nft list table` prints it, with or without counter values and handles.
 *
 * Statements outside the dialect become `unknown` statements with their text. A text that is cut off, has unbalanced
 * braces or lines that belong nowhere is not a ruleset: the result is not ok and carries every such place.
 * @param file name for spans, such as the evidence source `host/NAME/nft.txt`
 */
export function parseRuleset(file: string, text: string): Result<Ruleset> {
  const { listing, diagnostics: structure } = readListing(file, text);
  const diagnostics: Diagnostic[] = [...structure];
  const complain: Complain = (code, line, message) => {
    diagnostics.push({ code, severity: 'error', span: line.span, message });
  };
  const tables = listing.tables.map((t) => readTable(t, complain));
  diagnostics.push(...duplicates(listing.tables));
  return resultOf({ tables }, diagnostics);
}

function readTable(listed: ListedTable, complain: Complain): Table {
  const family = listed.family as TableFamily;
  const counters: NamedCounter[] = [];
  const sets: NamedSet[] = [];
  const others: OtherObject[] = [];
  const chains: Chain[] = [];
  for (const object of listed.objects) {
    if (object.kind === 'chain') chains.push(readChain(family, object, complain));
    else if (object.kind === 'counter') counters.push(readCounter(object, complain));
    else if (object.kind === 'set') sets.push(readSet(object, complain));
    else others.push(readOther(object));
  }
  const flags = listed.lines.flatMap((l) => (l.text.startsWith('flags ') ? l.text.slice(6).split(',') : []));
  const comment = listed.lines.map((l) => /^comment "([^"]*)"$/.exec(l.text)?.[1]).find((c) => c !== undefined);
  const maps = others.filter((o) => o.kind === 'map').map(readMap);
  const read = maps.length === 0 ? {} : { maps };
  return { family, name: listed.name, flags, comment, counters, sets, ...read, others, chains, span: listed.span };
}

/** The kernel has one table of a name and one object of a name; a text with two was put together from pieces. */
function duplicates(tables: readonly ListedTable[]): Diagnostic[] {
  const found: Diagnostic[] = [];
  const check = (seen: Map<string, ListedTable | ListedObject>, key: string, item: ListedTable | ListedObject) => {
    const first = seen.get(key);
    if (first === undefined) seen.set(key, item);
    else {
      found.push({
        code: 'nft-duplicate',
        severity: 'error',
        span: item.span,
        message: `${key} is listed twice`,
        related: [{ span: first.span, message: 'the first one' }],
      });
    }
  };
  const seenTables = new Map<string, ListedTable | ListedObject>();
  for (const table of tables) {
    check(seenTables, `table ${table.family} ${table.name}`, table);
    const seenObjects = new Map<string, ListedTable | ListedObject>();
    for (const object of table.objects) check(seenObjects, `${object.kind} ${object.name}`, object);
  }
  return found;
}
