import { AddressSet } from '../../net/address-set.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { FilterRule } from '../../tailnet/compile/filter-rules.ts';
import type { Device } from '../../tailnet/device.ts';
import type { Host, Role } from '../../topology/model.ts';
import type { Blame } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import type { FlowPath } from '../intent.ts';
import { servicePackets } from '../relations/allowed.ts';
import { deviceAddresses, futureHolders, senderAddresses } from '../relations/identities.ts';
import type { Admission, TailnetReach } from '../relations/tailnet.ts';
import type { Excess } from './excess.ts';
import { witnessPacket } from './packet-words.ts';

/**
 * What the tailnet's packet filters admit to or from a protected host beyond the declared flows. The policy has to hold
 * by itself: that a host firewall would still drop a packet is no excuse for the rule that lets it through.
 */
export function tailnetExcess(context: ProofContext): readonly Excess[] {
  if (!context.tailnet.known) return [];
  const reach = context.tailnet.value;
  const parties = partiesOf(context, reach);
  return reach.universe.devices.flatMap((device) =>
    reach.admissions(device).flatMap((admission) => excessOf(context, reach, parties, admission)),
  );
}

/** A protected host on the tailnet: its own device, and everybody who holds its role's tag now or later. */
interface Protected {
  readonly host: Host;
  readonly role: Role;
  readonly addresses: AddressSet;
}

interface Parties {
  readonly protected: readonly Protected[];
  readonly all: AddressSet;
  /** What the declared flows allow between tailnet addresses. */
  readonly allowed: PacketSet;
}

function partiesOf(context: ProofContext, reach: TailnetReach): Parties {
  const list = [...context.topology.hosts.values()].flatMap((host): Protected[] => {
    const role = context.topology.roles.get(host.role);
    if (role === undefined) return [];
    return [{ host, role, addresses: identityAddresses(context, reach, host, role) }];
  });
  return {
    protected: list,
    all: list.reduce((set, p) => set.union(p.addresses), AddressSet.empty),
    allowed: PacketSet.unionAll(context.paths.map((path) => allowedBy(context, reach, path))),
  };
}

/** Addresses behind which the host stands: tailnet addresses of its device and of future holders, and its own on a segment. */
function identityAddresses(context: ProofContext, reach: TailnetReach, host: Host, role: Role): AddressSet {
  const own = AddressSet.ofAddresses(...host.addresses).union(deviceAddresses(context, host));
  return own.union(futureHolders(reach, role.tag));
}

/**
 * The packets of one declared flow at a packet filter: the service's ports, and ICMP between the same addresses, which
 * any rule for the pair lets through (`wgengine/filter` matchIPsOnly).
 */
function allowedBy(context: ProofContext, reach: TailnetReach, path: FlowPath): PacketSet {
  if (path.kind === 'link') return PacketSet.none;
  const src = senderAddresses(context, reach, path);
  const toTag = context.topology.roles.get(path.to.role)?.tag;
  const dst = path.router?.target ?? deviceAddresses(context, path.to).union(futureHolders(reach, toTag));
  const icmp = PacketSet.box({ proto: IntervalSet.points(BigInt(PROTO.icmp), BigInt(PROTO.icmpv6)) });
  return servicePackets(path.service, 'dport')
    .union(icmp)
    .intersect(PacketSet.ofAddresses('src', src))
    .intersect(PacketSet.ofAddresses('dst', dst));
}

function excessOf(context: ProofContext, reach: TailnetReach, parties: Parties, admission: Admission): Excess[] {
  const { rule, device } = admission;
  const targets = parties.protected.filter((p) => holds(context, p, device) || routesTo(admission, p));
  if (targets.length === 0 && !rule.src.overlaps(parties.all)) return [];
  const beyond = admission.packets.subtract(parties.allowed);
  if (beyond.isEmpty()) return [];
  const into = targets.flatMap((p) => {
    const to = holds(context, p, device) ? AddressSet.ofAddresses(...device.addresses) : p.addresses;
    return describe(context, reach, admission, p, 'ingress', beyond.intersect(PacketSet.ofAddresses('dst', to)));
  });
  const out = parties.protected.flatMap((p) =>
    describe(context, reach, admission, p, 'egress', beyond.intersect(PacketSet.ofAddresses('src', p.addresses))),
  );
  return [...into, ...out];
}

/** The device is the host's own, or holds its role's tag without being any declared host: a stranger, or whoever comes. */
function holds(context: ProofContext, p: Protected, device: Device): boolean {
  if (device.id === p.host.device) return true;
  return !isDeclared(context, device) && device.tags.includes(p.role.tag);
}

function isDeclared(context: ProofContext, device: Device): boolean {
  return [...context.topology.hosts.values()].some((h) => h.device === device.id);
}

