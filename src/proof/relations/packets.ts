import { internInterface } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { PortRange } from '../../topology/model.ts';

/** Everything on one named interface. */
export function onInterface(field: 'iif' | 'oif', name: string): PacketSet {
  return PacketSet.box({ [field]: IntervalSet.point(internInterface(name)) });
}

/** Packets of one transport protocol with a port of the ranges at one end. */
export function transport(proto: number, field: 'sport' | 'dport', ranges: readonly PortRange[]): PacketSet {
  if (ranges.length === 0) return PacketSet.none;
  const ports = IntervalSet.of(...ranges.map((r) => [BigInt(r.first), BigInt(r.last)] as const));
  return PacketSet.box({ proto: IntervalSet.point(BigInt(proto)), [field]: ports });
}
