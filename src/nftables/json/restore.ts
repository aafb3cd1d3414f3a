import type { Diagnostic, Result } from '../../source/diagnostic.ts';
import type { Chain, NamedMap, NamedSet, Rule, Ruleset, Table } from '../ruleset.ts';
import { openness } from './statement.ts';

/**
 * Brings back what `nft -j` loses from the text of the same ruleset: table flags and comments, set flags, cgroup levels,
 * and what nft translates of iptables' extensions. Everything else, the handles above all, is the JSON's.
 *
 * Both have to be of one moment: another number of tables, chains or rules is an error.
 * @param file name for diagnostics
 */
export function restoreFromText(file: string, json: Ruleset, text: Ruleset): Result<Ruleset> {
  const diagnostics: Diagnostic[] = [];
  const complain = (what: string) => {
    diagnostics.push({
      code: 'nft-listings-differ',
      severity: 'error',
      span: { file, offset: 0, length: 0, line: 1, column: 1 },
      message: `${what} is not the same in the JSON and in the text`,
      hint: 'list both at one moment, with nothing changing the ruleset in between',
    });
  };
  const pairs = paired(json.tables, text.tables, (t) => `${t.family} ${t.name}`);
  if (pairs === undefined) complain('the list of tables');
  const tables = (pairs ?? []).map(([a, b]) => restoreTable(a, b, complain));
  return diagnostics.length > 0 ? { ok: false, diagnostics } : { ok: true, value: { tables }, warnings: [] };
}

/** Items of the same name, in the order of the first list; undefined unless both lists have the same names. */
function paired<T>(first: readonly T[], second: readonly T[], name: (item: T) => string): [T, T][] | undefined {
  const byName = new Map(second.map((item) => [name(item), item]));
  if (byName.size !== first.length || byName.size !== second.length) return undefined;
  const pairs = first.flatMap((item): [T, T][] => {
    const other = byName.get(name(item));
    return other === undefined ? [] : [[item, other]];
  });
  return pairs.length === first.length ? pairs : undefined;
}

function restoreTable(json: Table, text: Table, complain: (what: string) => void): Table {
  const place = `table ${json.family} ${json.name}`;
  const chains = paired(json.chains, text.chains, (c) => c.name);
  const sets = paired(json.sets, text.sets, (s) => s.name);
  const maps = paired(json.maps ?? [], text.maps ?? [], (m) => m.name);
  if (chains === undefined) complain(`the list of chains of ${place}`);
  if (sets === undefined || maps === undefined) complain(`the list of sets and maps of ${place}`);
  const { flagsUnread: _, ...known } = json;
  return {
    ...known,
    flags: text.flags,
    comment: text.comment,
    others: text.others,
    sets: (sets ?? []).map(([a, b]) => restoreSet(a, b)),
    ...(maps === undefined || maps.length === 0 ? {} : { maps: maps.map(([a, b]) => restoreMap(a, b)) }),
    chains: (chains ?? []).map(([a, b]) => restoreChain(a, b, place, complain)),
    ...(text.span === undefined ? {} : { span: text.span }),
  };
}

function restoreChain(json: Chain, text: Chain, place: string, complain: (what: string) => void): Chain {
  if (json.rules.length !== text.rules.length) complain(`the list of rules of chain ${json.name} of ${place}`);
  // nft 1.0.6 leaves the devices of a chain out of its JSON.
  const base = json.base === undefined ? undefined : { ...json.base, ...text.base };
  const rules = json.rules.map((rule, i) => restoreRule(rule, text.rules[i]));
  return { ...json, base, comment: text.comment, rules, ...(text.span === undefined ? {} : { span: text.span }) };
}

/** The JSON's statements unless they leave something open that the text says, or at least says in nft's words. */
function restoreRule(json: Rule, text: Rule | undefined): Rule {
  if (text === undefined) return json;
  const unread = (rule: Rule) => rule.statements.reduce((sum, s) => sum + openness(s), 0);
  const better = unread(json) > 0 && unread(text) <= unread(json) ? text : json;
  return {
    ...json,
    statements: better.statements,
    comment: text.comment ?? json.comment,
    ...(text.span === undefined ? {} : { span: text.span }),
  };
}

function restoreSet(json: NamedSet, text: NamedSet): NamedSet {
  const flags = [...new Set([...json.flags, ...text.flags])];
  return { ...json, flags, comment: text.comment, ...(text.span === undefined ? {} : { span: text.span }) };
}

function restoreMap(json: NamedMap, text: NamedMap): NamedMap {
  return { ...json, flags: [...new Set([...json.flags, ...text.flags])] };
}
