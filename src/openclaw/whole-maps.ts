import { nameIn } from './aliases.ts';
import { isRecord, type KeyPath, keyText, valueAt } from './keys.ts';
import type { Expectation, Finding, Line } from './line.ts';
import type { VersionKnowledge } from './version.ts';

/** A key that no line has, with what was found of it: empty where it changes nothing by itself. */
export interface Extra {
  readonly path: KeyPath;
  readonly key: KeyPath;
  readonly shown: unknown;
  readonly findings: readonly Finding[];
}

/**
 * A map that the baseline does not know is one deviation: where a key of it opens something, the keys beside it go with
 * it, harmless as they may be by themselves.
 */
export function wholeAddedMaps(extras: readonly Extra[], lines: readonly Line[]): Finding[] {
  const known = prefixesOf(lines.map((line) => line.key));
  const groups = Map.groupBy(extras, ({ key }) => keyText(addedRoot(key, known)));
  return [...groups.values()].flatMap((group) => {
    const worst = group.flatMap((extra) => extra.findings).find((f) => f.state === 'violated');
    return group.flatMap((extra): readonly Finding[] => {
      if (extra.findings.length > 0 || worst === undefined) return extra.findings;
      const { causes, severity, section } = worst;
      const fix = `It belongs to what ${worst.path} is part of: remove the whole, or declare it.`;
      const path = keyText(extra.path);
      return [
        {
          path,
          state: 'violated',
          causes,
          severity,
          section,
          expected: null,
          effective: extra.shown,
          source: 'config',
          fix,
        },
      ];
    });
  });
}

/** The topmost step of a key that no line goes through; the key itself where all of them do. */
function addedRoot(key: KeyPath, known: ReadonlySet<string>): KeyPath {
  for (let length = 1; length < key.length; length++) {
    const prefix = key.slice(0, length);
    if (!known.has(keyText(prefix))) return prefix;
  }
  return key;
}

function prefixesOf(keys: readonly KeyPath[]): ReadonlySet<string> {
  return new Set(keys.flatMap((key) => key.map((_, i) => keyText(key.slice(0, i + 1)))));
}

/**
 * A map of the baseline that is gone from the file as a whole, where some of its lines deviate and others hold by the
 * release's defaults: the whole is named too, since the lines that still hold do so by accident.
 * @param decided each line with what was found
 */
export function wholeRemovedMaps(
  decided: readonly { readonly line: Line; readonly finding: Finding }[],
  config: unknown,
  version: VersionKnowledge,
): Finding[] {
  const written = decided
    .filter(({ line }) => asksForSomething(line.expect))
    .map(({ line, finding }) => ({ path: nameIn(line.key, version.family), finding }));
  const maps = new Map<string, KeyPath>();
  for (const { path } of written) {
    for (let length = 1; length < path.length; length++) {
      const map = path.slice(0, length);
      const isTopmost = length === 1 || isRecord(valueAt(config, map.slice(0, -1)));
      if (isTopmost && valueAt(config, map) === undefined) maps.set(keyText(map), map);
    }
  }
  return [...maps.values()].flatMap((map): Finding[] => {
    const inside = written.filter(({ path }) => map.every((step, i) => path[i] === step)).map((d) => d.finding);
    const open = inside.filter((f) => f.state !== 'holds');
    const [worst] = open;
    if (worst === undefined || open.length === inside.length) return [];
    const causes = [...new Set(open.flatMap((f) => f.causes))];
    const { severity, section } = worst;
    const fix = 'Write the map again; `cordon compile` prints it.';
    const path = keyText(map);
    const expected = '(a map)';
    return [{ path, state: 'violated', causes, severity, section, expected, effective: null, source: 'unset', fix }];
  });
}

/** Whether a configuration that meets it has the key: an empty list is as good as none. */
function asksForSomething(expect: Expectation): boolean {
  switch (expect.kind) {
    case 'one-of':
      return expect.values[0] !== undefined;
    case 'same-list':
    case 'names-among':
      return expect.list.length > 0;
    case 'exact-names':
      return false;
    case 'list-with':
    case 'tools':
    case 'denied-tools':
    case 'url':
    case 'reference':
    case 'models':
      return true;
  }
}
