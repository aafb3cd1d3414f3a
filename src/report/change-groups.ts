import type { Change } from '../proof/changes/change.ts';
import { packetRanges } from './packet-words.ts';

/** Changes that say the same of several pairs: one line for people instead of one for each pair. */
export interface ChangeGroup {
  readonly kind: Change['kind'];
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  /** The most telling of the group's changes. */
  readonly example: Change;
  readonly pairs: number;
}

/**
 * Joins changes with the same packets, layer and blame: first the sources of one target, then the targets that have the
 * same sources. The order of the first change of each group is kept.
 */
export function groupChanges(changes: readonly Change[]): readonly ChangeGroup[] {
  const byTarget = join(
    changes.map((c) => ({
      kind: c.kind,
      sources: [nameOf(c.src)],
      targets: [nameOf(c.dst)],
      example: c,
      pairs: c.count,
    })),
    (g) => g.targets,
  );
  return join(byTarget, (g) => [...g.sources].sort());
}

function join(groups: readonly ChangeGroup[], same: (g: ChangeGroup) => readonly string[]): ChangeGroup[] {
  const merged = new Map<string, ChangeGroup>();
  for (const g of groups) {
    const { kind, layer, relation, packets, blame, capability, login, gate } = g.example;
    const key = JSON.stringify([kind, layer, relation, packetRanges(packets), blame, capability, login, gate, same(g)]);
    const known = merged.get(key);
    merged.set(key, known === undefined ? g : union(known, g));
  }
  return [...merged.values()];
}

function union(a: ChangeGroup, b: ChangeGroup): ChangeGroup {
  return {
    ...a,
    example: moreTelling(a.example, b.example),
    sources: [...new Set([...a.sources, ...b.sources])],
    targets: [...new Set([...a.targets, ...b.targets])],
    pairs: a.pairs + b.pairs,
  };
}

/** Two kinds of devices tell more than two of a kind, of which one may not even exist yet. */
function moreTelling(a: Change, b: Change): Change {
  const isAmongEqual = (c: Change) => c.src.selector === c.dst.selector;
  return isAmongEqual(a) && !isAmongEqual(b) ? b : a;
}

function nameOf(party: Change['src']): string {
  const { selector, members } = party;
  const shown = members.slice(0, 3);
  const more = members.length - shown.length;
  if (members.length === 0 || members.join(', ') === selector) return selector;
  if (members.every((m) => m.startsWith('a future '))) return `${selector} (nobody yet)`;
  return `${selector} (${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}
