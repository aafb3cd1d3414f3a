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

/** A listing cut into its tables, or what makes it no listing. */
export type TableListing =
  | { readonly ok: true; readonly tables: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly why: string };

/**
 * Cuts the output of `nft -s list ruleset` into its tables, each with its final newline. nft prints `table FAMILY NAME {`
 * and `}` at the start of a line and everything between them indented (libnftables src/rule.c: table_print); whatever
 * does not look so, an unfinished table included, is refused rather than guessed at.
 */
export function cutTables(listing: string): TableListing {
  const tables = new Map<string, string>();
  let name: string | undefined;
  let body: string[] = [];
  for (const line of listing.split('\n')) {
    if (name !== undefined) {
      body.push(line);
      if (line === '}') {
        tables.set(name, `${body.join('\n')}\n`);
        name = undefined;
      } else if (line !== '' && !line.startsWith('\t')) {
        return { ok: false, why: `unexpected line in table ${name}: ${shorten(line)}` };
      }
      continue;
    }
    // Such as nft's own warning that iptables-nft manages the table that follows.
    if (line === '' || line.startsWith('# ')) continue;
    name = /^table (\S+ \S+) \{(?: # handle \d+)?$/.exec(line)?.[1];
    if (name === undefined) return { ok: false, why: `unexpected line outside of all tables: ${shorten(line)}` };
    if (tables.has(name)) return { ok: false, why: `table ${name} is listed twice` };
    body = [line];
  }
  return name === undefined ? { ok: true, tables } : { ok: false, why: `table ${name} does not end` };
}

/** Our tables of a cut listing as one text, in the order of OWN_TABLES; empty if there is none. */
export function ownText(tables: ReadonlyMap<string, string>): string {
  return OWN_TABLES.map((name) => tables.get(name) ?? '').join('');
}

/** Names of the tables that are not ours. */
export function foreignTables(tables: ReadonlyMap<string, string>): readonly string[] {
  const own: readonly string[] = OWN_TABLES;
  return [...tables.keys()].filter((name) => !own.includes(name));
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

function shorten(line: string): string {
  return JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}…` : line);
}
