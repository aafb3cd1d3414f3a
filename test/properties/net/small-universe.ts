import fc from 'fast-check';
import { DOMAIN, FIELDS, type Field } from '../../../src/net/field.ts';
import { interfaceName, internInterface, NO_INTERFACE } from '../../../src/net/interface-id.ts';
import { IntervalSet } from '../../../src/net/interval-set.ts';
import { CT, type CtState, type Packet } from '../../../src/net/packet.ts';
import { PacketSet } from '../../../src/net/packet-set.ts';

/**
 * A universe small enough to list: the domain of every field is cut into a few classes, and all sets are made of whole
 * classes. Then one packet for each combination of classes decides everything, and plain filtering of that list is an
 * independent answer to every question about sets.
 */
const ETH0 = internInterface('eth0');
const PORTED = IntervalSet.points(17n, 33n, 132n, 136n);
const KNOWN = PORTED.union(IntervalSet.points(1n, 6n, 58n));

function cut(field: Field, ...starts: readonly bigint[]): IntervalSet[] {
  const last = DOMAIN[field].intervals.at(-1)?.[1] ?? 0n;
  return starts.map((low, i) => IntervalSet.of([low, (starts[i + 1] ?? last + 1n) - 1n]));
}

export const CLASSES: Readonly<Record<Field, readonly IntervalSet[]>> = {
  family: [IntervalSet.point(4n), IntervalSet.point(6n)],
  proto: [IntervalSet.point(6n), PORTED, IntervalSet.point(1n), IntervalSet.point(58n), KNOWN.complement(0n, 255n)],
  src: cut('src', 0n, 10n, 11n),
  dst: cut('dst', 0n, 1n, 0xffffffffn),
  sport: cut('sport', 0n, 1024n),
  dport: cut('dport', 0n, 80n, 81n),
  icmpType: cut('icmpType', 0n, 8n, 9n),
  icmpCode: cut('icmpCode', 0n, 1n),
  ct: cut('ct', CT.originalNew, CT.originalEstablished, CT.invalid),
  iif: cut('iif', 0n, ETH0, ETH0 + 1n, NO_INTERFACE),
  oif: cut('oif', 0n, NO_INTERFACE),
  uid: cut('uid', 0n, 1000n, 1n << 32n),
  mark: cut('mark', 0n, 1n),
};

/** One packet of the list: for each field that it has, the index of the class. */
export type Small = Partial<Record<Field, number>>;

/** True when a packet has the field; written from the protocol registry, not from the code under test. */
function has(field: Field, protoClass: number): boolean {
  if (field === 'sport' || field === 'dport') return protoClass <= 1;
  if (field === 'icmpType' || field === 'icmpCode') return protoClass === 2 || protoClass === 3;
  return true;
}

/** Every packet whose inactive fields (if it has them) are of class 0. */
export function universe(active: readonly Field[]): Small[] {
  let list: Small[] = [{}];
  for (const field of FIELDS) {
    const count = active.includes(field) ? CLASSES[field].length : 1;
    list = list.flatMap((p) =>
      has(field, p.proto ?? 0) ? Array.from({ length: count }, (_, i) => ({ ...p, [field]: i })) : [p],
    );
  }
  return list;
}

/** A real packet for an entry of the list. */
export function concrete(small: Small): Packet {
  const value = (field: Field) => CLASSES[field][small[field] ?? 0]?.min() ?? 0n;
  const family = value('family') === 4n ? 4 : 6;
  const iif = interfaceName(value('iif'));
  const oif = interfaceName(value('oif'));
  return {
    family,
    proto: Number(value('proto')),
    src: { family, value: value('src') },
    dst: { family, value: value('dst') },
    ...(small.sport !== undefined && { sport: Number(value('sport')) }),
    ...(small.dport !== undefined && { dport: Number(value('dport')) }),
    ...(small.icmpType !== undefined && { icmpType: Number(value('icmpType')) }),
    ...(small.icmpCode !== undefined && { icmpCode: Number(value('icmpCode')) }),
    ct: value('ct') as CtState,
    ...(iif !== undefined && { iif }),
    ...(oif !== undefined && { oif }),
    ...(value('uid') < 1n << 32n && { uid: Number(value('uid')) }),
    mark: Number(value('mark')),
  };
}

/** For each field named, the classes that pass. */
export type SmallBox = Partial<Record<Field, readonly number[]>>;

