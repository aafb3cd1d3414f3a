import { type KeyPath, keyPath } from './keys.ts';
import type { Family } from './version.ts';

/**
 * Keys that have another name in an older family; tables use the newest name
 * (openclaw `src/config/zod-schema.ts` of both releases).
 */
const RENAMED: readonly { readonly key: string; readonly was: Readonly<Partial<Record<Family, string>>> }[] = [
  { key: 'gateway.nodes.commands.allow', was: { '2026.2': 'gateway.nodes.allowCommands' } },
  { key: 'gateway.nodes.commands.deny', was: { '2026.2': 'gateway.nodes.denyCommands' } },
  { key: 'memory.search', was: { '2026.2': 'agents.defaults.memorySearch' } },
];

/** The newest name of a key as one family's file has it. */
export function newestName(path: KeyPath, family: Family): KeyPath {
  for (const { key, was } of RENAMED) {
    const old = was[family];
    if (old !== undefined && startsWith(path, keyPath(old))) {
      return [...keyPath(key), ...path.slice(keyPath(old).length)];
    }
  }
  return path;
}

/** The name a key has in one family's file. */
export function nameIn(path: KeyPath, family: Family): KeyPath {
  for (const { key, was } of RENAMED) {
    const old = was[family];
    if (old !== undefined && startsWith(path, keyPath(key))) {
      return [...keyPath(old), ...path.slice(keyPath(key).length)];
    }
  }
  return path;
}

function startsWith(path: KeyPath, start: KeyPath): boolean {
  return start.every((step, i) => path[i] === step);
}
