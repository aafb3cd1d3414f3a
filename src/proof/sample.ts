import type { Family } from '../net/address.ts';
import { interfaceValue } from '../net/interface-id.ts';
import { CT, type Packet, PROTO } from '../net/packet.ts';
import type { PacketSet } from '../net/packet-set.ts';
import type { Host, Topology } from '../topology/model.ts';
import { TAILNET_INTERFACE } from './intent.ts';
import { NEW_FLOWS } from './relations/allowed.ts';
import { isSent, type Passage } from './relations/host.ts';

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
  const opening = packets.intersect(NEW_FLOWS);
  const shown = opening.isEmpty() ? packets : opening;
  // A number is another address in the other family.
  const family: Family = shown.values('family').contains(4n) ? 4 : 6;
  const addresses = (hosts: readonly Host[]) =>
    hosts
      .flatMap((h) => [...h.addresses, ...h.tailnetAddresses])
      .flatMap((a) => (a.family === family ? [a.value] : []));
  const others = [...topology.hosts.values()].filter((h) => h !== host);
  // Somebody on the link whom nobody declared.
  const strangers = [...topology.segments.values()]
    .flatMap((s) => s.prefixes)
    .flatMap((p) => (p.family === family ? [p.first + 77n] : []));
  const far = [...strangers, ...addresses(others)];
  const models = others.filter((h) => topology.roles.get(h.role)?.kind === 'model');
  const near = which === 'forward' ? [...addresses(models), ...far] : addresses([host]);
  const names = [host.segmentInterface, ...host.underlayInterfaces, TAILNET_INTERFACE].filter((n) => n !== undefined);
  const sends = isSent(which);
  const loopback = which === 'local' ? [family === 4 ? 0x7f000001n : 1n] : [];
  return shown.sample({
    family: [BigInt(family)],
    proto: [BigInt(PROTO.tcp), BigInt(PROTO.udp)],
    src: [...loopback, ...(sends ? near : far)],
    dst: [...loopback, ...(sends ? far : near)],
    dport: [11434n, 22n, 443n],
    ct: [CT.originalNew],
    // A plain user, and a socket that nobody marked.
    uid: [1000n],
    mark: [0n],
    iif: names.map(interfaceValue),
    oif: names.map(interfaceValue),
  });
}
