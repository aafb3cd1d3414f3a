/** A set of small integers, 32 to a word. */
export class Bitset {
  readonly size: number;
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.size = size;
    this.#words = new Uint32Array((size + 31) >> 5);
  }

  add(i: number): void {
    this.#words[i >> 5] = (this.#words[i >> 5] ?? 0) | (1 << (i & 31));
  }

  has(i: number): boolean {
    return ((this.#words[i >> 5] ?? 0) & (1 << (i & 31))) !== 0;
  }

  /** Adds every element of a set of the same size. */
  addAll(other: Bitset): void {
    const [mine, theirs] = [this.#words, other.#words];
    for (let w = 0; w < mine.length; w++) mine[w] = (mine[w] ?? 0) | (theirs[w] ?? 0);
  }

  /** Adds every number below the size. */
  fill(): void {
    this.#words.fill(0xffffffff);
    const rest = this.size & 31;
    if (rest !== 0) this.#words[this.#words.length - 1] = 2 ** rest - 1;
  }

  clear(): void {
    this.#words.fill(0);
  }

  /** The elements, ascending. */
  *values(): Generator<number> {
    for (let w = 0; w < this.#words.length; w++) {
      for (let word = this.#words[w] ?? 0; word !== 0; word &= word - 1) {
        yield (w << 5) + 31 - Math.clz32(word & -word);
      }
    }
  }

  /** The sum of the elements' weights. */
  weight(weights: Weights): number {
    const { sums } = weights;
    let total = 0;
    for (let w = 0, at = 0; w < this.#words.length; w++, at += 128) {
      const word = this.#words[w] ?? 0;
      for (let nibble = 0, rest = word; rest !== 0; nibble += 16, rest >>>= 4) {
        total += sums[at + nibble + (rest & 15)] ?? 0;
      }
    }
    return total;
  }
}

/** A weight for every number below a size, made ready for adding up four at a time. */
export class Weights {
  /** For each four numbers, the sums of their sixteen subsets. */
  readonly sums: Float64Array;

  constructor(weights: readonly number[]) {
    this.sums = new Float64Array(((weights.length + 31) >> 5) * 128);
    for (const [i, weight] of weights.entries()) {
      for (let subset = 0; subset < 16; subset++) {
        if ((subset & (1 << (i & 3))) !== 0)
          this.sums[(i >> 2) * 16 + subset] = (this.sums[(i >> 2) * 16 + subset] ?? 0) + weight;
      }
    }
  }
}
