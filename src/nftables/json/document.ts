import { type ParseError, parse as parseLenient } from 'jsonc-parser';
import type { Diagnostic, Result } from '../../source/diagnostic.ts';
import { resultOf } from '../../source/diagnostic.ts';
import { lineMap } from '../../source/span.ts';
import { setDatatype } from '../datatype.ts';
import type {
  BaseChain,
  Chain,
  Hook,
  NamedCounter,
  NamedMap,
  NamedSet,
  OtherObject,
  Rule,
  Ruleset,
  Table,
  TableFamily,
} from '../ruleset.ts';
import { readElements } from './expression.ts';
import { asObject, field, type JsonObject, onlyEntry, text, texts } from './shape.ts';
import { readEntries, readJsonStatement } from './statement.ts';

/** A table while its parts are still being found: the list names tables, chains and rules in a flat order. */
interface Draft {
  readonly family: TableFamily;
  readonly name: string;
  readonly comment: string | undefined;
  readonly flagsUnread: boolean;
  readonly counters: NamedCounter[];
  readonly sets: NamedSet[];
  readonly maps: NamedMap[];
  readonly others: OtherObject[];
  readonly chains: Map<string, { readonly chain: Chain; readonly rules: Rule[] }>;
}

const FAMILIES: readonly string[] = ['inet', 'ip', 'ip6', 'arp', 'bridge', 'netdev'];
const HOOKS: readonly string[] = ['prerouting', 'input', 'forward', 'output', 'postrouting', 'ingress', 'egress'];

/**
 * Reads what `nft -j list ruleset` prints (libnftables-json(5), schema version 1) into the same model as the text.
 *
 * What has no model becomes a condition or an unknown statement. A document that is no such list, or names a chain or
 * table that it does not have, is refused: half a ruleset must never pass for a whole one. What nft 1.0.6 leaves out of
 * its JSON (table flags and comments, the level of a cgroup, arguments of iptables' extensions) is marked as unread;
 * `restoreFromText` brings it back.
 * @param file name for diagnostics
 */
export function parseJsonRuleset(file: string, json: string): Result<Ruleset> {
  const map = lineMap(file, json);
  const complaint = (message: string, offset = 0): Diagnostic => ({
    code: 'nft-json',
    severity: 'error',
    span: map.span(Math.min(offset, json.length), 0),
    message,
    hint: 'it has to be all that `nft -j list ruleset` prints',
  });
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch {
    const errors: ParseError[] = [];
    parseLenient(json, errors, { disallowComments: true });
    return { ok: false, diagnostics: [complaint('this is not JSON', errors[0]?.offset ?? json.length)] };
  }
  const list = field(asObject(document), 'nftables');
  if (!Array.isArray(list)) return { ok: false, diagnostics: [complaint('there is no list "nftables" in it')] };
  const reader = new Reader();
  list.forEach((entry, i) => {
    reader.read(entry, `entry ${i + 1}`);
  });
  return resultOf(
    reader.ruleset(),
    reader.complaints.map((message) => complaint(message)),
  );
}

class Reader {
  readonly complaints: string[] = [];
  readonly #tables = new Map<string, Draft>();

  read(entry: unknown, where: string): void {
    const [kind, value] = onlyEntry(entry) ?? [];
    const object = asObject(value);
    if (kind === undefined || object === undefined) {
      this.complaints.push(`${where} is no object of a ruleset`);
      return;
    }
    if (kind === 'metainfo') return;
    const family = text(object, 'family');
    const name = text(object, kind === 'table' ? 'name' : 'table');
    if (family === undefined || !FAMILIES.includes(family) || name === undefined) {
      this.complaints.push(`${where} (${kind}) belongs to no table`);
      return;
    }
    const key = `${family} ${name}`;
    const table = this.#tables.get(key);
    if (kind === 'table') {
      if (table !== undefined) this.complaints.push(`table ${key} is listed twice`);
      else this.#tables.set(key, newTable(family as TableFamily, name, object));
    } else if (table === undefined) {
      this.complaints.push(`${where} (${kind}) is of table ${key}, which is not listed`);
    } else this.#object(kind, object, table, where);
  }

