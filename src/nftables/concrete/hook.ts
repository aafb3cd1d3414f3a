import { IntervalSet } from '../../net/interval-set.ts';
import { printRule } from '../print-statement.ts';
import type { Chain, Hook, Rule, Ruleset, Table, TableFamily } from '../ruleset.ts';
import { type Observer, Walk } from '../walk.ts';
import { ConcreteDomain, isOnLoopback, type State, type Surroundings } from './domain.ts';
import type { Links } from './links.ts';
import { chainsFor, natPosition, type PassedChain } from './order.ts';
import { afterTranslation, translates } from './translation.ts';
import { type ConcretePacket, isAmong } from './values.ts';

/** What a hook does with one packet, and which rule decides. */
export interface PacketVerdict {
  readonly verdict: 'accept' | 'drop' | 'unknown';
  /** Of the table, null when no base chain is at the hook. */
  readonly family: TableFamily | null;
  readonly table: string | null;
  /** The chain of the rule, or the base chain whose policy decides. */
  readonly chain: string | null;
  /** Null for a policy, and for a rule listed without handles. */
  readonly handle: number | null;
  /** For `unknown` what cannot be told; else what is worth knowing about the place. */
  readonly why?: string;
}

/** Where packets end, or what could not be told about them. */
interface Place {
  readonly table: Table;
  readonly chain: Chain;
  readonly rule: Rule | undefined;
  readonly why?: string;
}

/** What one base chain did with the packet. */
interface Passage {
  readonly accepted: readonly State[];
  readonly accepts: readonly Place[];
  readonly drops: readonly Place[];
  readonly unknowns: readonly Place[];
}

/**
 * Sends one packet through every base chain at its hook, in the kernel's order, and says what happens to it: `drop` and
 * `accept` whatever the unknown conditions are, `unknown` otherwise. A drop names the rule that drops; an accept the one
 * that accepts in the last chain the packet passes; an unknown the place that leaves it open.
 * @param links the host's links, for `fib … type` and interface indices
 */
export function evaluatePacket(ruleset: Ruleset, packet: ConcretePacket, links?: Links): PacketVerdict {
  const chains = chainsFor(ruleset, packet, mayBeBridged(links));
  let states: readonly State[] = [start(packet)];
  let accepts: readonly Place[] = [];
  const drops: Place[] = [];
  const unknowns: Place[] = [];
  let isTranslated = false;
  const hasNat = translates(ruleset);
  for (const passed of chains) {
    if (!isTranslated && passed.position > natPosition(packet.hook)) {
      states = translate(ruleset, packet.hook, states, chains, links);
      isTranslated = true;
    }
    const passage = pass(passed, states, links, hasNat);
    unknowns.push(...passage.unknowns);
    drops.push(...passage.drops);
    states = passage.accepted;
    // A chain that may not be asked at all is named only where there is no other.
    if (passage.accepts.length > 0 && (passed.isSure || accepts.length === 0)) accepts = passage.accepts;
    if (states.length === 0) return described('drop', drops, passage.drops[0] ?? drops[0]);
  }
  if (drops.length === 0) return described('accept', accepts, accepts[0] ?? unasked(chains));
  const blamed =
    unknowns.find((u) => drops.some((d) => d.rule === u.rule && d.rule !== undefined)) ?? unknowns[0] ?? drops[0];
  return described('unknown', [], blamed);
}

function start({ values, cgroup }: ConcretePacket): State {
  return { values, cgroup, isLost: false, isUntracked: false, isTranslated: false };
}

/** Where only NAT chains are, and the packet is no first one: the last of them, as if its policy had been asked. */
function unasked(chains: readonly PassedChain[]): Place | undefined {
  const last = chains.at(-1);
  return last === undefined ? undefined : { table: last.table, chain: last.chain, rule: undefined };
}

function none(): PacketVerdict {
  return { verdict: 'accept', family: null, table: null, chain: null, handle: null, why: 'no base chain at this hook' };
}

function described(verdict: PacketVerdict['verdict'], all: readonly Place[], place: Place | undefined): PacketVerdict {
  if (place === undefined) return none();
  const { table, chain, rule, why } = place;
  const other = all.find((o) => o.rule !== rule || o.chain !== chain);
  const also =
    other === undefined ? undefined : `or ${verdict === 'drop' ? 'dropped' : 'accepted'} in ${nameOf(other)}`;
  const said = verdict === 'unknown' ? (why ?? `it may be dropped in ${nameOf(place)}`) : also;
  return {
    verdict,
    family: table.family,
    table: table.name,
    chain: chain.name,
    handle: rule?.handle ?? null,
    ...(said === undefined ? {} : { why: said }),
  };
}

