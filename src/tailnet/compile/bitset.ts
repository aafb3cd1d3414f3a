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

  /** The elements, ascending. */
  *values(): Generator<number> {
    for (let w = 0; w < this.#words.length; w++) {
      for (let word = this.#words[w] ?? 0; word !== 0; word &= word - 1) {
        yield (w << 5) + 31 - Math.clz32(word & -word);
      }
    }
  }

  /** How many elements there are. */
  count(): number {
    let n = 0;
    for (const word of this.#words) n += bitCount(word);
    return n;
  }

  /** Becomes the union of two sets of its size. */
  setUnion(a: Bitset, b: Bitset): void {
    const [mine, one, other] = [this.#words, a.#words, b.#words];
    for (let w = 0; w < mine.length; w++) mine[w] = (one[w] ?? 0) | (other[w] ?? 0);
  }

  /** The sum of the elements' weights. */
  weight({ ofWord, sums }: Weights): number {
    const words = this.#words;
    let total = 0;
    for (let w = 0; w < words.length; w++) {
      const word = words[w] ?? 0;
      if (word === 0) continue;
      const uniform = ofWord[w] ?? 0;
      if (uniform >= 0) total += uniform * bitCount(word);
      else {
        for (let at = w * 128, rest = word; rest !== 0; at += 16, rest >>>= 4) total += sums[at + (rest & 15)] ?? 0;
      }
    }
    return total;
  }
}

/** A weight for every number below a size, made ready for adding up many at a time. */
export class Weights {
  /** For each word of a set, the weight that all its numbers have; -1 where they differ. */
  readonly ofWord: Float64Array;
  /** For each four numbers, the sums of their sixteen subsets. */
  readonly sums: Float64Array;

  constructor(weights: readonly number[]) {
    const words = (weights.length + 31) >> 5;
    this.ofWord = new Float64Array(words);
    this.sums = new Float64Array(words * 128);
    for (let w = 0; w < words; w++) {
      const part = weights.slice(w * 32, w * 32 + 32);
      const first = part[0] ?? 0;
      this.ofWord[w] = part.every((weight) => weight === first) ? first : -1;
      for (const [i, weight] of part.entries()) this.#addToSubsets(w * 128 + (i >> 2) * 16, 1 << (i & 3), weight);
    }
  }

  #addToSubsets(at: number, bit: number, weight: number): void {
    for (let subset = bit; subset < 16; subset++) {
      if ((subset & bit) !== 0) this.sums[at + subset] = (this.sums[at + subset] ?? 0) + weight;
    }
  }
}

/** How many bits of a 32-bit word are set (Henry S. Warren, "Hacker's Delight", section 5-1). */
function bitCount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  n = (n + (n >>> 4)) & 0x0f0f0f0f;
  return Math.imul(n, 0x01010101) >>> 24;
}
