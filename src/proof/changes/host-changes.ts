import { PacketSet } from '../../net/packet-set.ts';
import { compareListings } from '../../nftables/equal.ts';
import type { ForeignFinding } from '../../nftables/foreign.ts';
import { withoutKnownForeign } from '../../nftables/foreign-known.ts';
import type { Hook } from '../../nftables/ruleset.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import { type Missing, missingOf } from '../../state/known.ts';
import type { HostState, RulesetState } from '../../state/state.ts';
import type { Host, Topology } from '../../topology/model.ts';
import { uniqueMissing } from '../claims/missing.ts';
import { rawLink } from '../intent.ts';
import { bypasses } from '../relations/bypasses.ts';
import { type HostPassage, ownPassage, type Passage } from '../relations/host.ts';
import { decidedCases } from '../relations/host-cases.ts';
import type { Change } from './change.ts';
import { byInterface, type Compared, toChange } from './host-describe.ts';

/** What came of comparing the rulesets of one host. */
export interface HostComparison {
  readonly changes: readonly Change[];
  readonly missing: readonly Missing[];
  /** The text of our tables differs; with no change and nothing missing, the difference means nothing. */
  readonly differs: boolean;
}

/**
 * What passes our tables of a host on side `b` and not on side `a`, and the other way round. Other tables can only take
 * away from that; where something in them can lead packets past ours, and it is not the same on both sides, the rest is
 * not known.
 */
export function hostChanges(topology: Topology, host: Host, a: HostState, b: HostState): HostComparison {
  if (!a.ruleset.known || !b.ruleset.known) {
    return { changes: [], missing: missingOf(a.ruleset, b.ruleset), differs: true };
  }
  const before = a.ruleset.value;
  const after = b.ruleset.value;
  // The same rules do the same, also where a rule alone could not be decided.
  const isSame = sameOwnTables(host, before, after);
  const around = changedBypasses(before, after);
  const link = rawLink(topology, host);
  const raw: readonly Passage[] = link === undefined ? [] : ['raw'];
  const passages: readonly Passage[] = ['in', 'out', 'forward', ...raw, 'local'];
  const parts = isSame ? [] : passages.map((which) => passageChanges({ topology, host, which, link, before, after }));
  return {
    changes: parts.flatMap((p) => p.changes),
    missing: uniqueMissing([...parts.flatMap((p) => p.missing), ...around]),
    differs: !isSame || around.length > 0,
  };
}

function sameOwnTables(host: Host, before: RulesetState, after: RulesetState): boolean {
  const file = `host/${host.name}/nft.txt`;
  const compared = compareListings({ file, text: before.text }, { file, text: after.text });
  return compared.ok && compared.value.length === 0;
}

/** What could lead packets past our tables on one side and not on the other. */
function changedBypasses(before: RulesetState, after: RulesetState): Missing[] {
  const [x, y] = [before, after].map((state) => bypasses(withoutKnownForeign(state.ruleset).ruleset));
  const key = (f: ForeignFinding) => `${f.table} ${f.chain} ${f.text}`;
  const fresh = (from: readonly ForeignFinding[], to: readonly ForeignFinding[]) => {
    const known = new Set(from.map(key));
    return to.filter((f) => !known.has(key(f)));
  };
  return [...fresh(x ?? [], y ?? []), ...fresh(y ?? [], x ?? [])].map((f) => ({
    source: f.span === undefined ? 'rendered ruleset' : formatSpan(f.span),
    why: `table ${f.table} can lead packets past our rules, on one side only: ${f.text || '(not shown)'}`,
  }));
}

function passageChanges(compared: Compared): { changes: Change[]; missing: readonly Missing[] } {
  const { host, which, link, before, after } = compared;
  const cases = casesOf(compared, which);
  const whole = differenceOf(cases);
  const changes = tell(compared, undefined, whole);
  // What one of two gates lets through more, the other may still stop: nothing passes more, but less stands in the way.
  const atGates = changes.length > 0 ? [] : gateChanges(compared, cases);
  const sides = [before, after].map((state) => ownPassage(state, which, link));
  return { changes: [...changes, ...atGates], missing: whole.isOpen ? openPlaces(host, sides) : [] };
}

/**
 * What passes on both sides, in every case: a match that the packet model cannot decide splits the packets into those for
 * which it is true and the others, and what changes for either of them is a change.
 */
function casesOf({ link, before, after }: Compared, which: Passage): (readonly [HostPassage, HostPassage])[] {
  return decidedCases(before.ruleset, after.ruleset).map(
    ([x, y]) => [ownPassage({ ruleset: x }, which, link), ownPassage({ ruleset: y }, which, link)] as const,
  );
}

function gateChanges(compared: Compared, cases: readonly (readonly [HostPassage, HostPassage])[]): Change[] {
  const gates = cases[0]?.[0].gates ?? [];
  if (gates.length < 2) return [];
  return gates.flatMap(({ hook }) => {
    const found = differenceAt(cases, hook);
    if (compared.which !== 'forward' || hook !== 'postrouting') return tell(compared, hook, found);
    // The second gate judges forwarded packets by the rules for sent ones as well, of which is told where they are sent.
    const sent = differenceAt(casesOf(compared, 'out'), hook);
    return tell(compared, hook, {
      gains: found.gains.subtract(sent.gains.forget('iif')),
      losses: found.losses.subtract(sent.losses.forget('iif')),
      isOpen: found.isOpen,
    });
  });
}

function differenceAt(cases: readonly (readonly [HostPassage, HostPassage])[], hook: Hook): Difference {
  return differenceOf(cases.map(([a, b]) => [gate(a, hook), gate(b, hook)]));
}

/** Bounds of what passes. */
type Bounds = Pick<HostPassage, 'may' | 'opens'>;

interface Difference {
  readonly gains: PacketSet;
  readonly losses: PacketSet;
  /** Some of it cannot be told. */
  readonly isOpen: boolean;
}

function differenceOf(cases: readonly (readonly [Bounds, Bounds])[]): Difference {
  const all = cases.map(([a, b]) => {
    const gains = b.opens.subtract(a.may);
    const losses = a.opens.subtract(b.may);
    const unsure = b.may.subtract(a.opens).subtract(gains).union(a.may.subtract(b.opens).subtract(losses));
    return { gains, losses, unsure };
  });
  return {
    gains: PacketSet.unionAll(all.map((c) => c.gains)),
    losses: PacketSet.unionAll(all.map((c) => c.losses)),
    isOpen: all.some((c) => !c.unsure.isEmpty()),
  };
}

function gate(passage: HostPassage, hook: Hook): Bounds {
  return passage.gates.find((g) => g.hook === hook) ?? passage;
}

function tell(compared: Compared, hook: Hook | undefined, { gains, losses }: Difference): Change[] {
  const kinds = [
    ['gain', gains],
    ['lose', losses],
  ] as const;
  const { host, which } = compared;
  return kinds.flatMap(([kind, packets]) =>
    byInterface(host, which, packets).map((part) => toChange(compared, kind, part, hook)),
  );
}

function openPlaces(host: Host, sides: readonly HostPassage[]): readonly Missing[] {
  const places = sides.flatMap((s) => s.missing);
  return places.length > 0 ? places : [{ source: `host/${host.name}/nft.txt`, why: 'cannot be decided' }];
}
