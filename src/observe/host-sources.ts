import { z } from 'zod';
import { cutTables } from '../apply/host-firewall-tables.ts';

/** One thing to read on a host: `host/NAME/{name}` in evidence. */
export interface HostSource {
  readonly name: string;
  /** Commands whose outputs, in this order, make the body. All of them only read. */
  readonly commands: readonly (readonly string[])[];
  /** Whether the command is refused to a plain user. */
  readonly needsAdmin: boolean;
  /** The body, or why the outputs are not what the command prints. Contents are judged by `interpret`, not here. */
  readonly read: (outputs: readonly string[]) => ReadBody;
}

/** The body of a source, or why there is none. */
export type ReadBody = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly why: string };

/**
 * What is read on every host:
 * - `nft.txt`: the text of `nft -s list ruleset`, all tables of everybody, without counters.
 * - `nft.json`: the same as JSON (`nft -j list ruleset`), for explaining differences; it loses some properties.
 * - `listeners`: the text of `ss -H -lntup`, a socket a line; process names only where root asks.
 * - `links`: JSON of `ip -details address`: every interface with its kind, state and addresses.
 * - `routes`: `{"4": …, "6": …}`, JSON of all routing tables of both families.
 */
export const HOST_SOURCES: readonly HostSource[] = [
  { name: 'nft.txt', commands: [['nft', '-s', 'list', 'ruleset']], needsAdmin: true, read: listingBody },
  { name: 'nft.json', commands: [['nft', '-j', 'list', 'ruleset']], needsAdmin: true, read: ([text]) => nftJson(text) },
  {
    name: 'listeners',
    commands: [['ss', '-H', '-lntup']],
    needsAdmin: false,
    read: ([text]) => ({ ok: true, body: text ?? '' }),
  },
  {
    name: 'links',
    commands: [['ip', '-json', '-details', 'address', 'show']],
    needsAdmin: false,
    read: ([text]) => jsonArray(text),
  },
  {
    name: 'routes',
    commands: [
      ['ip', '-json', '-4', 'route', 'show', 'table', 'all'],
      ['ip', '-json', '-6', 'route', 'show', 'table', 'all'],
    ],
    needsAdmin: false,
    read: routesBody,
  },
];

function listingBody([text = '']: readonly string[]): ReadBody {
  const cut = cutTables(text);
  return cut.ok ? { ok: true, body: text } : { ok: false, why: `the listing of the ruleset is garbled: ${cut.why}` };
}

/** libnftables-json(5): one object with the array `nftables`, which begins with `metainfo` even without a table. */
const nftOutput = z.looseObject({ nftables: z.array(z.unknown()).min(1) });

function nftJson(text: string | undefined): ReadBody {
  const value = parseJson(text);
  const parsed = nftOutput.safeParse(value);
  return parsed.success ? { ok: true, body: value } : { ok: false, why: 'nft printed no JSON ruleset' };
}

function jsonArray(text: string | undefined): ReadBody {
  // `ip -json` prints nothing at all where there is nothing to list.
  const value = text === '' ? [] : parseJson(text);
  return Array.isArray(value) ? { ok: true, body: value } : { ok: false, why: 'ip printed no JSON list' };
}

function routesBody([text4, text6]: readonly string[]): ReadBody {
  const v4 = jsonArray(text4);
  const v6 = jsonArray(text6);
  if (!v4.ok) return v4;
  if (!v6.ok) return v6;
  return { ok: true, body: { '4': v4.body, '6': v6.body } };
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
