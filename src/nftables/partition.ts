import { PacketSet } from '../net/packet-set.ts';
import { type Decider, deciderOf } from './decide.ts';
import {
  chainsAt,
  type HookedChain,
  type HookOptions,
  packetsOfFamily,
  type UnknownPlace,
  unknownPlace,
} from './evaluate.ts';
import type { Hook, Ruleset } from './ruleset.ts';
import { type Branch, branchesOf, packetsOf, SymbolicDomain } from './symbolic.ts';
import { type Observer, Walk } from './walk.ts';

/** Packets with the same fate, and the rule or policy that decides it. */
export interface DecidedPackets {
  readonly packets: PacketSet;
  readonly by: Decider;
}

/** Packets whose fate is open, and the first place that leaves it open. */
export interface OpenPackets {
  readonly packets: PacketSet;
  readonly place: UnknownPlace | undefined;
}

/** Every packet at a hook, once: accepted for sure, dropped for sure, or neither. */
export interface HookPartition {
  /** By what accepts them in the last chain they pass; packets that no chain sees are under `no-chain`. */
  readonly accepted: readonly DecidedPackets[];
  readonly dropped: readonly DecidedPackets[];
  readonly unknown: readonly OpenPackets[];
}

/** Things that can happen to packets, in the order of the walk. */
interface Events {
  readonly drops: DecidedPackets[];
  accepts: DecidedPackets[];
  readonly opens: { readonly packets: PacketSet; readonly place: UnknownPlace }[];
}

/**
 * What a hook does with every packet: three disjoint parts of all packets, exact in the fields of the packet model, each
 * divided by the rule that decides. A packet may end in several rules of one chain because of a condition that is not
 * modelled; where all of them say the same it counts as decided, by the first of them.
 * @param options as for `evaluateHook`
 */
export function partitionHook(ruleset: Ruleset, hook: Hook, options: HookOptions = {}): HookPartition {
  const none: Decider = { kind: 'no-chain', hook };
  const events: Events = { drops: [], accepts: [{ packets: PacketSet.all, by: none }], opens: [] };
  let alive = branchesOf(PacketSet.all);
  for (const hooked of chainsAt(ruleset, hook, options)) alive = pass(hooked, alive, events);
  const mayAccept = packetsOf(alive);
  const mayDrop = PacketSet.unionAll(events.drops.map((d) => d.packets));
  return {
    accepted: divided(events.accepts, mayAccept.subtract(mayDrop)),
    dropped: divided(events.drops, mayDrop.subtract(mayAccept)),
    unknown: openParts(events.opens, mayAccept.intersect(mayDrop)),
  };
}

/** One base chain; returns the packets that may go on to the next one. */
function pass(hooked: HookedChain, alive: readonly Branch[], events: Events): readonly Branch[] {
  const { table, chain, base } = hooked;
  const domain = new SymbolicDomain(table);
  const seen = packetsOfFamily(table);
  const entering = alive.flatMap((b) => branchesOf(b.packets.intersect(seen), b));
  const passing = alive.flatMap((b) => branchesOf(b.packets.subtract(seen), b));
  const accepted: (readonly Branch[])[] = [passing];
  const accepts: DecidedPackets[] = [];
  const observer: Observer<readonly Branch[]> = {
    verdict: (verdict, branches, at, rule) => {
      const decided = { packets: packetsOf(branches), by: deciderOf(table, at, rule, verdict) };
      if (verdict === 'drop') events.drops.push(decided);
      else {
        accepts.push(decided);
        accepted.push(branches);
      }
    },
    unknown: (branches, at, rule, why) => {
      events.opens.push({ packets: packetsOf(branches), place: unknownPlace(table, at, rule, why) });
    },
  };
  new Walk(table, domain, observer).enter(chain, entering);
  // A NAT chain is asked for first packets only; of a table whose flags were not read nobody knows that it is in force.
  if (base.type === 'nat' || table.flagsUnread === true) accepted.push(entering);
  // What the chain sees is decided by it from here on; the rest keeps what it had.
  const rest = events.accepts.map((a) => ({ ...a, packets: a.packets.subtract(packetsOf(entering)) }));
  events.accepts = [...accepts, ...rest, ...(base.type === 'nat' || table.flagsUnread === true ? events.accepts : [])];
  return domain.union(accepted);
}

/** Gives each packet of `wanted` to the first event that names it. */
function divided(events: readonly DecidedPackets[], wanted: PacketSet): DecidedPackets[] {
  const parts: DecidedPackets[] = [];
  let left = wanted;
  for (const { packets, by } of events) {
    const part = packets.intersect(left);
    if (part.isEmpty()) continue;
    parts.push({ packets: part, by });
    left = left.subtract(part);
  }
  return parts;
}

function openParts(opens: Events['opens'], wanted: PacketSet): OpenPackets[] {
  const parts: OpenPackets[] = [];
  let left = wanted;
  for (const { packets, place } of opens) {
    const part = packets.intersect(left);
    if (part.isEmpty()) continue;
    parts.push({ packets: part, place });
    left = left.subtract(part);
  }
  return left.isEmpty() ? parts : [...parts, { packets: left, place: undefined }];
}
