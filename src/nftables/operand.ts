import { interfacesBeginning, internInterface, isInterfaceName, UNNAMED_INTERFACE } from '../net/interface-id.ts';
import { IntervalSet } from '../net/interval-set.ts';
import { lastAddress } from '../net/prefix.ts';
import { type Datatype, isSameType, setDatatype } from './datatype.ts';
import type { Match, NamedSet, Operand, SetElement, Table } from './ruleset.ts';

/** A set known only from both sides: `sure` is in it, nothing outside of `possible` is. Exact when both are equal. */
export interface Bounds {
  readonly sure: IntervalSet;
  readonly possible: IntervalSet;
}

/** Nothing is known but the domain. */
export function unbounded(domain: IntervalSet): Bounds {
  return { sure: IntervalSet.empty, possible: domain };
}

/**
 * The values, as numbers, that the right side of a match names. Interfaces are numbers of `internInterface`.
 * @param domain all values the selector can have
 */
export function operandBounds(right: Operand, type: Datatype, table: Table, domain: IntervalSet): Bounds {
  switch (right.kind) {
    case 'set':
      return unionOf(right.elements, type, domain);
    case 'named-set': {
      const set = table.sets.find((s) => s.name === right.name);
      return set === undefined || !isFixed(set, type, table) ? unbounded(domain) : unionOf(set.elements, type, domain);
    }
    case 'any-bit':
      return bitBounds(right.bits, domain);
    default:
      return elementBounds(right, type, domain);
  }
}

/** More values than this are not tried one by one. */
const MAX_TRIED = 256n;

/** The values that have some of the bits. */
function bitBounds(bits: readonly bigint[], domain: IntervalSet): Bounds {
  if (domain.size() > MAX_TRIED) return unbounded(domain);
  const any = bits.reduce((all, bit) => all | bit, 0n);
  const found: bigint[] = [];
  for (const [low, high] of domain.intervals) {
    for (let v = low; v <= high; v++) if ((v & any) !== 0n) found.push(v);
  }
  return exact(IntervalSet.points(...found));
}

/**
 * False for a set or map that packets or timers change, or whose keys are of another type: any content is possible. The
 * flag `dynamic` is lost in `nft -j` of 1.0.6, so a rule that adds to the set counts as well.
 */
export function isFixed(
  set: { name: string; type: NamedSet['type']; flags: readonly string[] },
  type: Datatype,
  table: Table,
): boolean {
  if (set.flags.some((f) => f === 'dynamic' || f === 'timeout')) return false;
  return isSameType(setDatatype(set.type), type) && !changedByRules(table).has(set.name);
}

const changed = new WeakMap<Table, ReadonlySet<string>>();

/** The sets that some rule of the table adds to or takes from. */
function changedByRules(table: Table): ReadonlySet<string> {
  const known = changed.get(table);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const chain of table.chains) {
    for (const rule of chain.rules) {
      for (const s of rule.statements) {
        if (s.kind !== 'condition' && s.kind !== 'unknown') continue;
        for (const [, name] of s.text.matchAll(/\b(?:add|update|delete) @(\S+)/g)) names.add(name ?? '');
      }
    }
  }
  changed.set(table, names);
  return names;
}

/**
 * The tuples that the right side of a match on a concatenation names, each with the bounds of its parts.
 * @returns undefined when they cannot be told
 */
export function tuplesOf(
  right: Operand,
  type: Extract<Datatype, { kind: 'concat' }>,
  table: Table,
  domains: readonly IntervalSet[],
): readonly (readonly Bounds[])[] | undefined {
  const elements = elementsOf(right, type, table);
  if (elements === undefined) return undefined;
  return elements.map((element) =>
    type.parts.map((part, i) => {
      const value = element.kind === 'concat' ? element.parts[i] : undefined;
      const domain = domains[i] ?? IntervalSet.empty;
      return value === undefined ? unbounded(domain) : elementBounds(value, part, domain);
    }),
  );
}

