/** Both ends are inclusive; low is never above high. */
export type Interval = readonly [low: bigint, high: bigint];

/**
 * An immutable set of integers as sorted, disjoint, non-adjacent intervals: equal sets have equal `intervals`.
 */
export class IntervalSet {
  static readonly empty = new IntervalSet([]);

  readonly intervals: readonly Interval[];

  private constructor(canonical: readonly Interval[]) {
    this.intervals = canonical;
  }

  /**
   * The union of the intervals, in any order, overlapping or not.
   * @throws RangeError when an interval's low end is above its high end: a caller that has a
   * reversed range from outside must report it, since reading it as empty would drop what it allows
   */
  static of(...intervals: readonly Interval[]): IntervalSet {
    return IntervalSet.from(intervals);
  }

  /** As `of`, for lists too long to be arguments. */
  static from(intervals: Iterable<Interval>): IntervalSet {
    const sorted = [...intervals].sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    for (const [low, high] of sorted) {
      if (low > high) throw new RangeError(`interval ${low}-${high} ends before it begins`);
    }
    return IntervalSet.#ofCanonical(mergeSorted(sorted));
  }

  /** `out` must be canonical already; shares the one empty set. */
  static #ofCanonical(out: readonly Interval[]): IntervalSet {
    return out.length === 0 ? IntervalSet.empty : new IntervalSet(out);
  }

  /** The set of one value. */
  static point(value: bigint): IntervalSet {
    return new IntervalSet([[value, value]]);
  }

  /** The set of the values given, in any order, repeated or not. */
  static points(...values: readonly bigint[]): IntervalSet {
    return IntervalSet.from(values.map((v): Interval => [v, v]));
  }

  union(other: IntervalSet): IntervalSet {
    if (this === other || other.isEmpty()) return this;
    if (this.isEmpty()) return other;
    const all: Interval[] = [];
    let i = 0;
    let j = 0;
    while (i < this.intervals.length || j < other.intervals.length) {
      const a = this.intervals[i];
      const b = other.intervals[j];
      if (a !== undefined && (b === undefined || a[0] <= b[0])) {
        all.push(a);
        i++;
      } else if (b !== undefined) {
        all.push(b);
        j++;
      }
    }
    return new IntervalSet(mergeSorted(all));
  }

  intersect(other: IntervalSet): IntervalSet {
    const out: Interval[] = [];
    let i = 0;
    let j = 0;
    for (;;) {
      const a = this.intervals[i];
      const b = other.intervals[j];
      if (a === undefined || b === undefined) break;
      const low = later(a[0], b[0]);
      const high = earlier(a[1], b[1]);
      if (low <= high) out.push([low, high]);
      if (a[1] <= b[1]) i++;
      else j++;
    }
    return IntervalSet.#ofCanonical(out);
  }

  /** The values of this set that `other` does not have. */
  subtract(other: IntervalSet): IntervalSet {
    const out: Interval[] = [];
    let j = 0;
    for (const [low, high] of this.intervals) {
      let from = low;
      for (; from <= high; j++) {
        const cut = other.intervals[j];
        if (cut === undefined || cut[0] > high) break;
        if (cut[1] < from) continue;
        if (cut[0] > from) out.push([from, cut[0] - 1n]);
        from = cut[1] + 1n;
        // A cut that reaches beyond this interval may also cut the next one.
        if (cut[1] > high) break;
      }
      if (from <= high) out.push([from, high]);
    }
    return IntervalSet.#ofCanonical(out);
  }

  /** The values of `low..high` (inclusive) that this set does not have; values outside that range play no part. */
  complement(low: bigint, high: bigint): IntervalSet {
    return IntervalSet.of([low, high]).subtract(this);
  }

  isEmpty(): boolean {
    return this.intervals.length === 0;
  }

  equals(other: IntervalSet): boolean {
    if (this === other) return true;
    if (this.intervals.length !== other.intervals.length) return false;
    return this.intervals.every(([low, high], i) => {
      const o = other.intervals[i];
      return o !== undefined && o[0] === low && o[1] === high;
    });
  }

  contains(value: bigint): boolean {
    let low = 0;
    let high = this.intervals.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const interval = this.intervals[middle];
      if (interval === undefined) return false;
      if (value < interval[0]) high = middle - 1;
      else if (value > interval[1]) low = middle + 1;
      else return true;
    }
    return false;
  }

  isSubsetOf(other: IntervalSet): boolean {
    let j = 0;
    for (const [low, high] of this.intervals) {
      let o = other.intervals[j];
      while (o !== undefined && o[1] < low) o = other.intervals[++j];
      if (o === undefined || o[0] > low || o[1] < high) return false;
    }
    return true;
  }

  overlaps(other: IntervalSet): boolean {
    let i = 0;
    let j = 0;
    for (;;) {
      const a = this.intervals[i];
      const b = other.intervals[j];
      if (a === undefined || b === undefined) return false;
      if (a[1] < b[0]) i++;
      else if (b[1] < a[0]) j++;
      else return true;
    }
  }

  /** The lowest value, or undefined for the empty set. */
  min(): bigint | undefined {
    return this.intervals[0]?.[0];
  }

  /** The lowest value that is not below `from`, or undefined when there is none. */
  next(from: bigint): bigint | undefined {
    const found = this.intervals.find(([, high]) => high >= from);
    return found === undefined ? undefined : later(found[0], from);
  }

  /** How many values the set has. */
  size(): bigint {
    return this.intervals.reduce((sum, [low, high]) => sum + high - low + 1n, 0n);
  }

  /** `22,80-443`; the empty set is `none`. */
  toString(): string {
    if (this.isEmpty()) return 'none';
    return this.intervals.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(',');
  }
}

function later(a: bigint, b: bigint): bigint {
  if (a < b) return b;
  return a;
}

function earlier(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

/** Joins overlapping and adjacent intervals of a list sorted by low end. */
function mergeSorted(sorted: readonly Interval[]): Interval[] {
  const out: Interval[] = [];
  let open: Interval | undefined;
  for (const next of sorted) {
    if (open === undefined) open = next;
    else if (next[0] > open[1] + 1n) {
      out.push(open);
      open = next;
    } else if (next[1] > open[1]) open = [open[0], next[1]];
  }
  if (open !== undefined) out.push(open);
  return out;
}
