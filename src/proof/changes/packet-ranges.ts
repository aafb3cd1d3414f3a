import { IntervalSet } from '../../net/interval-set.ts';
import type { PacketSet } from '../../net/packet-set.ts';
import { protocolName } from '../claims/packet-words.ts';
import type { PacketRange } from './change.ts';

const EVERY_PROTOCOL = 256n;

/** A packet set as protocols with destination ports, for people; addresses and everything else are left out. */
export function packetRanges(set: PacketSet): PacketRange[] {
  const groups = new Map<string, { protos: bigint[]; ports: IntervalSet }>();
  const protocols = set.values('proto');
  for (const [first, last] of protocols.intervals) {
    for (let proto = first; proto <= last; proto++) {
      const ports = set.restrict('proto', IntervalSet.point(proto)).values('dport');
      const key = ports.toString();
      const group = groups.get(key) ?? { protos: [], ports };
      group.protos.push(proto);
      groups.set(key, group);
    }
  }
  const list = [...groups.values()];
  const total = list.reduce((n, g) => n + BigInt(g.protos.length), 0n);
  if (list.length === 1 && total >= EVERY_PROTOCOL - 2n) return [{ proto: 'all', ports: [[0, 65535]] }];
  return list
    .flatMap(({ protos, ports }) => named(protos).map((proto) => ({ proto, ports: portsOf(proto, ports) })))
    .sort((a, b) => rank(a.proto) - rank(b.proto));
}

const ORDER = ['tcp', 'udp', 'icmp', 'icmpv6', 'sctp'];

function rank(proto: string): number {
  const at = ORDER.indexOf(proto);
  return at < 0 ? ORDER.length : at;
}

const WITH_PORTS = new Set(['tcp', 'udp', 'sctp', 'dccp', 'udplite']);

function portsOf(proto: string, ports: IntervalSet): PacketRange['ports'] {
  if (!WITH_PORTS.has(proto)) return [];
  return ports.intervals.map(([lo, hi]) => [Number(lo), Number(hi)] as const);
}

/** The protocols people know by name; the rest as ranges of numbers. */
function named(protos: readonly bigint[]): string[] {
  const names = protos.map((p) => protocolName(Number(p)));
  const known = names.filter((n) => !/^\d/.test(n));
  const numbers = protos.filter((p) => /^\d/.test(protocolName(Number(p))));
  const ranges = IntervalSet.points(...numbers).intervals.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`));
  return [...known, ...ranges];
}