function nameOf({ table, chain, rule }: Place): string {
  return `${table.family} ${table.name} ${chain.name}${rule === undefined ? '' : `: ${printRule(rule)}`}`;
}

/** A bridge's own chains are asked for packets that cross it: which ports it has only the links say. */
function mayBeBridged(links: Links | undefined): boolean {
  return links === undefined || links.links.some((link) => link.isPort);
}

/** First packets of connections, and related ones, are asked about NAT (nf_nat_core.c nf_nat_inet_fn). */
const ASKED_ABOUT_NAT = IntervalSet.points(4n, 8n);
const FIRST = IntervalSet.point(8n);

function pass(passed: PassedChain, states: readonly State[], links: Links | undefined, hasNat: boolean): Passage {
  const { table, chain, base, isSure } = passed;
  const here: Place = { table, chain, rule: undefined };
  const accepted: State[] = [];
  const accepts: Place[] = [];
  const drops: Place[] = [];
  const unknowns: Place[] = [];
  const asked = base.type === 'nat' ? states.filter((s) => isAsked(s) !== 'no') : states;
  const skipping = states.filter((s) => !asked.includes(s) || (base.type === 'nat' && isAsked(s) === 'maybe'));
  accepted.push(...skipping);
  const observer: Observer<readonly State[]> = {
    verdict: (verdict, ended, at, rule) => {
      const place: Place = { table, chain: at, rule };
      if (verdict === 'accept') {
        accepted.push(...ended);
        accepts.push(place);
      } else drops.push(place);
    },
    unknown: (_states, at, rule, why) => unknowns.push({ table, chain: at, rule, why }),
  };
  if (asked.length > 0) {
    const domain = new ConcreteDomain({ table, links, tracking: trackingAt(passed, asked), hasNat });
    new Walk(table, domain, observer).enter(chain, domain.union([asked]));
    if (!isSure && drops.length > 0) {
      unknowns.unshift({ ...here, why: 'it is not known whether this chain is asked at all' });
      accepted.push(...asked);
    }
    return { accepted: domain.union([accepted]), accepts, drops, unknowns };
  }
  return { accepted, accepts, drops, unknowns };
}

function isAsked(state: State): 'yes' | 'maybe' | 'no' {
  if (state.isUntracked || state.isTranslated) return 'no';
  if (isAmong(state.values.ctState, ASKED_ABOUT_NAT) === 'no') return 'no';
  return isAmong(state.values.ctState, FIRST) === 'yes' ? 'yes' : 'maybe';
}

/** NF_IP_PRI_CONNTRACK (linux/netfilter_ipv4.h): connections are looked up in prerouting and output. */
const CONNTRACK = -200;

function trackingAt({ base, position }: PassedChain, states: readonly State[]): Surroundings['tracking'] {
  const onLoopback = states.some((s) => isOnLoopback(s.values.iif) !== 'no');
  // What comes over loopback has kept the connection it was sent with.
  const early = onLoopback ? 'perhaps' : 'early';
  if (base.hook === 'ingress') return early;
  if (base.hook !== 'prerouting' && base.hook !== 'output') return 'done';
  if (position === CONNTRACK) return 'perhaps';
  return position < CONNTRACK ? early : 'done';
}

/** Packets of older connections behind the place where NAT is applied. */
function translate(
  ruleset: Ruleset,
  hook: Hook,
  states: readonly State[],
  chains: readonly PassedChain[],
  links: Links | undefined,
): readonly State[] {
  return states.map((state) => afterTranslation(ruleset, hook, state, setsUp(state, chains, links)));
}

/** True when some NAT chain could set up a translation for this packet, were it the first of its connection. */
function setsUp(state: State, chains: readonly PassedChain[], links: Links | undefined): boolean {
  return chains
    .filter(({ base }) => base.type === 'nat')
    .some(({ table, chain }) => {
      let isTranslated = false;
      const observer: Observer<readonly State[]> = {
        verdict: (_verdict, ended) => {
          isTranslated ||= ended.some((s) => s.isTranslated || s.isLost);
        },
        unknown: () => {},
      };
      const first: State = { ...state, values: { ...state.values, ctState: { values: FIRST, absent: false } } };
      new Walk(table, new ConcreteDomain({ table, links, tracking: 'done', hasNat: true }), observer).enter(chain, [
        first,
      ]);
      return isTranslated;
    });
}
