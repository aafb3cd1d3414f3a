import { interfaceValue } from '../net/interface-id.ts';
import { CT, type Packet, PROTO } from '../net/packet.ts';
import type { PacketSet } from '../net/packet-set.ts';
import type { Topology } from '../topology/model.ts';
import { NEW_FLOWS } from './relations/allowed.ts';

/** A packet of the set that a reader recognises: a new TCP flow to a well-known port between named places. */
export function recognisablePacket(topology: Topology, packets: PacketSet): Packet | undefined {
  const hosts = [...topology.hosts.values()];
  const names = hosts.flatMap((h) => [h.segmentInterface, ...h.underlayInterfaces]).filter((n) => n !== undefined);
  const own = hosts.flatMap((h) => [...h.addresses, ...h.tailnetAddresses]).map((a) => a.value);
  const neighbours = [...topology.segments.values()].flatMap((s) => s.prefixes.map((p) => p.first + 77n));
  const opening = packets.intersect(NEW_FLOWS);
  return (opening.isEmpty() ? packets : opening).sample({
    family: [4n],
    proto: [BigInt(PROTO.tcp), BigInt(PROTO.udp)],
    src: [...neighbours, ...own],
    dst: [...own, ...neighbours],
    dport: [11434n, 22n, 443n],
    ct: [CT.originalNew],
    iif: names.map(interfaceValue),
    oif: names.map(interfaceValue),
  });
}
