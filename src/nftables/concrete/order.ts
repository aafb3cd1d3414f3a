import { internInterface, isInterfaceName } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import type { BaseChain, Chain, Hook, Ruleset, Table } from '../ruleset.ts';
import { type ConcretePacket, isAmong } from './values.ts';

/** A base chain that the packet passes, or may pass. */
export interface PassedChain {
  readonly table: Table;
  readonly chain: Chain;
  readonly base: BaseChain;
  /** Where it really runs: NAT chains run where the kernel's NAT hooks are, whatever priority they name. */
  readonly position: number;
  /** False when it depends on something unknown whether the packet gets there, or the chain is in force. */
  readonly isSure: boolean;
}

/**
 * NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC (linux/netfilter_ipv4.h): all NAT chains of a hook are called from the one NAT
 * hook that is registered there (nf_nat_core.c nf_nat_register_fn).
 */
export function natPosition(hook: Hook): number {
  return hook === 'postrouting' || hook === 'input' ? 100 : -100;
}

/**
 * The base chains at the packet's hook in the order of the kernel. Of two with the same priority the one that was
 * registered later runs first (netfilter/core.c nf_hook_entries_grow), and tables and chains are listed as they came.
 */
export function chainsFor(ruleset: Ruleset, packet: ConcretePacket, isBridged: boolean): readonly PassedChain[] {
  return ruleset.tables
    .flatMap((table) => table.chains.flatMap((chain) => passed(table, chain, packet, isBridged) ?? []))
    .reverse()
    .sort((a, b) => a.position - b.position || natOrder(a) - natOrder(b));
}

function natOrder({ base }: PassedChain): number {
  return base.type === 'nat' ? base.priority : 0;
}

function passed(table: Table, chain: Chain, packet: ConcretePacket, isBridged: boolean): PassedChain | undefined {
  const { base } = chain;
  if (base === undefined || base.hook !== packet.hook || table.flags.includes('dormant')) return undefined;
  const seen = [
    familyOf(table, packet),
    deviceOf(base, packet),
    table.family === 'bridge' && !isBridged ? 'no' : 'yes',
  ];
  if (seen.includes('no')) return undefined;
  const isSure =
    !seen.includes('maybe') && table.family !== 'bridge' && table.flagsUnread !== true && base.offload !== true;
  const position = base.type === 'nat' ? natPosition(base.hook) : base.priority;
  return { table, chain, base, position, isSure };
}

function familyOf(table: Table, { values }: ConcretePacket): 'yes' | 'maybe' | 'no' {
  if (table.family === 'arp') return 'no';
  if (table.family !== 'ip' && table.family !== 'ip6') return 'yes';
  return isAmong(values.family, IntervalSet.point(table.family === 'ip' ? 4n : 6n));
}

/** Chains of netdev tables, and of inet tables at ingress, hang on devices. */
function deviceOf({ hook, devices }: BaseChain, { values }: ConcretePacket): 'yes' | 'maybe' | 'no' {
  if (hook !== 'ingress' && hook !== 'egress') return 'yes';
  if (devices.length === 0) return 'maybe'; // left out of the listing, see `json/restore.ts`
  const names = devices.filter(isInterfaceName).map(internInterface);
  return isAmong(values[hook === 'ingress' ? 'iif' : 'oif'], IntervalSet.points(...names));
}
