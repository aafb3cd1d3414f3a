import { interfaceValue } from '../net/interface-id.ts';
import { CT, type Packet, PROTO } from '../net/packet.ts';
import type { PacketSet } from '../net/packet-set.ts';
import type { Host, Topology } from '../topology/model.ts';
import { TAILNET_INTERFACE } from './intent.ts';
import { NEW_FLOWS } from './relations/allowed.ts';
import type { Passage } from './relations/host.ts';

/**
 * A packet of the set that a reader recognises: a new TCP flow to a well-known port between named places.
 * @param host whose passage the set is about: its own addresses are preferred at its end
 */
export function recognisablePacket(
  topology: Topology,
  host: Host,
  which: Passage,
  packets: PacketSet,
): Packet | undefined {
  const hosts = [...topology.hosts.values()];
  const own = addressesOf(host);
  const models = hosts.filter((h) => topology.roles.get(h.role)?.kind === 'model' && h !== host).flatMap(addressesOf);
  const others = hosts.filter((h) => h !== host).flatMap(addressesOf);
  // Somebody on the link whom nobody declared.
  const strangers = [...topology.segments.values()].flatMap((s) => s.prefixes.map((p) => p.first + 77n));
  const far = [...strangers, ...others];
  const near = which === 'forward' ? [...models, ...far] : own;
  const opening = packets.intersect(NEW_FLOWS);
  const names = [host.segmentInterface, ...host.underlayInterfaces, TAILNET_INTERFACE].filter((n) => n !== undefined);
  return (opening.isEmpty() ? packets : opening).sample({
    family: [4n],
    proto: [BigInt(PROTO.tcp), BigInt(PROTO.udp)],
    src: which === 'out' || which === 'raw' ? near : far,
    dst: which === 'out' || which === 'raw' ? far : near,
    dport: [11434n, 22n, 443n],
    ct: [CT.originalNew],
    iif: names.map(interfaceValue),
    oif: names.map(interfaceValue),
  });
}

function addressesOf(host: Host): bigint[] {
  return [...host.addresses, ...host.tailnetAddresses].map((a) => a.value);
}
