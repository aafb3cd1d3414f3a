import type { RoleKind } from './model.ts';

const BY_NAME: ReadonlyMap<string, RoleKind> = new Map(
  (['model', 'orchestrator', 'executor', 'gateway', 'node'] as const).map((kind) => [kind, kind]),
);

/** The kind a role has by its name alone; undefined for names that mean nothing to cordon. */
export function kindByName(name: string): RoleKind | undefined {
  return BY_NAME.get(name);
}

/** The kind of a role: by its name, else what it says, else `other`. */
export function roleKind(name: string, said: RoleKind | undefined): RoleKind {
  return kindByName(name) ?? said ?? 'other';
}
