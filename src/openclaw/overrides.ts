import { newestName } from './aliases.ts';
import { type KeyPath, keyText, leavesOf } from './keys.ts';
import type { Expectation, Line } from './line.ts';
import type { Family } from './version.ts';

/** A value declared for one key of the configuration; null = the key must not be set. */
export interface Override {
  readonly key: KeyPath;
  readonly value: unknown;
}

/** Declared values by key, as `cordon.yaml` has them: a map stands for its leaves. */
export function overridesOf(declared: Readonly<Record<string, unknown>>): Override[] {
  return Object.entries(declared).flatMap(([key, value]) =>
    leavesOf(value).map((leaf) => ({ key: [...key.split('.'), ...leaf.path], value: leaf.value })),
  );
}

/** The lines with every override in place of the line it is about. A declared list may come in any order. */
export function overridden(lines: readonly Line[], overrides: readonly Override[], family: Family): Line[] {
  const result = new Map(lines.map((line) => [keyText(line.key), line]));
  for (const override of overrides) {
    const key = newestName(override.key, family);
    const name = keyText(key);
    const line = result.get(name);
    const expect = expectationOf(override.value, line?.expect);
    result.set(name, {
      causes: [],
      severity: 'medium',
      section: '',
      fix: 'Set the declared value.',
      ...line,
      key,
      expect,
      // What a release does without the key is known where the preset says it; elsewhere unset is unset.
      unset: line?.unset ?? { kind: 'nothing' },
    });
  }
  return [...result.values()];
}

function expectationOf(value: unknown, before: Expectation | undefined): Expectation {
  if (value === null) return { kind: 'one-of', values: [undefined] };
  if (Array.isArray(value) && value.every((item): item is string => typeof item === 'string')) {
    if (before?.kind === 'denied-tools') return { kind: 'denied-tools', deny: value, keep: [] };
    return { kind: before?.kind === 'tools' ? 'tools' : 'same-list', list: value };
  }
  if (before?.kind === 'url' && typeof value === 'string') return { kind: 'url', urls: [value] };
  return { kind: 'one-of', values: [value] };
}
