import { formatSpan } from '../../source/diagnostic.ts';
import type { Missing } from '../../state/known.ts';
import { type HujsonMember, parseHujson } from '../../tailnet/hujson/parse.ts';
import type { Unmodelled } from '../../tailnet/policy/policy.ts';
import { jsonValue } from '../../tailnet/policy/reader.ts';
import type { TailnetSide } from './tailnet-side.ts';

/** Sections whose meaning is compared as relations. */
const COMPARED = new Set(['acls', 'grants', 'tagowners', 'autoapprovers', 'ssh', 'randomizeclientport']);

/** Sections that only give names to what others refer to: what a rule means by them is compared with the rule. */
const NAMES = new Set(['groups', 'hosts', 'ipsets', 'postures']);

/** Sections that change nothing about who may do what. */
const WITHOUT_EFFECT = new Set(['tests', 'sshtests']);

/**
 * What of two policies differs without being comparable: sections whose meaning is not compared, and names that one of
 * them, or something not modelled, may refer to. What both sides have alike says nothing about the difference, whatever it means.
 */
export function changedSections(a: TailnetSide, b: TailnetSide, which: 'all' | 'those of a' = 'all'): Missing[] {
  const [before, after] = [sectionsOf(a), sectionsOf(b)];
  const names = which === 'all' ? [...before.keys(), ...after.keys()] : [...before.keys()];
  const isOpaque = [a, b].some((side) => side.reach.compiled.unmodelled.some((u) => refersToNames(u)));
  return [...new Set(names)].flatMap((name) => {
    const [x, y] = [before.get(name), after.get(name)];
    if (canonicalValue(x) === canonicalValue(y) || COMPARED.has(name) || WITHOUT_EFFECT.has(name)) return [];
    if (NAMES.has(name) && !isOpaque) return [];
    const member = y ?? x;
    const source = member === undefined ? 'tailnet/policy' : formatSpan(member.keySpan);
    const why = NAMES.has(name)
      ? `${name} changed, and something that is not modelled may refer to it`
      : `${name} changed, and is not modelled`;
    return [{ source, why }];
  });
}

/** A device of another tailnet refers to nothing in the file. */
function refersToNames(u: Unmodelled): boolean {
  return u.span !== undefined;
}

function sectionsOf(side: TailnetSide): ReadonlyMap<string, HujsonMember> {
  const parsed = parseHujson(side.file, side.text);
  if (!parsed.ok || parsed.value.kind !== 'object') return new Map();
  return new Map(parsed.value.members.map((m) => [m.key.toLowerCase(), m]));
}

/** The value without comments, layout and order of keys; empty and absent are the same. */
function canonicalValue(member: HujsonMember | undefined): string {
  const value = member === undefined ? null : notCompared(member);
  const text = JSON.stringify(sortKeys(value));
  return ['null', '[]', '{}'].includes(text) ? '' : text;
}

/** Of node attributes, the entries that say more than which attributes somebody gets: only those are a relation. */
function notCompared({ key, value }: HujsonMember): unknown {
  const all = jsonValue(value);
  if (key.toLowerCase() !== 'nodeattrs' || !Array.isArray(all)) return all;
  return all.filter((entry) => Object.keys(entry ?? {}).some((k) => !['target', 'attr'].includes(k.toLowerCase())));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([k, v]) => [k, sortKeys(v)]);
}
