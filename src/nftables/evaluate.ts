import { IntervalSet } from '../net/interval-set.ts';
import { PacketSet } from '../net/packet-set.ts';
import type { Span } from '../source/span.ts';
import { printRule } from './print-statement.ts';
import { type BaseChain, type Chain, type Hook, isOwnTable, type Rule, type Ruleset, type Table } from './ruleset.ts';
import {
  type Branch,
  branchesOf,
  type Changes,
  keyOf,
  mergedChanges,
  NO_CHANGES,
  packetsOf,
  SymbolicDomain,
} from './symbolic.ts';
import { type Observer, Walk } from './walk.ts';

/** What a hook does with packets, each set an answer to another question. */
export interface HookVerdict {
  /** Packets that could be accepted by every base chain at the hook, whatever the unknown conditions are. */
  readonly may: PacketSet;
  /** Packets that every base chain surely accepts. */
  readonly must: PacketSet;
  /** Why `may` and `must` differ: every place that could not be decided, once. */
  readonly unknowns: readonly UnknownPlace[];
}

/** A rule whose effect on some packets could not be decided. */
export interface UnknownPlace {
  readonly table: string;
  readonly chain: string;
  /** Absent on rendered rulesets. */
  readonly span?: Span;
  /** The rule as nft prints it. */
  readonly text: string;
  readonly why: string;
}

/** Which base chains are asked. */
export interface HookOptions {
  /** Tables to look at; ours when left out. Foreign tables can only take away from what ours accept. */
  readonly tables?: (table: Table) => boolean;
  /** For the hooks of one interface (netdev tables): its name. */
  readonly device?: string;
}

/** A base chain together with its table. */
export interface HookedChain {
  readonly table: Table;
  readonly chain: Chain;
  readonly base: BaseChain;
}

const IPV4 = PacketSet.box({ family: IntervalSet.point(4n) });
const IPV6 = PacketSet.box({ family: IntervalSet.point(6n) });

/**
 * The base chains at a hook in the order in which packets pass them; those of dormant tables are not in force. Chains of
 * netdev tables hang on interfaces and are found only with `options.device`, all others only without.
 */
export function chainsAt(ruleset: Ruleset, hook: Hook, options: HookOptions = {}): HookedChain[] {
  const isWanted = options.tables ?? isOwnTable;
  const { device } = options;
  return ruleset.tables
    .filter((t) => isWanted(t) && !t.flags.includes('dormant') && t.family !== 'arp' && t.family !== 'bridge')
    .flatMap((table) =>
      table.chains.flatMap((chain) => (chain.base === undefined ? [] : [{ table, chain, base: chain.base }])),
    )
    .filter(({ base }) => base.hook === hook)
    .filter(({ base }) => (device === undefined ? base.devices.length === 0 : base.devices.includes(device)))
    .sort((a, b) => a.base.priority - b.base.priority);
}

/** The packets that a table of this family sees; all others pass it unasked. */
export function packetsOfFamily(table: Table): PacketSet {
  if (table.family === 'ip') return IPV4;
  return table.family === 'ip6' ? IPV6 : PacketSet.all;
}

/**
 * What the hook does with every packet. A packet passes if every base chain accepts it: an `accept` ends its own chain
 * only. A hook without a base chain lets everything pass.
 *
 * Callers set the fields that the hook knows: an output packet has no `iif`, an input packet no `oif`.
 */
export function evaluateHook(ruleset: Ruleset, hook: Hook, options: HookOptions = {}): HookVerdict {
  let may = PacketSet.all;
  let must = PacketSet.all;
  let before = NO_CHANGES;
  const unknowns = new Map<string, UnknownPlace>();
  for (const hooked of chainsAt(ruleset, hook, options)) {
    const outcome = outcomeOf(hooked, before);
    may = may.intersect(outcome.mayAccept);
    must = must.subtract(outcome.mayDrop);
    for (const [key, place] of outcome.unknowns) unknowns.set(key, place);
    before = outcome.after;
  }
  return { may, must, unknowns: [...unknowns.values()] };
}

/** What one base chain does with the packets of its table's family. */
interface ChainOutcome {
  readonly mayAccept: PacketSet;
  readonly mayDrop: PacketSet;
  /** By what tells the places apart. */
  readonly unknowns: ReadonlyMap<string, UnknownPlace>;
  /** What may have been done to a packet that it accepts: the chains after it see the packet so. */
  readonly after: Changes;
}

/**
 * Outcomes by table, base chain and what was done to the packets before: rulesets are values, and the same one is asked
 * about hook by hook, claim by claim.
 */
const outcomes = new WeakMap<Table, Map<Chain, Map<string, ChainOutcome>>>();

function outcomeOf(hooked: HookedChain, before: Changes): ChainOutcome {
  const { table, chain } = hooked;
  const ofTable = outcomes.get(table) ?? new Map<Chain, Map<string, ChainOutcome>>();
  outcomes.set(table, ofTable);
  const ofChain = ofTable.get(chain) ?? new Map<string, ChainOutcome>();
  ofTable.set(chain, ofChain);
  const key = keyOf(before);
  const outcome = ofChain.get(key) ?? evaluateChain(hooked, packetsOfFamily(table), before);
  ofChain.set(key, outcome);
  return outcome;
}

function evaluateChain({ table, chain, base }: HookedChain, seen: PacketSet, before: Changes): ChainOutcome {
  const unknowns = new Map<string, UnknownPlace>();
  const ends: Record<'accept' | 'drop', PacketSet[]> = { accept: [seen.complement()], drop: [] };
  const after: Changes[] = [before];
  const observer: Observer<readonly Branch[]> = {
    verdict: (verdict, branches) => {
      ends[verdict].push(packetsOf(branches));
      if (verdict === 'accept') after.push(...branches);
    },
    unknown: (_branches, at, rule, why) => {
      const place = unknownPlace(table, at, rule, why);
      unknowns.set(JSON.stringify({ ...place, span: undefined }) + (rule.span?.offset ?? ''), place);
    },
  };
  new Walk(table, new SymbolicDomain(table), observer).enter(chain, branchesOf(seen, before));
  // NAT chains are asked for first packets only; of a table whose flags were not read nobody knows that it is in force.
  if (base.type === 'nat' || table.flagsUnread === true) ends.accept.push(seen);
  return {
    mayAccept: PacketSet.unionAll(ends.accept),
    mayDrop: PacketSet.unionAll(ends.drop),
    unknowns,
    after: mergedChanges(after),
  };
}

/** Where and why something could not be decided. */
export function unknownPlace(table: Table, chain: Chain, rule: Rule, why: string): UnknownPlace {
  const span = rule.span === undefined ? {} : { span: rule.span };
  return { table: `${table.family} ${table.name}`, chain: chain.name, text: printRule(rule), why, ...span };
}
