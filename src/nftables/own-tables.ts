import type { Diagnostic, Result } from '../source/diagnostic.ts';
import { hasErrors } from '../source/diagnostic.ts';
import { readListing } from './listing.ts';
import { isOwnTable } from './ruleset.ts';

/**
 * Cuts our tables (`inet cordon`, `netdev cordon`) out of a full listing, byte for byte and in the order of the listing;
 * the empty string when there are none.
 *
 * A listing that is cut off or garbled anywhere is refused as a whole: what is missing could be ours.
 */
export function ownTables(file: string, text: string): Result<string> {
  const { listing, diagnostics } = readListing(file, text);
  if (hasErrors(diagnostics)) return { ok: false, diagnostics };
  const own = listing.tables.filter(isOwnTable);
  const warnings: readonly Diagnostic[] = diagnostics;
  return {
    ok: true,
    value: own.map((t) => `${text.slice(t.span.offset, t.span.offset + t.span.length)}\n`).join(''),
    warnings,
  };
}

/**
 * A full listing with our tables replaced by others: what a host's ruleset will be once `tables` are loaded there.
 * Everything foreign stays byte for byte.
 */
export function replaceOwnTables(file: string, text: string, tables: string): Result<string> {
  const { listing, diagnostics } = readListing(file, text);
  if (hasErrors(diagnostics)) return { ok: false, diagnostics };
  let rest = text;
  for (const { span } of listing.tables.filter(isOwnTable).toReversed()) {
    rest = rest.slice(0, span.offset) + rest.slice(span.offset + span.length).replace(/^\n/, '');
  }
  return { ok: true, value: rest + tables, warnings: diagnostics };
}
