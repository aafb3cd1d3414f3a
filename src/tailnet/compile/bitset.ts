/** A set of small integers, 32 to a word. */
export class Bitset {
  readonly #words: Uint32Array;

  constructor(size: number) {
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
    for (let w = 0; w < this.#words.length; w++) {
      this.#words[w] = (this.#words[w] ?? 0) | (other.#words[w] ?? 0);
    }
  }

  /** The elements, ascending. */
  *values(): Generator<number> {
    for (let w = 0; w < this.#words.length; w++) {
      for (let word = this.#words[w] ?? 0; word !== 0; word &= word - 1) {
        yield (w << 5) + 31 - Math.clz32(word & -word);
      }
    }
  }
}
