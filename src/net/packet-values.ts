import { type Decision, LEVEL } from './diagram.ts';
import { NO_UID } from './field.ts';
import { interfaceValue } from './interface-id.ts';
import type { Packet } from './packet.ts';

/**
 * The value of a concrete packet at a level. What a packet leaves out counts as its doc comment says: ports, type, code
 * and mark as 0, interfaces as absent, the owner as none.
 * @throws RangeError for an impossible interface name
 */
export function packetValue(p: Packet, level: Decision['level']): bigint {
  switch (level) {
    case LEVEL.proto:
      return BigInt(p.proto);
    case LEVEL.src4:
    case LEVEL.src6:
      return p.src.value;
    case LEVEL.dst4:
    case LEVEL.dst6:
      return p.dst.value;
    case LEVEL.sport:
      return BigInt(p.sport ?? 0);
    case LEVEL.dport:
      return BigInt(p.dport ?? 0);
    case LEVEL.icmpType:
      return BigInt(p.icmpType ?? 0);
    case LEVEL.icmpCode:
      return BigInt(p.icmpCode ?? 0);
    case LEVEL.ct:
      return p.ct;
    case LEVEL.iif:
      return interfaceValue(p.iif);
    case LEVEL.oif:
      return interfaceValue(p.oif);
    case LEVEL.uid:
      return p.uid === undefined ? NO_UID : BigInt(p.uid);
    case LEVEL.mark:
      return BigInt(p.mark ?? 0);
  }
}
