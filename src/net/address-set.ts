import { ADDRESS_BITS, type Address, type Family, formatAddress, LAST_VALUE } from './address.ts';
import { type Interval, IntervalSet } from './interval-set.ts';
import { formatPrefix, lastAddress, type Prefix } from './prefix.ts';

/** An immutable set of addresses of both families; canonical, so equal sets have equal `v4` and `v6`. */
export class AddressSet {
  static readonly empty = new AddressSet(IntervalSet.empty, IntervalSet.empty);
  static readonly all = new AddressSet(IntervalSet.of([0n, LAST_VALUE[4]]), IntervalSet.of([0n, LAST_VALUE[6]]));

  readonly v4: IntervalSet;
  readonly v6: IntervalSet;

  private constructor(v4: IntervalSet, v6: IntervalSet) {
    this.v4 = v4;
    this.v6 = v6;
  }

  /** From one interval set for each family; values beyond the family's last address are cut off. */
  static ofIntervals(v4: IntervalSet, v6: IntervalSet): AddressSet {
    return new AddressSet(v4.intersect(AddressSet.all.v4), v6.intersect(AddressSet.all.v6));
  }

  /** The addresses of any of the blocks. */
  static ofPrefixes(...prefixes: readonly Prefix[]): AddressSet {
    return AddressSet.#build(prefixes.map((p) => [p.family, [p.first, lastAddress(p).value]]));
  }

  /** The addresses given. */
  static ofAddresses(...addresses: readonly Address[]): AddressSet {
    return AddressSet.#build(addresses.map((a) => [a.family, [a.value, a.value]]));
  }

  /**
   * `first` to `last`, inclusive.
   * @throws RangeError when they are of two families or `last` is below `first`
   */
  static ofRange(first: Address, last: Address): AddressSet {
    if (first.family !== last.family || first.value > last.value) {
      throw new RangeError(`${formatAddress(first)}-${formatAddress(last)} is not an address range`);
    }
    return AddressSet.#build([[first.family, [first.value, last.value]]]);
  }

  static #build(parts: readonly (readonly [Family, Interval])[]): AddressSet {
    const of = (family: Family) => IntervalSet.from(parts.filter((p) => p[0] === family).map((p) => p[1]));
    return new AddressSet(of(4), of(6));
  }

  union(other: AddressSet): AddressSet {
    return new AddressSet(this.v4.union(other.v4), this.v6.union(other.v6));
  }

  intersect(other: AddressSet): AddressSet {
    return new AddressSet(this.v4.intersect(other.v4), this.v6.intersect(other.v6));
  }

  /** The addresses of this set that `other` does not have. */
  subtract(other: AddressSet): AddressSet {
    return new AddressSet(this.v4.subtract(other.v4), this.v6.subtract(other.v6));
  }

  /** Every address of both families that is not in this set. */
  complement(): AddressSet {
    return AddressSet.all.subtract(this);
  }

  isEmpty(): boolean {
    return this.v4.isEmpty() && this.v6.isEmpty();
  }

  equals(other: AddressSet): boolean {
    return this.v4.equals(other.v4) && this.v6.equals(other.v6);
  }

  contains(a: Address): boolean {
    return (a.family === 4 ? this.v4 : this.v6).contains(a.value);
  }

  isSubsetOf(other: AddressSet): boolean {
    return this.v4.isSubsetOf(other.v4) && this.v6.isSubsetOf(other.v6);
  }

  overlaps(other: AddressSet): boolean {
    return this.v4.overlaps(other.v4) || this.v6.overlaps(other.v6);
  }

  /** The lowest address, IPv4 first; undefined for the empty set. */
  sample(): Address | undefined {
    const v4 = this.v4.min();
    if (v4 !== undefined) return { family: 4, value: v4 };
    const v6 = this.v6.min();
    return v6 === undefined ? undefined : { family: 6, value: v6 };
  }

  /** The fewest disjoint blocks that make up the set, IPv4 first, ascending. */
  toPrefixes(): Prefix[] {
    return [
      ...this.v4.intervals.flatMap((i) => intervalPrefixes(4, i)),
      ...this.v6.intervals.flatMap((i) => intervalPrefixes(6, i)),
    ];
  }

  /**
   * Comma-separated text: single addresses bare, blocks as prefixes, the rest as `first-last`. `*` is every address of
   * both families, `none` the empty set.
   */
  format(): string {
    if (this.equals(AddressSet.all)) return '*';
    if (this.isEmpty()) return 'none';
    const text = (family: Family, set: IntervalSet) => set.intervals.map((i) => formatInterval(family, i));
    return [...text(4, this.v4), ...text(6, this.v6)].join(',');
  }
}

function formatInterval(family: Family, [low, high]: Interval): string {
  const first = formatAddress({ family, value: low });
  if (low === high) return first;
  const [block, ...rest] = intervalPrefixes(family, [low, high]);
  if (block !== undefined && rest.length === 0) return formatPrefix(block);
  return `${first}-${formatAddress({ family, value: high })}`;
}

/** Splits an interval into maximal aligned blocks, ascending. */
function intervalPrefixes(family: Family, [low, high]: Interval): Prefix[] {
  const bits = ADDRESS_BITS[family];
  const out: Prefix[] = [];
  for (let first = low; first <= high; ) {
    let hostBits = 0;
    while (hostBits < bits) {
      const size = 1n << BigInt(hostBits + 1);
      if (first % size !== 0n || first + size - 1n > high) break;
      hostBits++;
    }
    out.push({ family, first, length: bits - hostBits });
    first += 1n << BigInt(hostBits);
  }
  return out;
}