  #object(kind: string, object: JsonObject, table: Draft, where: string): void {
    if (kind === 'rule') {
      this.#rule(object, table, where);
      return;
    }
    const name = text(object, 'name');
    if (name === undefined) {
      this.complaints.push(`${where} (${kind}) has no name`);
      return;
    }
    if (kind === 'chain') this.#chain(name, object, table, where);
    else if (kind === 'set') table.sets.push(readSet(name, object));
    else if (kind === 'counter') table.counters.push({ name, comment: text(object, 'comment') });
    else {
      if (kind === 'map') table.maps.push(readMap(name, object));
      table.others.push({ kind, name, lines: [] });
    }
  }

  #chain(name: string, object: JsonObject, table: Draft, where: string): void {
    const base = readBase(object);
    if (base === 'unread') this.complaints.push(`${where}: how chain ${name} is hooked cannot be read`);
    else if (table.chains.has(name)) this.complaints.push(`chain ${name} is listed twice`);
    else {
      const chain: Chain = { name, comment: text(object, 'comment'), base, rules: [] };
      table.chains.set(name, { chain, rules: [] });
    }
  }

  #rule(object: JsonObject, table: Draft, where: string): void {
    const name = text(object, 'chain');
    const chain = name === undefined ? undefined : table.chains.get(name);
    const expressions = field(object, 'expr');
    if (chain === undefined || !Array.isArray(expressions)) {
      this.complaints.push(`${where}: a rule without its chain or without statements`);
      return;
    }
    const handle = field(object, 'handle');
    chain.rules.push({
      statements: expressions.map(readJsonStatement),
      comment: text(object, 'comment'),
      ...(typeof handle === 'number' ? { handle } : {}),
    });
  }

  ruleset(): Ruleset {
    const tables = [...this.#tables.values()].map(
      ({ chains, maps, flagsUnread, ...table }): Table => ({
        ...table,
        flags: [],
        ...(flagsUnread ? { flagsUnread } : {}),
        ...(maps.length === 0 ? {} : { maps }),
        chains: [...chains.values()].map(({ chain, rules }) => ({ ...chain, rules })),
      }),
    );
    return { tables };
  }
}

function newTable(family: TableFamily, name: string, object: JsonObject): Draft {
  return {
    family,
    name,
    comment: text(object, 'comment'),
    flagsUnread: field(object, 'flags') !== undefined,
    counters: [],
    sets: [],
    maps: [],
    others: [],
    chains: new Map(),
  };
}

function readBase(object: JsonObject): BaseChain | undefined | 'unread' {
  const hook = text(object, 'hook');
  const type = text(object, 'type');
  const priority = field(object, 'prio');
  if (hook === undefined && type === undefined && priority === undefined) return undefined;
  const devices = field(object, 'dev') === undefined ? [] : texts(field(object, 'dev'));
  const isType = type === 'filter' || type === 'nat' || type === 'route';
  if (hook === undefined || !HOOKS.includes(hook) || !isType || typeof priority !== 'number' || devices === undefined) {
    return 'unread';
  }
  const flags = field(object, 'flags');
  return {
    type,
    hook: hook as Hook,
    priority,
    policy: text(object, 'policy') === 'drop' ? 'drop' : 'accept',
    devices,
    ...(flags === undefined ? {} : { offload: true }),
  };
}

function typeOf(object: JsonObject): NamedSet['type'] {
  const parts = texts(field(object, 'type'));
  return { kind: 'type', of: parts?.join(' . ') ?? '' };
}

function readSet(name: string, object: JsonObject): NamedSet {
  const type = typeOf(object);
  return {
    name,
    type,
    flags: setFlags(object),
    comment: text(object, 'comment'),
    options: ['size', 'timeout', 'gc-interval', 'policy'].flatMap((key) => {
      const value = field(object, key);
      return value === undefined ? [] : [`${key} ${String(value)}`];
    }),
    elements: readElements(field(object, 'elem'), setDatatype(type)),
  };
}

function readMap(name: string, object: JsonObject): NamedMap {
  const type = typeOf(object);
  const elements = field(object, 'elem') ?? [];
  const entries = field(object, 'map') === 'verdict' ? readEntries(elements, setDatatype(type)) : undefined;
  return { name, type, flags: setFlags(object), entries };
}

/** Flags that are no list of words can be any, so they count as `dynamic`. */
function setFlags(object: JsonObject): readonly string[] {
  const flags = field(object, 'flags');
  return flags === undefined ? [] : (texts(flags) ?? ['dynamic']);
}
