import type { Change } from '../../src/proof/changes/change.ts';
import { compare } from '../../src/proof/changes/compare.ts';
import type { Comparison } from '../../src/proof/report.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { interpret } from '../../src/state/interpret.ts';
import type { World } from './evidence.ts';

/** Compares two pieces of evidence under a topology. */
export function compared(world: World, a: Evidence, b: Evidence): Comparison {
  return compare(world.topology, { state: interpret(a), file: 'a' }, { state: interpret(b), file: 'b' });
}

/** Compares two policies alone. */
export function comparedPolicies(a: string, b: string, devices: readonly object[] = []): Comparison {
  const side = (text: string, file: string) => ({
    state: interpret({
      sources: {
        'tailnet/policy': { status: 'ok', body: { text } },
        'tailnet/devices': { status: 'ok', body: { devices } },
      },
    }),
    file,
  });
  return compare(undefined, side(a, 'a'), side(b, 'b'));
}

/** A device as the API lists it. */
export function device(name: string, tags: readonly string[], last: number, more: object = {}): object {
  return {
    nodeId: `n${name}CNTRL`,
    name,
    hostname: name,
    user: tags.length === 0 ? `${name}@example.com` : '',
    tags,
    addresses: [`100.64.0.${last}`, `fd7a:115c:a1e0::${last}`],
    advertisedRoutes: [],
    enabledRoutes: [],
    authorized: true,
    isExternal: false,
    ...more,
  };
}

/** `gain reach tag:a -> tag:b tcp 22` of each change. */
export function wordsOf(changes: readonly Change[]): string[] {
  return changes.map((c) => {
    const packets = c.packets.map((p) =>
      [p.proto, ...p.ports.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`))].join(' '),
    );
    const what = c.capability ?? c.login ?? packets.join(', ');
    return `${c.kind} ${c.relation} ${c.src.selector} -> ${c.dst.selector}${what === '' ? '' : ` ${what}`}`;
  });
}

/** The changes with the sides exchanged: what going back would be. */
export function reverted(changes: readonly Change[]): string[] {
  const swap = (text: string) => text.replace(/^(gain|lose)/, (kind) => (kind === 'gain' ? 'lose' : 'gain'));
  return wordsOf(changes).map(swap).sort();
}
