/** Versions whose names, defaults and rules were measured: the first release the preset was written for, and a later one. */
export const FAMILIES = ['2026.2', '2026.9'] as const;

export type Family = (typeof FAMILIES)[number];

/** The exact releases behind the families; a release between or after them may have changed any default. */
const MEASURED: readonly { readonly family: Family; readonly version: readonly [number, number, number] }[] = [
  { family: '2026.2', version: [2026, 2, 26] },
  { family: '2026.9', version: [2026, 9, 6] },
];

/** What we know of the version that answered. */
export interface VersionKnowledge {
  /** As it names itself; empty when it did not. */
  readonly text: string;
  /** The tables that come nearest to it. */
  readonly family: Family;
  /** Why those tables need not hold for it, and what to do; undefined for a measured release. */
  readonly doubt: string | undefined;
}

/** The newest measured release, for what is written rather than read. */
export const NEWEST_MEASURED = '2026.9.6';

/**
 * Which tables apply to a version. OpenClaw changed names and defaults between releases without notice (`tools.exec`
 * opened from `allowlist` to `full`), so only a release that was measured is trusted; for the others the nearest older
 * tables find violations and nothing holds.
 * @param version as `--version`, `rpc.server.version` or a record says: `2026.9.6`
 */
export function knowledgeOf(version: unknown): VersionKnowledge {
  const parsed = typeof version === 'string' ? /^(\d{4})\.(\d{1,2})\.(\d{1,3})(.*)$/s.exec(version.trim()) : null;
  const known = MEASURED.map((m) => m.version.join('.')).join(' and ');
  if (parsed === null) {
    return { text: '', family: '2026.9', doubt: `no version that can be read; defaults are known for ${known}` };
  }
  const numbers = [Number(parsed[1]), Number(parsed[2]), Number(parsed[3])] as const;
  const text = numbers.join('.');
  const exact = MEASURED.find((m) => m.version.join('.') === text);
  if (exact !== undefined && parsed[4] === '') return { text, family: exact.family, doubt: undefined };
  const older = MEASURED.findLast((m) => compare(m.version, numbers) <= 0);
  const why = older === undefined ? 'older than' : compare(numbers, [2026, 9, 6]) > 0 ? 'newer than' : 'not one of';
  return {
    text: /^[-.+0-9A-Za-z]{0,24}$/.test(parsed[4] ?? '') ? text + (parsed[4] ?? '') : text,
    family: older?.family ?? '2026.2',
    doubt: `${why} the releases whose defaults are known (${known}): run one of those, or a cordon that knows this one`,
  };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, value] of a.entries()) {
    const difference = value - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