/** The device routes to the host's addresses on a segment. */
function routesTo(admission: Admission, p: Protected): boolean {
  return admission.packets.overlaps(PacketSet.ofAddresses('dst', AddressSet.ofAddresses(...p.host.addresses)));
}

function describe(
  context: ProofContext,
  reach: TailnetReach,
  { rule }: Admission,
  { host, role }: Protected,
  claim: 'ingress' | 'egress',
  packets: PacketSet,
): Excess[] {
  if (packets.isEmpty()) return [];
  const known = reach.universe.devices.filter((d) => !reach.universe.future.has(d.id)).flatMap((d) => d.addresses);
  const packet = packets.sample({
    proto: [BigInt(PROTO.tcp), BigInt(PROTO.udp)],
    src: known.map((a) => a.value),
    dst: known.map((a) => a.value),
    dport: [11434n, 22n, 443n],
    ct: [CT.originalNew],
  });
  if (packet === undefined) return [];
  const { whois } = reach.universe;
  return [
    {
      host,
      claim,
      sure: rule.exact,
      packets,
      causes: causesOf(context, reach, { rule, role, claim, packets }),
      witness: {
        packet: witnessPacket({ ...packet, ct: CT.originalNew }),
        from: whois(packet.src),
        to: whois(packet.dst),
        layer: 'tailnet policy (packet filter of the receiving device)',
      },
      blame: [blameOf(context, rule)],
      missing: rule.exact
        ? []
        : [{ source: blameOf(context, rule).source, why: 'this rule is only bounded from above' }],
    },
  ];
}

/** The policy line, with its text; or the missing keys. */
export function blameOf(context: ProofContext, rule: FilterRule): Blame {
  const source = 'tailnet/policy';
  if (rule.span === undefined) return { source, rule: 'neither `acls` nor `grants`: everything is allowed' };
  const { policy } = context.state.tailnet;
  const text = policy.known
    ? policy.value.text.slice(rule.span.offset, rule.span.offset + rule.span.length)
    : undefined;
  return {
    source,
    line: rule.span.line,
    column: rule.span.column,
    rule: `${rule.section}[${rule.index}]`,
    ...(text === undefined ? {} : { text }),
  };
}

/** Catalogue ids that explain an excess, from the rule that admits it. */
function causesOf(
  context: ProofContext,
  reach: TailnetReach,
  { rule, role, claim, packets }: { rule: FilterRule; role: Role; claim: string; packets: PacketSet },
): string[] {
  if (rule.section === 'default') return ['TS-ACL-01'];
  if (packets.subtract(strangerPackets(context, reach)).isEmpty()) return ['TS-DEV-02'];
  const ids: string[] = [];
  if (claim === 'egress' && role.kind === 'model') ids.push('TS-ACL-03');
  else if (onlyMorePorts(context, packets)) ids.push('TS-ACL-05');
  else ids.push('TS-ACL-02');
  if (onlyFuture(reach, packets)) ids.push('TS-ACL-26');
  const { policy } = context.state.tailnet;
  const sections = policy.known ? policy.value.policy.sections : undefined;
  if (sections?.acls === 'present' && sections.grants === 'present') ids.push('TS-ACL-04');
  return ids;
}

/** Everything from or to a device that holds a protected tag without being declared. */
function strangerPackets(context: ProofContext, reach: TailnetReach): PacketSet {
  const tags = new Set([...context.topology.roles.values()].map((r) => r.tag));
  const strangers = reach.universe.devices.filter(
    (d) => !reach.universe.future.has(d.id) && !isDeclared(context, d) && d.tags.some((t) => tags.has(t)),
  );
  const addresses = AddressSet.ofAddresses(...strangers.flatMap((d) => d.addresses));
  return PacketSet.ofAddresses('src', addresses).union(PacketSet.ofAddresses('dst', addresses));
}

/** The sources may reach the role, but not on these ports. */
function onlyMorePorts(context: ProofContext, packets: PacketSet): boolean {
  const pairs = PacketSet.unionAll(
    context.paths
      .filter((p) => p.kind !== 'link')
      .map((p) => {
        const from = deviceAddresses(context, p.from);
        const to = deviceAddresses(context, p.to);
        return PacketSet.ofAddresses('src', from).intersect(PacketSet.ofAddresses('dst', to));
      }),
  );
  return packets.isSubsetOf(pairs);
}

function onlyFuture(reach: TailnetReach, packets: PacketSet): boolean {
  const present = reach.universe.devices.filter((d) => !reach.universe.future.has(d.id)).flatMap((d) => d.addresses);
  return !packets.overlaps(PacketSet.ofAddresses('src', AddressSet.ofAddresses(...present)));
}
