import { IntervalSet } from '../net/interval-set.ts';
import { PacketSet } from '../net/packet-set.ts';
import { type Condition, conditionOf, possibly } from './condition.ts';
import { datatypeOf } from './datatype.ts';
import { HAS_CONNECTION } from './implied.ts';
import { type Marks, ORIGINAL_MARKS, originalTest, UNKNOWN_MARKS, withMark } from './marks.ts';
import { maskedValues } from './mask.ts';
import { operandBounds } from './operand.ts';
import type { MarkKind, Match, RewriteEffect, Selector, Table } from './ruleset.ts';
import type { Domain } from './walk.ts';

/** Packets, as they came to the hook, that the rules so far have changed in the same way. */
export interface Branch {
  readonly packets: PacketSet;
  readonly marks: Marks;
  /** What else was written to, so that its value is not the original one: `ip saddr`, `ct`, `*`. */
  readonly written: ReadonlySet<string>;
}

/** What rules have done to packets: marks that are no longer what they were, and what was written to. */
export type Changes = Pick<Branch, 'marks' | 'written'>;

/** Nothing at all. */
export const NO_CHANGES: Changes = { marks: ORIGINAL_MARKS, written: new Set() };

/** Everything that a statement nobody understands can do. */
const ANY_CHANGES: Changes = { marks: UNKNOWN_MARKS, written: new Set(['*']) };

/** Packets as `changes` left them. */
export function branchesOf(packets: PacketSet, changes: Changes = NO_CHANGES): readonly Branch[] {
  return packets.isEmpty() ? [] : [{ packets, marks: changes.marks, written: changes.written }];
}

/** What may have been done to packets when some have these changes and some have those. */
export function mergedChanges(all: readonly Changes[]): Changes {
  const mark = (kind: MarkKind) => {
    const [first, ...others] = all.map((c) => c.marks[kind]);
    return first !== undefined && others.every((o) => o?.and === first.and && o.xor === first.xor) ? first : undefined;
  };
  return {
    marks: { 'meta mark': mark('meta mark'), 'ct mark': mark('ct mark') },
    written: new Set(all.flatMap((c) => [...c.written])),
  };
}

/** All packets of some branches, as they came to the hook. */
export function packetsOf(branches: readonly Branch[]): PacketSet {
  return PacketSet.unionAll(branches.map((b) => b.packets));
}

/** Walks packet sets through the rules of one table. */
export class SymbolicDomain implements Domain<readonly Branch[]> {
  readonly none: readonly Branch[] = [];
  readonly #table: Table;
  readonly #conditions = new Map<Match, Condition>();

  constructor(table: Table) {
    this.#table = table;
  }

  isEmpty(branches: readonly Branch[]): boolean {
    return branches.length === 0;
  }

  union(parts: readonly (readonly Branch[])[]): readonly Branch[] {
    const all = parts.flat();
    if (all.length < 2) return all;
    const groups = new Map<string, Branch[]>();
    for (const branch of all) {
      const key = keyOf(branch);
      groups.set(key, [...(groups.get(key) ?? []), branch]);
    }
    return [...groups.values()].flatMap((group) => {
      const [first] = group;
      return first === undefined ? [] : [{ ...first, packets: packetsOf(group) }];
    });
  }

  split(match: Match, branches: readonly Branch[]) {
    const yes: Branch[] = [];
    const no: Branch[] = [];
    const open: Branch[] = [];
    const add = (to: Branch[], branch: Branch, packets: PacketSet) => {
      if (!packets.isEmpty()) to.push({ ...branch, packets });
    };
    for (const branch of branches) {
      const { sure, possible } = this.#condition(match, branch);
      const rest = branch.packets.subtract(sure);
      add(yes, branch, branch.packets.intersect(possible));
      add(no, branch, rest);
      add(open, branch, rest.intersect(possible));
    }
    return { yes, no, open };
  }

  rewrite(effect: RewriteEffect | { readonly kind: 'anything' }, branches: readonly Branch[]): readonly Branch[] {
    switch (effect.kind) {
      case 'aside':
        return branches;
      case 'mark':
        return branches.map((b) => ({ ...b, marks: withMark(b.marks, effect.of, effect.value) }));
      case 'nat':
        return branches.map((b) => written(b, [`${effect.side} address`, `${effect.side} port`]));
      case 'payload':
        return branches.map((b) => written(b, [fieldOf(effect.protocol, effect.field)]));
      case 'notrack':
        return branches.map((b) => written({ ...b, marks: { ...b.marks, 'ct mark': undefined } }, ['ct']));
      case 'anything':
        return branchesOf(packetsOf(branches), ANY_CHANGES);
    }
  }

