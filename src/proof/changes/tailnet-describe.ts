import { type Address, formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { Prefix } from '../../net/prefix.ts';
import { approvedRoutes, type Device, isExitRoute } from '../../tailnet/device.ts';
import { protocolName } from '../claims/packet-words.ts';
import type { Change, ChangeBlame, Party } from './change.ts';
import { packetRanges } from './packet-ranges.ts';
import { type DeviceGroup, partyOn } from './parties.ts';
import { deviceOn, ruleLine, type TailnetSide } from './tailnet-side.ts';

/** Packets that a group of devices gains or loses. */
export interface Part {
  readonly kind: 'gain' | 'lose';
  readonly packets: PacketSet;
  readonly a: TailnetSide;
  readonly b: TailnetSide;
  readonly target: DeviceGroup;
  /** Of the target group: for which the packets were computed. */
  readonly device: Device;
}

/**
 * The part that comes from one source, as changes: to the device itself, and to what it routes.
 * @param source a group, some of whose devices send the packets, or addresses that no device has
 */
export function reachChange(part: Part, source: DeviceGroup | Party, packets: PacketSet): Change[] {
  const senders = 'devices' in source ? sendersIn(part, source, packets) : undefined;
  // In the words of the side on which it is so: there the devices have the tags and routes that make it so.
  const side = part.kind === 'gain' ? part.b : part.a;
  const src = senders === undefined ? (source as Party) : partyOn(side, senders);
  const own = PacketSet.ofAddresses('dst', AddressSet.ofAddresses(...addressesOf(part, part.device)));
  const routes = routeWords(approvedRoutes(deviceOn(side, part.device)));
  const { counted, devices } = part.target;
  const party = partyOn(side, devices.slice(0, counted));
  const itself = source === part.target ? counted : 0;
  const count = senders === undefined ? counted : senders.length * counted - itself;
  const targets: readonly (readonly [Party, PacketSet])[] = [
    [party, packets.intersect(own)],
    [{ selector: `${routes} via ${party.selector}`, members: party.members }, packets.subtract(own)],
  ];
  return targets.flatMap(([dst, set]) => {
    const packet = sampleFrom(part, senders, set);
    if (packet === undefined) return [];
    return [
      {
        kind: part.kind,
        relation: 'reach' as const,
        layer: 'tailnet' as const,
        src,
        dst,
        packets: packetRanges(set),
        count: Math.max(count, 1),
        witness: {
          src: formatAddress(packet.src),
          dst: formatAddress(packet.dst),
          proto: protocolName(packet.proto),
          ...(packet.sport === undefined ? {} : { sport: packet.sport }),
          ...(packet.dport === undefined ? {} : { dport: packet.dport }),
        },
        blame: blameOf(part, set),
      },
    ];
  });
}

/** `10.9.0.0/16`, `the internet`. */
function routeWords(routes: readonly Prefix[]): string {
  const subnets = AddressSet.ofPrefixes(...routes.filter((r) => !isExitRoute(r)));
  const exit = routes.some(isExitRoute) ? ['the internet'] : [];
  return [...(subnets.isEmpty() ? [] : [subnets.format()]), ...exit].join(', ');
}

/** The devices of a group that send some of the packets; those that exist where there are any. */
function sendersIn(part: Part, group: DeviceGroup, packets: PacketSet): readonly Device[] {
  const addresses = packets.addresses('src');
  const isSender = (d: Device) => addressesOf(part, d).some((a) => addresses.contains(a));
  const all = group.devices.filter(isSender);
  const present = all.filter((d) => !part.a.reach.universe.future.has(d.id));
  // The device that the packets were computed for sends none to itself, though its likes do.
  const likes = group === part.target ? group.devices.filter((d) => d === part.device) : [];
  const { future } = part.a.reach.universe;
  if (present.length > 0) return [...likes.filter((d) => !future.has(d.id)), ...present];
  return likes.some((d) => !future.has(d.id)) ? likes : all;
}

/** On either side; as a rule they are the same. */
function addressesOf(part: Part, device: Device): readonly Address[] {
  return [part.a, part.b].flatMap((side) => deviceOn(side, device).addresses);
}

function sampleFrom(part: Part, senders: readonly Device[] | undefined, set: PacketSet) {
  const family = set.values('family').contains(4n) ? 4 : 6;
  const others = (senders ?? []).filter((d) => d !== part.device).flatMap((d) => addressesOf(part, d));
  return set.sample({
    family: [BigInt(family)],
    src: others.flatMap((a) => (a.family === family ? [a.value] : [])),
    proto: [BigInt(PROTO.tcp), BigInt(PROTO.udp)],
    dport: [11434n, 22n, 443n],
  });
}

/** The rules of the side that admits, each once: one for TCP and UDP stands twice in a filter. */
function blameOf(part: Part, packets: PacketSet): ChangeBlame[] {
  const [name, side] = part.kind === 'gain' ? (['b', part.b] as const) : (['a', part.a] as const);
  const rules = side.reach
    .admissions(deviceOn(side, part.device), packets.addresses('src'))
    .filter((x) => x.packets.overlaps(packets));
  const blame = rules.map(({ rule }): ChangeBlame => {
    const { span } = rule;
    if (span === undefined) {
      return { side: name, file: side.file, line: 1, column: 1, text: 'neither `acls` nor `grants`' };
    }
    return { side: name, file: side.file, line: span.line, column: span.column, text: ruleLine(side, rule) };
  });
  return [...new Map(blame.map((b) => [`${b.line}:${b.column}`, b])).values()];
}