function elementsOf(right: Operand, type: Datatype, table: Table): readonly SetElement[] | undefined {
  if (right.kind === 'set') return right.elements;
  if (right.kind !== 'named-set') return right.kind === 'concat' ? [right] : undefined;
  const set = table.sets.find((s) => s.name === right.name);
  return set === undefined || !isFixed(set, type, table) ? undefined : set.elements;
}

/** Applies a comparison: the values of the domain for which `value op right` holds. */
export function compareBounds(op: Match['op'], right: Bounds, domain: IntervalSet): Bounds {
  switch (op) {
    case '==':
      return { sure: right.sure.intersect(domain), possible: right.possible.intersect(domain) };
    case '!=':
      return { sure: domain.subtract(right.possible), possible: domain.subtract(right.sure) };
    case '<':
    case '>':
    case '<=':
    case '>=':
      return compareOrder(op, right, domain);
  }
}

function compareOrder(op: '<' | '>' | '<=' | '>=', right: Bounds, domain: IntervalSet): Bounds {
  const [only, ...more] = right.sure.intervals;
  const [all] = domain.intervals;
  const last = domain.intervals.at(-1)?.[1];
  if (only === undefined || more.length > 0 || only[0] !== only[1] || !right.sure.equals(right.possible)) {
    return unbounded(domain);
  }
  if (all === undefined || last === undefined) return exact(IntervalSet.empty);
  const value = only[0];
  const below = op === '<' ? value - 1n : value;
  const above = op === '>' ? value + 1n : value;
  const interval = op.startsWith('<') ? ([all[0], below] as const) : ([above, last] as const);
  return exact(interval[0] > interval[1] ? IntervalSet.empty : IntervalSet.of(interval).intersect(domain));
}

function exact(set: IntervalSet): Bounds {
  return { sure: set, possible: set };
}

function unionOf(elements: readonly SetElement[], type: Datatype, domain: IntervalSet): Bounds {
  const parts = elements.map((e) => elementBounds(e, type, domain));
  const flat = (pick: (b: Bounds) => IntervalSet) => IntervalSet.of(...parts.flatMap((b) => pick(b).intervals));
  return { sure: flat((b) => b.sure), possible: flat((b) => b.possible) };
}

function elementBounds(element: SetElement, type: Datatype, domain: IntervalSet): Bounds {
  switch (element.kind) {
    case 'address':
      return exact(IntervalSet.point(element.address.value));
    case 'prefix':
      return exact(IntervalSet.of([element.prefix.first, lastAddress(element.prefix).value]));
    case 'address-range':
      return exact(IntervalSet.of([element.first.value, element.last.value]));
    case 'number':
      // The number of an interface or of a cgroup says nothing about its name.
      return isNumeric(type) ? exact(IntervalSet.point(element.value)) : unbounded(domain);
    case 'number-range':
      return isNumeric(type) ? exact(IntervalSet.of([element.first, element.last])) : unbounded(domain);
    case 'string':
      return type.kind === 'interface' ? interfaceBounds(element.text, domain) : unbounded(domain);
    // A concatenation is compared part by part, see `tuplesOf`.
    case 'concat':
    case 'unknown':
      return unbounded(domain);
  }
}

function interfaceBounds(name: string, domain: IntervalSet): Bounds {
  if (name.endsWith('*')) {
    const beginning = name.slice(0, -1);
    if (!isInterfaceName(beginning)) return unbounded(domain);
    // The interface that nobody named may be one of these.
    const sure = interfacesBeginning(beginning);
    return { sure, possible: sure.union(IntervalSet.point(UNNAMED_INTERFACE)) };
  }
  return isInterfaceName(name) ? exact(IntervalSet.point(internInterface(name))) : unbounded(domain);
}

function isNumeric(type: Datatype): boolean {
  return type.kind === 'number' || type.kind === 'mark' || type.kind === 'symbols';
}
