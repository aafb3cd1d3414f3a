import type { ForeignFinding } from '../../nftables/foreign.ts';
import { foreignFindings } from '../../nftables/foreign.ts';
import { isOwnTable, type Ruleset, type Table } from '../../nftables/ruleset.ts';

/** The bit of the connection mark with which our rules remember the tailnet daemon's connections. */
const REMEMBERED = 'ct mark set ct mark | 0x01000000';

/**
 * Everything in a ruleset that can lead packets past the filter chains of our tables, or change them before, between or
 * behind those: what the tables of others hold of that sort, and whatever our own tables hold that cordon never writes.
 * A rewrite, a NAT chain or a flow table is no better for standing under our name.
 * @param ruleset without what is known to be harmless (`withoutKnownForeign`)
 */
export function bypasses(ruleset: Ruleset): readonly ForeignFinding[] {
  const own = ruleset.tables.filter(isOwnTable);
  const found = foreignFindings({ tables: own.map(asForeign) }).filter((f) => !isWritten(f));
  return [...foreignFindings(ruleset), ...found];
}

/** Looked at as if it were somebody else's: its own name is what would exempt it. */
function asForeign(table: Table): Table {
  return { ...table, name: `${table.name} (ours)` };
}

/** What cordon itself writes: a filter at the egress hook of the model's link, and the bit for the daemon. */
function isWritten(finding: ForeignFinding): boolean {
  if (finding.kind === 'mangle') return finding.text === REMEMBERED;
  if (finding.kind !== 'device-table' || !finding.table.startsWith('netdev ')) return false;
  return finding.chain === undefined || finding.text.startsWith('type filter hook egress ');
}