  #condition(match: Match, { marks, written: fields }: Branch): Condition {
    const read = readsOf(match.selector);
    if (fields.size > 0 && (fields.has('*') || read.some((r) => fields.has(r)))) return possibly(PacketSet.all);
    const changed = (['meta mark', 'ct mark'] as const).filter(
      (kind) => read.includes(kind) && !isOriginal(marks, kind),
    );
    if (changed.length > 0) return markCondition(match, marks, this.#table);
    const known = this.#conditions.get(match) ?? conditionOf(match, this.#table);
    this.#conditions.set(match, known);
    return known;
  }
}

function isOriginal(marks: Marks, kind: MarkKind): boolean {
  return marks[kind]?.and === ORIGINAL_MARKS[kind]?.and && marks[kind]?.xor === 0n;
}

/** Equal for equal changes. */
export function keyOf({ marks, written: fields }: Changes): string {
  const mark = (kind: MarkKind) => `${marks[kind]?.and ?? '?'}/${marks[kind]?.xor ?? '?'}`;
  return [mark('meta mark'), mark('ct mark'), ...[...fields].sort()].join(' ');
}

function written(branch: Branch, fields: readonly string[]): Branch {
  return { ...branch, written: new Set([...branch.written, ...fields]) };
}

/** What a selector reads, in the words of `Branch.written`. */
function readsOf(selector: Selector): readonly string[] {
  switch (selector.kind) {
    case 'meta':
      return selector.key === 'mark' ? ['meta mark'] : [selector.key];
    case 'payload':
      return [fieldOf(selector.protocol, selector.field)];
    case 'ct':
      return selector.key === 'mark' ? ['ct', 'ct mark'] : ['ct'];
    case 'concat':
      return selector.parts.flatMap(readsOf);
    case 'fib-type':
      return ['src address', 'dst address'];
    case 'socket-cgroup':
      return ['socket'];
  }
}

const ADDRESS_AND_PORT: Readonly<Record<string, string>> = {
  saddr: 'src address',
  daddr: 'dst address',
  sport: 'src port',
  dport: 'dst port',
};

function fieldOf(protocol: string, field: string): string {
  return (protocol === 'ether' ? undefined : ADDRESS_AND_PORT[field]) ?? `${protocol} ${field}`;
}

/** A test of a mark that a rule has set before: exact as long as the mark is a function of the original one. */
function markCondition(match: Match, marks: Marks, table: Table): Condition {
  const { selector, op, right } = match;
  const type = datatypeOf(selector);
  if (type === undefined || (op !== '==' && op !== '!=')) return possibly(PacketSet.all);
  if (selector.kind !== 'meta' && (selector.kind !== 'ct' || selector.key !== 'mark')) return possibly(PacketSet.all);
  const kind: MarkKind = selector.kind === 'meta' ? 'meta mark' : 'ct mark';
  const seen = selector.kind === 'meta' ? PacketSet.all : conditionOf(HAS_CONNECTION, table).sure;
  const bounds = operandBounds(right, type, table, IntervalSet.of([0n, 0xffffffffn]));
  const mask = ('mask' in selector ? selector.mask : undefined) ?? 0xffffffffn;
  const matching: PacketSet[] = [];
  for (const [low, high] of bounds.sure.intervals) {
    const test = low === high ? originalTest(marks[kind], mask, low) : undefined;
    const packets = test === undefined ? undefined : packetsWhere(kind, test);
    if (packets === undefined) return possibly(seen);
    matching.push(packets);
  }
  if (!bounds.sure.equals(bounds.possible)) return possibly(seen);
  const equal = PacketSet.unionAll(matching).intersect(seen);
  const result = op === '==' ? equal : seen.subtract(equal);
  return { sure: result, possible: result };
}

/** @returns undefined where the packet model cannot say it: it has no connection mark */
function packetsWhere(kind: MarkKind, test: { mask: bigint; value: bigint } | boolean): PacketSet | undefined {
  if (typeof test === 'boolean') return test ? PacketSet.all : PacketSet.none;
  const values = kind === 'meta mark' ? maskedValues(test.mask, IntervalSet.point(test.value)) : undefined;
  return values === undefined ? undefined : PacketSet.box({ mark: values });
}
