/** Reproducible random numbers: the same seed gives the same sequence everywhere (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 0..n-1. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** True in `percent` of a hundred cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  /** Some different items, at least one. */
  some<T>(list: readonly T[], most: number): T[] {
    const rest = [...list];
    const count = 1 + this.below(Math.min(most, rest.length));
    return Array.from({ length: count }, () => rest.splice(this.below(rest.length), 1)[0] as T);
  }
}
