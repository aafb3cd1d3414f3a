import { internInterface, NO_INTERFACE, UNNAMED_INTERFACE } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { evaluateHook } from '../../nftables/evaluate.ts';
import { foreignFindings } from '../../nftables/foreign.ts';
import type { Hook } from '../../nftables/ruleset.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import type { Missing } from '../../state/known.ts';
import type { RulesetState } from '../../state/state.ts';

/** The hooks through which packets enter, leave and cross a host. */
export type Passage = 'in' | 'out' | 'forward';

/** What a host lets through at one passage, as far as its rulesets can be read. */
export interface HostPassage {
  /** Packets that could pass. */
  readonly may: PacketSet;
  /** Packets that surely pass. */
  readonly must: PacketSet;
  /** Why the two differ. */
  readonly missing: readonly Missing[];
}

const NOWHERE = IntervalSet.point(NO_INTERFACE);
const LOOPBACK = IntervalSet.point(internInterface('lo'));
/** Every interface but loopback, those that nobody named included. */
const OUTSIDE = IntervalSet.of([UNNAMED_INTERFACE, NO_INTERFACE - 1n]).subtract(LOOPBACK);

/**
 * All packets that could ever be at a passage, loopback left out. A packet keeps its input interface up to postrouting
 * when it is forwarded and never had one when the host sent it (`net/ipv4/ip_output.c` ip_output).
 */
const DOMAIN: Readonly<Record<Passage, PacketSet>> = {
  in: PacketSet.box({ iif: OUTSIDE, oif: NOWHERE }),
  out: PacketSet.box({ iif: NOWHERE, oif: OUTSIDE }),
  forward: PacketSet.box({ iif: OUTSIDE, oif: OUTSIDE }),
};

/** Hooks of one passage, in the order in which a packet meets them; it has to pass all of them. */
export const HOOKS: Readonly<Record<Passage, readonly Hook[]>> = {
  in: ['input'],
  out: ['output', 'postrouting'],
  forward: ['forward', 'postrouting'],
};

/**
 * What passes a host. Loopback is left out: who may talk to whom inside the host is another relation.
 *
 * Our own tables decide what may pass: an accept elsewhere opens nothing that ours drop. Foreign tables count where they
 * can drop as well (`must`), and where they can rewrite packets or lead them past ours: then anything may pass.
 */
export function passage(state: RulesetState, which: Passage): HostPassage {
  const { ruleset } = state;
  const bypasses = foreignFindings(ruleset);
  let may = DOMAIN[which];
  let must = bypasses.length > 0 ? PacketSet.none : DOMAIN[which];
  const missing: Missing[] = [];
  for (const hook of HOOKS[which]) {
    const own = evaluateHook(ruleset, hook);
    const all = evaluateHook(ruleset, hook, { tables: () => true });
    may = may.intersect(own.may);
    must = must.intersect(all.must);
    for (const u of [...own.unknowns, ...all.unknowns]) missing.push(place(u.span, `${u.text}: ${u.why}`));
  }
  for (const b of bypasses) missing.push(place(b.span, `table ${b.table} can lead packets past our rules: ${b.text}`));
  return { may: bypasses.length > 0 ? DOMAIN[which] : may, must, missing: unique(missing) };
}

/** Nothing is known of the host: anything may pass, nothing surely does. */
export function unknownPassage(which: Passage, missing: readonly Missing[]): HostPassage {
  return { may: DOMAIN[which], must: PacketSet.none, missing };
}

function place(span: Span | undefined, why: string): Missing {
  return { source: span === undefined ? 'rendered ruleset' : formatSpan(span), why };
}

function unique(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((m) => [`${m.source} ${m.why}`, m])).values()];
}
