import { formatAddress } from '../../net/address.ts';
import { CT, type CtState, type Packet, PROTO } from '../../net/packet.ts';
import type { WitnessPacket } from '../claim.ts';

const PROTO_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(PROTO).map(([name, value]) => [value, name]));

const CT_WORDS: ReadonlyMap<CtState, string> = new Map([
  [CT.originalNew, 'new'],
  [CT.originalEstablished, 'established'],
  [CT.replyEstablished, 'answer of an established flow'],
  [CT.relatedOriginal, 'related'],
  [CT.relatedReply, 'related answer'],
  [CT.invalid, 'invalid'],
  [CT.untracked, 'untracked'],
]);

/** `tcp`, `icmpv6`, or the IANA number of a protocol without a name here. */
export function protocolName(proto: number): string {
  return PROTO_NAMES.get(proto) ?? String(proto);
}

/** A packet in the shape of reports. */
export function witnessPacket(p: Packet): WitnessPacket {
  const iface = p.iif ?? p.oif;
  const ct = CT_WORDS.get(p.ct);
  return {
    src: formatAddress(p.src),
    dst: formatAddress(p.dst),
    proto: protocolName(p.proto),
    ...(p.sport === undefined ? {} : { sport: p.sport }),
    ...(p.dport === undefined ? {} : { dport: p.dport }),
    ...(p.icmpType === undefined ? {} : { icmpType: p.icmpType }),
    ...(p.icmpCode === undefined || p.icmpCode === 0 ? {} : { icmpCode: p.icmpCode }),
    ...(iface === undefined ? {} : { interface: iface }),
    ...(p.iif === undefined || p.oif === undefined ? {} : { outInterface: p.oif }),
    ...(ct === undefined ? {} : { ct }),
    ...(p.uid === undefined || p.oif === undefined || p.iif !== undefined ? {} : { uid: p.uid }),
    ...(p.mark === undefined || p.mark === 0 ? {} : { mark: p.mark }),
  };
}
