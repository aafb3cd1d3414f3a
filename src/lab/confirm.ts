import type { ProbeResult } from './probe.ts';

/**
 * Settles which probes of closed ports arrived. A receiver's kernel counts its resets, it does not say for whom: where
 * several probes of one receiver ran at the same time, those whose only proof is a reset are made again, one at a time.
 * @param again makes the probe at this index again
 * @returns the results, in the same order, with `delivered` and `proof` as the second time showed
 */
export async function confirmResets(
  results: readonly ProbeResult[],
  again: (index: number) => Promise<ProbeResult>,
): Promise<readonly ProbeResult[]> {
  const byReceiver = Map.groupBy(results.keys(), (i) => results[i]?.receiver);
  const confirmed = [...results];
  const settle = async (indices: readonly number[]) => {
    if (indices.length < 2) return;
    for (const i of indices) {
      const first = results[i];
      if (first?.proof !== 'reset') continue;
      const { delivered, proof } = await again(i);
      confirmed[i] = { ...first, delivered, proof };
    }
  };
  await Promise.all([...byReceiver.values()].map(settle));
  return confirmed;
}
