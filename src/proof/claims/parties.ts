import { AddressSet } from '../../net/address-set.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Host, Role } from '../../topology/model.ts';
import type { ProofContext } from '../context.ts';
import { type FlowPath, pinned } from '../intent.ts';
import { servicePackets } from '../relations/allowed.ts';
import { deviceAddresses, futureHolders, receiverAddresses, senderAddresses } from '../relations/identities.ts';
import type { TailnetReach } from '../relations/tailnet.ts';
import { behindRoute } from '../relations/via-range.ts';

/** A host that the topology is in charge of, as the tailnet sees it. */
export interface Protected {
  readonly host: Host;
  readonly role: Role;
  /** Its own on every side: of its segment, of its device, as declared, and of whoever gets its role's tag. */
  readonly addresses: AddressSet;
}

/** Whom claims about the tailnet are about, and what the declared flows allow between them. */
export interface Parties {
  readonly protected: readonly Protected[];
  readonly all: AddressSet;
  readonly allowed: PacketSet;
}

export function partiesOf(context: ProofContext, reach: TailnetReach): Parties {
  const list = [...context.topology.hosts.values()].flatMap((host): Protected[] => {
    const role = context.topology.roles.get(host.role);
    if (role === undefined) return [];
    const addresses = AddressSet.ofAddresses(...host.addresses)
      .union(pinned(host))
      .union(deviceAddresses(reach, host))
      .union(futureHolders(reach, role.tag));
    return [{ host, role, addresses }];
  });
  return {
    protected: list,
    all: list.reduce((set, p) => set.union(p.addresses), AddressSet.empty),
    allowed: PacketSet.unionAll(context.paths.map((path) => allowedBy(context, reach, path))),
  };
}

/**
 * The devices at which it has to be asked what rules let in. Of strangers that route nothing and hold no tag of a role, one
 * of each class stands for all: the same rules are placed on them, and let the same sources in.
 */
export function askedDevices(context: ProofContext, { universe, compiled }: TailnetReach): readonly Device[] {
  const tags = new Set([...context.topology.roles.values()].map((r) => r.tag));
  const seen = new Set<number | undefined>();
  return universe.devices.filter((device) => {
    const isOwn = context.isDeclared(device) || device.tags.some((t) => tags.has(t));
    if (isOwn || device.advertisedRoutes.length > 0 || device.isExternal) return true;
    const kind = compiled.classOf(device.id);
    if (seen.has(kind)) return false;
    seen.add(kind);
    return true;
  });
}

/**
 * The addresses under which a device leads to a protected host: the device's own where it is the host's, or where a
 * stranger holds the role's tag; the host's other addresses where the device routes them, 4via6 stand-ins included.
 */
export function targetsAt(context: ProofContext, device: Device, p: Protected): AddressSet {
  const isStranger = !context.isDeclared(device) && !device.isExternal && device.tags.includes(p.role.tag);
  const held = isStranger ? AddressSet.ofAddresses(...device.addresses) : AddressSet.empty;
  const behind = device.advertisedRoutes.map((route) => behindRoute(p.host.addresses, route));
  return behind.reduce((set, part) => set.union(part), held.union(p.addresses));
}

/**
 * The packets of one declared flow at a packet filter: the service's ports, and ICMP between the same addresses, which
 * any rule for the pair lets through (`wgengine/filter` matchIPsOnly).
 */
function allowedBy(context: ProofContext, reach: TailnetReach, path: FlowPath): PacketSet {
  if (path.kind === 'link') return PacketSet.none;
  const src = senderAddresses(context, reach, path);
  const dst = receiverAddresses(context, reach, path);
  return servicePackets(path.service, 'dport')
    .union(ICMP)
    .intersect(PacketSet.ofAddresses('src', src))
    .intersect(PacketSet.ofAddresses('dst', dst));
}

const ICMP = PacketSet.box({ proto: IntervalSet.points(BigInt(PROTO.icmp), BigInt(PROTO.icmpv6)) });
