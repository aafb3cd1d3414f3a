import { IntervalSet } from '../net/interval-set.ts';

/** More intervals than this are not worth having: the caller treats the match as undecided. */
const MAX_INTERVALS = 4096;

/**
 * The numbers `m` with `(m & mask) == v` for some `v` of `values`: an interval for each way to fill the mask's
 * gaps above its lowest bit.
 * @param bits how many bits the numbers have
 * @returns undefined when there would be too many, or when `values` has ranges that are not points
 */
export function maskedValues(mask: bigint, values: IntervalSet, bits = 32): IntervalSet | undefined {
  const width = BigInt(bits);
  let run = 0n;
  while (run < width && ((mask >> run) & 1n) === 0n) run++;
  const free: bigint[] = [];
  for (let bit = run; bit < width; bit++) if (((mask >> bit) & 1n) === 0n) free.push(1n << bit);
  const points = values.intervals.map(([low, high]) => (low === high ? low : undefined));
  if (free.length > 12 || points.length << free.length > MAX_INTERVALS) return undefined;
  const intervals: [bigint, bigint][] = [];
  for (const point of points) {
    if (point === undefined) return undefined;
    if ((point & ~mask) !== 0n) continue; // no number has bits that the mask takes away
    for (let combination = 0; combination < 1 << free.length; combination++) {
      const extra = free.reduce((sum, bit, i) => ((combination >> i) & 1 ? sum + bit : sum), 0n);
      intervals.push([point + extra, point + extra + (1n << run) - 1n]);
    }
  }
  return IntervalSet.of(...intervals);
}
