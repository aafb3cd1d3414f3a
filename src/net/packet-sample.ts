import type { Family } from './address.ts';
import { type Decision, edges, FALSE, follow, LEVEL, type Node } from './diagram.ts';
import { DOMAIN, ICMP_PROTOCOLS, NO_UID, PORT_PROTOCOLS } from './field.ts';
import { LEVEL_FIELDS, type LevelField, levelOf } from './field-level.ts';
import { interfaceName, NO_INTERFACE } from './interface-id.ts';
import { IntervalSet } from './interval-set.ts';
import { CT, type CtState, type Packet, PROTO } from './packet.ts';

/** Echo request: RFC 792 and RFC 4443. */
const ECHO_REQUEST: Readonly<Record<Family, bigint>> = { 4: 8n, 6: 128n };

/**
 * Values that make a packet look like what an operator would send, tried in order where the set leaves a choice; after
 * them comes the lowest value. TCP from an unprivileged port, HTTPS, no interface, no socket.
 */
function defaults(field: LevelField, family: Family): readonly bigint[] {
  switch (field) {
    case 'proto':
      return [PROTO.tcp, PROTO.udp, family === 4 ? PROTO.icmp : PROTO.icmpv6].map(BigInt);
    case 'sport':
      return [40000n];
    case 'dport':
      return [443n];
    case 'icmpType':
      return [ECHO_REQUEST[family]];
    case 'iif':
    case 'oif':
      return [NO_INTERFACE];
    case 'uid':
      return [NO_UID];
    default:
      return [];
  }
}

/** A packet of a diagram that is not FALSE; always the same one for the same diagram. */
export function samplePacket(root: Node, family: Family): Packet {
  const values = new Map<LevelField, bigint>();
  let node = root;
  for (const field of LEVEL_FIELDS) {
    const wanted = defaults(field, family);
    if (node.level === LEVEL.terminal || node.level !== levelOf(field, family)) {
      values.set(field, wanted[0] ?? DOMAIN[field].min() ?? 0n);
      continue;
    }
    const at: Decision = node;
    const liked = wanted.find((v) => follow(at, v) !== FALSE);
    // Every node but FALSE lets something pass, so whichever edge is taken, the way down goes on.
    const value = liked ?? firstOf(field, node);
    values.set(field, value);
    node = follow(node, value);
  }
  return packetOf(values, family);
}

/** The lowest value that passes; for ports the lowest that is not 0, and for source ports an unprivileged one, if any. */
function firstOf(field: LevelField, node: Decision): bigint {
  const passing = IntervalSet.from(edges(node).flatMap(([, set]) => set.intervals));
  const floor = field === 'sport' ? [1024n, 1n] : field === 'dport' ? [1n] : [];
  for (const at of [...floor, 0n]) {
    const found = passing.next(at);
    if (found !== undefined) return found;
  }
  return 0n;
}

/** Leaves out what the packet does not have: ports and ICMP fields by protocol, absent interfaces, owner and mark. */
function packetOf(values: ReadonlyMap<LevelField, bigint>, family: Family): Packet {
  const value = (field: LevelField) => values.get(field) ?? 0n;
  const small = (field: LevelField) => Number(value(field));
  const iif = interfaceName(value('iif'));
  const oif = interfaceName(value('oif'));
  return {
    family,
    proto: small('proto'),
    src: { family, value: value('src') },
    dst: { family, value: value('dst') },
    ...(PORT_PROTOCOLS.contains(value('proto')) && { sport: small('sport'), dport: small('dport') }),
    ...(ICMP_PROTOCOLS.contains(value('proto')) && { icmpType: small('icmpType'), icmpCode: small('icmpCode') }),
    ct: ctState(value('ct')),
    ...(iif !== undefined && { iif }),
    ...(oif !== undefined && { oif }),
    ...(value('uid') !== NO_UID && { uid: small('uid') }),
    ...(value('mark') !== 0n && { mark: small('mark') }),
  };
}

function ctState(value: bigint): CtState {
  return Object.values(CT).find((state) => state === value) ?? CT.invalid;
}
