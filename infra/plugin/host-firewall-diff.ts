import { isDeepStrictEqual } from 'node:util';
import type { PropertyObject } from '../grpc/property-value.ts';
import { hasUnknowns } from '../grpc/property-value.ts';
import type { DiffKind, DiffResult } from '../grpc/provider.ts';
import { treeFrom } from './host-firewall-inputs.ts';
import { compareTrees } from './ruleset-tree.ts';

/**
 * Compares what is in state (the host as last written or read) with what is declared. Rulesets are compared by their
 * rules; a text that differs in layout only is the same. Another access is another place, hence a replacement: the new
 * place gets its ruleset before anything happens at the old one.
 */
export function diffHostFirewall(olds: PropertyObject, news: PropertyObject): DiffResult {
  const detailed: Record<string, { kind: DiffKind }> = {};
  const replaces: string[] = [];
  for (const name of ['host', 'onDelete', 'confirmWithin'] as const) {
    const kind = scalarChange(olds[name], news[name]);
    if (kind !== undefined) detailed[name] = { kind };
  }
  if (!isDeepStrictEqual(olds['access'], news['access'])) {
    detailed['access'] = { kind: 'update-replace' };
    replaces.push('access');
  }
  for (const { path, kind } of rulesetChanges(olds, news)) detailed[path] = { kind };
  const paths = Object.keys(detailed);
  if (paths.length === 0) return { changes: 'none', detailedDiff: {} };
  const diffs = [...new Set(paths.map((path) => /^\w+/.exec(path)?.[0] ?? path))];
  return { changes: 'some', diffs, replaces, detailedDiff: detailed, deleteBeforeReplace: false };
}

function rulesetChanges(
  olds: PropertyObject,
  news: PropertyObject,
): readonly { readonly path: string; readonly kind: DiffKind }[] {
  if (hasUnknowns(news['ruleset'] ?? null)) return [{ path: 'ruleset', kind: 'update' }];
  const [old, now] = [treeFrom(olds['rules']), treeFrom(news['rules'])];
  // A state without rules was written by hand or by another version: then only the texts can be compared.
  if (old === undefined || now === undefined) {
    return olds['ruleset'] === news['ruleset'] ? [] : [{ path: 'ruleset', kind: 'update' }];
  }
  return compareTrees('rules', old, now);
}

function scalarChange(old: unknown, now: unknown): DiffKind | undefined {
  if (isDeepStrictEqual(old ?? null, now ?? null)) return undefined;
  if (old === undefined || old === null) return 'add';
  return now === undefined || now === null ? 'delete' : 'update';
}