/** A set as a formula. */
export type Expression =
  | { kind: 'box'; box: SmallBox }
  | { kind: 'union' | 'intersect' | 'subtract'; a: Expression; b: Expression }
  | { kind: 'complement'; a: Expression }
  | { kind: 'restrict'; a: Expression; field: Field; classes: readonly number[] }
  | { kind: 'forget'; a: Expression; field: Field };

/** The interval set of some classes of a field. */
export function valuesOf(field: Field, classes: readonly number[]): IntervalSet {
  return IntervalSet.from(classes.flatMap((i) => CLASSES[field][i]?.intervals ?? []));
}

/** What the code under test makes of a formula. */
export function symbolic(e: Expression): PacketSet {
  switch (e.kind) {
    case 'box':
      return PacketSet.box(
        Object.fromEntries(FIELDS.flatMap((f) => (e.box[f] === undefined ? [] : [[f, valuesOf(f, e.box[f])]]))),
      );
    case 'union':
      return symbolic(e.a).union(symbolic(e.b));
    case 'intersect':
      return symbolic(e.a).intersect(symbolic(e.b));
    case 'subtract':
      return symbolic(e.a).subtract(symbolic(e.b));
    case 'complement':
      return symbolic(e.a).complement();
    case 'restrict':
      return symbolic(e.a).restrict(e.field, valuesOf(e.field, e.classes));
    case 'forget':
      return symbolic(e.a).forget(e.field);
  }
}

/** What filtering the list makes of a formula. */
export function listed(e: Expression, all: readonly Small[]): Set<Small> {
  switch (e.kind) {
    case 'box':
      return new Set(all.filter((p) => FIELDS.every((f) => passes(p, f, e.box[f]))));
    case 'union':
      return listed(e.a, all).union(listed(e.b, all));
    case 'intersect':
      return listed(e.a, all).intersection(listed(e.b, all));
    case 'subtract':
      return listed(e.a, all).difference(listed(e.b, all));
    case 'complement':
      return new Set(all).difference(listed(e.a, all));
    case 'restrict':
      return new Set([...listed(e.a, all)].filter((p) => passes(p, e.field, e.classes)));
    case 'forget': {
      const set = [...listed(e.a, all)];
      return new Set(all.filter((p) => set.some((q) => agree(p, q, e.field))));
    }
  }
}

/** A packet without the field passes only a wish for every class of it. */
function passes(p: Small, field: Field, classes: readonly number[] | undefined): boolean {
  if (classes === undefined || classes.length === CLASSES[field].length) return true;
  const own = p[field];
  return own !== undefined && classes.includes(own);
}

/** The definition of `forget`: the same in every other field that both have; addresses are fields of one family. */
function agree(p: Small, q: Small, forgotten: Field): boolean {
  return FIELDS.every((f) => {
    if (f === forgotten || p[f] === undefined || q[f] === undefined) return true;
    if (forgotten === 'family' && (f === 'src' || f === 'dst') && p.family !== q.family) return true;
    return p[f] === q[f];
  });
}

/** Family and protocol, which decide what a packet has, and up to three more fields. */
export const activeFields: fc.Arbitrary<Field[]> = fc
  .subarray(
    FIELDS.filter((f) => f !== 'family' && f !== 'proto'),
    { minLength: 1, maxLength: 3 },
  )
  .map((fields) => ['family', 'proto', ...fields]);

/** A formula over the active fields. */
export function expressions(active: readonly Field[]): fc.Arbitrary<Expression> {
  const field = fc.constantFrom(...active);
  const classes = (f: Field) => fc.subarray([...CLASSES[f].keys()]);
  const box = fc
    .record(Object.fromEntries(active.map((f) => [f, classes(f)])), { requiredKeys: [] })
    .map((b): Expression => ({ kind: 'box', box: b }));
  return fc.letrec<{ e: Expression }>((tie) => ({
    e: fc.oneof(
      { maxDepth: 4, depthSize: 'medium', withCrossShrink: true },
      { weight: 3, arbitrary: box },
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constantFrom('union', 'intersect', 'subtract'), a: tie('e'), b: tie('e') }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('complement'), a: tie('e') }) },
      {
        weight: 1,
        arbitrary: field.chain((f) =>
          fc.record({ kind: fc.constant('restrict'), a: tie('e'), field: fc.constant(f), classes: classes(f) }),
        ),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget'), a: tie('e'), field }) },
    ),
  })).e;
}

/** Active fields with one formula. */
export const problem = activeFields.chain((active) =>
  fc.record({ active: fc.constant(active), e: expressions(active) }),
);

/** Active fields with two formulas. */
export const pair = activeFields.chain((active) =>
  fc.record({ active: fc.constant(active), a: expressions(active), b: expressions(active) }),
);
