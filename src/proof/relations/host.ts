import { internInterface, NO_INTERFACE, UNNAMED_INTERFACE } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { evaluateHook, type HookOptions } from '../../nftables/evaluate.ts';
import { withoutKnownForeign } from '../../nftables/foreign-known.ts';
import type { Hook, Ruleset } from '../../nftables/ruleset.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import type { Missing } from '../../state/known.ts';
import type { RulesetState } from '../../state/state.ts';
import { bypasses } from './bypasses.ts';

/**
 * The hooks through which packets enter, leave and cross a host. `raw` is the device's own egress hook, the only one
 * that sees packet sockets; it is asked where the link is the model's own. `local` is loopback, judged where it is sent:
 * what a host says to itself, a way out where a service on it acts for others.
 */
export type Passage = 'in' | 'out' | 'forward' | 'raw' | 'local';

/** Whether the host itself is the sender. */
export function isSent(which: Passage): boolean {
  return which === 'out' || which === 'raw' || which === 'local';
}

/** What a host lets through at one passage, as far as its rulesets can be read. */
export interface HostPassage {
  /** Packets that could pass: everything, where something can lead packets past our chains. */
  readonly may: PacketSet;
  /** Packets that our tables surely let pass: what breaks a claim, whatever other tables do. */
  readonly opens: PacketSet;
  /** Packets that every table surely lets pass: what makes a flow work. */
  readonly must: PacketSet;
  /** Packets that every table could let pass: without which a flow surely does not work. */
  readonly could: PacketSet;
  /** Why they differ. */
  readonly missing: readonly Missing[];
  /** What our tables let pass at each hook by itself; empty where the rulesets are not known. */
  readonly gates: readonly Gate[];
}

/** One hook of a passage. */
export interface Gate {
  readonly hook: Hook;
  readonly may: PacketSet;
  readonly opens: PacketSet;
}

const NOWHERE = IntervalSet.point(NO_INTERFACE);
const LOOPBACK = IntervalSet.point(internInterface('lo'));
/** Every interface but loopback, those that nobody named included. */
const OUTSIDE = IntervalSet.of([UNNAMED_INTERFACE, NO_INTERFACE - 1n]).subtract(LOOPBACK);

/**
 * All packets that could ever be at a passage; loopback is one of its own. A packet keeps its input interface up to postrouting
 * when it is forwarded and never had one when the host sent it (`net/ipv4/ip_output.c` ip_output).
 */
const DOMAIN: Readonly<Record<Exclude<Passage, 'raw'>, PacketSet>> = {
  in: PacketSet.box({ iif: OUTSIDE, oif: NOWHERE }),
  out: PacketSet.box({ iif: NOWHERE, oif: OUTSIDE }),
  forward: PacketSet.box({ iif: OUTSIDE, oif: OUTSIDE }),
  local: PacketSet.box({ iif: NOWHERE, oif: LOOPBACK }),
};

/** Hooks of one passage, in the order in which a packet meets them; it has to pass all of them. */
export const HOOKS: Readonly<Record<Passage, readonly Hook[]>> = {
  in: ['input'],
  out: ['output', 'postrouting'],
  forward: ['forward', 'postrouting'],
  raw: ['egress'],
  local: ['output'],
};

/** What asks the hooks of a passage: those of a device hang on its name. */
export function hookOptions(which: Passage, device: string | undefined): HookOptions {
  return which === 'raw' ? { device: device ?? '' } : {};
}

function domainOf(which: Passage, device: string | undefined): PacketSet {
  if (which !== 'raw') return DOMAIN[which];
  return PacketSet.box({ iif: NOWHERE, oif: IntervalSet.point(internInterface(device ?? '')) });
}

/**
 * What passes a host.
 *
 * Our own tables decide what may pass: an accept elsewhere opens nothing that ours drop. Foreign tables count where they
 * can drop as well (`must`), and where they can rewrite packets or lead them past ours: then anything may pass. What
 * tailscaled is known to add is no such thing.
 * @param device the link, for `raw` only
 */
export function passage(state: Pick<RulesetState, 'ruleset'>, which: Passage, device?: string): HostPassage {
  const ofRuleset = passages.get(state.ruleset) ?? new Map<string, HostPassage>();
  passages.set(state.ruleset, ofRuleset);
  const key = `${which} ${device ?? ''}`;
  const done = ofRuleset.get(key) ?? workOut(state.ruleset, which, device);
  ofRuleset.set(key, done);
  return done;
}

/** By ruleset: whoever looks at the same state again, as a watch does, finds what was worked out. */
const passages = new WeakMap<Ruleset, Map<string, HostPassage>>();

function workOut(everything: Ruleset, which: Passage, device: string | undefined): HostPassage {
  const { ruleset } = withoutKnownForeign(everything);
  const around = bypasses(ruleset);
  const options = hookOptions(which, device);
  const own = through(ruleset, which, options, domainOf(which, device));
  const all = through(ruleset, which, { ...options, tables: () => true }, domainOf(which, device));
  const missing = [
    ...own.missing,
    ...all.missing,
    ...around.map((b) => place(b.span, `table ${b.table} can lead packets past our rules: ${b.text || '(not shown)'}`)),
  ];
  const isOpen = around.length > 0;
  return {
    may: isOpen ? domainOf(which, device) : own.may,
    opens: own.must,
    must: isOpen ? PacketSet.none : all.must,
    could: isOpen ? domainOf(which, device) : all.may,
    missing: unique(missing),
    gates: own.gates,
  };
}

/** What our own tables let pass, whatever others do beside them. */
export function ownPassage(state: Pick<RulesetState, 'ruleset'>, which: Passage, device?: string): HostPassage {
  const own = through(state.ruleset, which, hookOptions(which, device), domainOf(which, device));
  const { may, must, gates } = own;
  return { may, opens: must, must, could: may, missing: unique(own.missing), gates };
}

function through(
  ruleset: Ruleset,
  which: Passage,
  options: HookOptions,
  domain: PacketSet,
): { may: PacketSet; must: PacketSet; missing: Missing[]; gates: Gate[] } {
  let may = domain;
  let must = domain;
  const missing: Missing[] = [];
  const gates: Gate[] = [];
  for (const hook of HOOKS[which]) {
    const verdict = evaluateHook(ruleset, hook, options);
    may = may.intersect(verdict.may);
    must = must.intersect(verdict.must);
    gates.push({ hook, may: verdict.may.intersect(domain), opens: verdict.must.intersect(domain) });
    for (const u of verdict.unknowns) missing.push(place(u.span, `${u.text}: ${u.why}`));
  }
  return { may, must, missing, gates };
}

/** Nothing is known of the host: anything may pass, nothing surely does. */
export function unknownPassage(which: Passage, missing: readonly Missing[], device?: string): HostPassage {
  const anything = domainOf(which, device);
  return { may: anything, opens: PacketSet.none, must: PacketSet.none, could: anything, missing, gates: [] };
}

function place(span: Span | undefined, why: string): Missing {
  return { source: span === undefined ? 'rendered ruleset' : formatSpan(span), why };
}

function unique(missing: readonly Missing[]): Missing[] {
  return [...new Map(missing.map((m) => [`${m.source} ${m.why}`, m])).values()];
}
