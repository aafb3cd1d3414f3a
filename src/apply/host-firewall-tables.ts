import { readListing } from '../nftables/listing.ts';

/** The tables that are ours, whole and alone, in the order in which their listings are put together. */
export const OWN_TABLES = ['inet cordon', 'netdev cordon'] as const;

/**
 * Replaces our tables by `tables` in one transaction: each is created, so that deleting it cannot fail, deleted, and
 * defined anew. nftables commits a file as a whole or not at all, and no packet sees a state in between (nft(8),
 * "ATOMICITY"); explicit final drops in the tables themselves cover the moment in which base chains change places.
 * @param tables listing of our tables; empty removes them
 */
export function replacement(tables: string): string {
  return `${OWN_TABLES.map((name) => `table ${name}\ndelete table ${name}\n`).join('')}${tables}`;
}

/** Whose tables a listing shows. */
export type TableListing =
  | {
      readonly ok: true;
      /** Our tables, byte for byte, in the order of OWN_TABLES; empty if there is none. */
      readonly own: string;
      /** Names of the tables of others, in the order of the listing. */
      readonly foreign: readonly string[];
    }
  | { readonly ok: false; readonly why: string };

/**
 * Picks our tables out of the output of `nft -s list ruleset`. A text that is not a whole listing is refused rather than
 * guessed at: what is missing could be ours.
 */
export function cutTables(text: string): TableListing {
  const { listing, diagnostics } = readListing('nft', text);
  const wrong = diagnostics.find((d) => d.severity === 'error');
  if (wrong !== undefined) return { ok: false, why: `line ${wrong.span.line}: ${wrong.message}` };
  const tables = new Map<string, string>();
  for (const table of listing.tables) {
    const name = `${table.family} ${table.name}`;
    if (tables.has(name)) return { ok: false, why: `table ${name} is listed twice` };
    tables.set(name, `${text.slice(table.span.offset, table.span.offset + table.span.length)}\n`);
  }
  const isOwn = (name: string) => OWN_TABLES.some((own) => own === name);
  return {
    ok: true,
    own: OWN_TABLES.map((name) => tables.get(name) ?? '').join(''),
    foreign: [...tables.keys()].filter((name) => !isOwn(name)),
  };
}

/** Interfaces that netdev chains of the text are bound to: such a chain loads only where they exist. */
export function boundDevices(text: string): readonly string[] {
  const devices = new Set<string>();
  for (const [, list, single] of text.matchAll(/\bdevices?\s*(?:=\s*\{([^}]*)\}|("[^"\n]*"|[^\s;"={]+))/g)) {
    for (const item of (list ?? single ?? '').split(',')) {
      const device = item.trim().replace(/^"(.*)"$/, '$1');
      if (device !== '') devices.add(device);
    }
  }
  return [...devices].sort();
}

/**
 * A table that lets nothing in, out or through, loopback included: what stays on a host whose firewall is deleted.
 * Same hooks and priorities as the tables it replaces, explicit drops as well as policies.
 */
export function closedRuleset(): string {
  const hooks = [
    ['input', 300],
    ['forward', 300],
    ['output', 300],
    ['postrouting', 400],
  ] as const;
  const chains = hooks.map(
    ([hook, priority]) =>
      `\tchain ${hook} {\n\t\ttype filter hook ${hook} priority ${priority}; policy drop;\n\t\tdrop\n\t}\n`,
  );
  return `table inet cordon {\n\tcomment "cordon closed"\n\n${chains.join('\n')}}\n`;
}
