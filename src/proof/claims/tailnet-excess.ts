import { CT, PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { Device } from '../../tailnet/device.ts';
import type { ProofContext } from '../context.ts';
import type { Admission, TailnetReach } from '../relations/tailnet.ts';
import type { Excess } from './excess.ts';
import { witnessPacket } from './packet-words.ts';
import { askedDevices, type Parties, type Protected, partiesOf, targetsAt } from './parties.ts';
import { blameOf, boundedMissing, causesOf } from './tailnet-blame.ts';

/**
 * What the tailnet's packet filters admit to or from a protected host beyond the declared flows. The policy has to hold
 * by itself: that a host firewall would still drop a packet is no excuse for the rule that lets it through.
 */
export function tailnetExcess(context: ProofContext): readonly Excess[] {
  if (!context.tailnet.known) return [];
  const reach = context.tailnet.value;
  const parties = partiesOf(context, reach);
  return askedDevices(context, reach).flatMap((device) => {
    // Elsewhere, only what protected hosts send matters.
    const admissions = leadsToProtected(context, parties, device)
      ? reach.admissions(device)
      : reach.admissions(device, parties.all);
    return admissions.flatMap((admission) => excessOf(context, reach, parties, admission));
  });
}

/** Whether packets that the device's filter lets in can end at a protected host. */
function leadsToProtected(context: ProofContext, parties: Parties, device: Device): boolean {
  if (device.advertisedRoutes.length > 0) return true;
  const holds = parties.protected.some((p) => device.tags.includes(p.role.tag));
  return holds || context.isDeclared(device) || device.addresses.some((a) => parties.all.contains(a));
}

function excessOf(context: ProofContext, reach: TailnetReach, parties: Parties, admission: Admission): Excess[] {
  const { device, packets } = admission;
  const beyond = packets.subtract(parties.allowed);
  if (beyond.isEmpty()) return [];
  return parties.protected.flatMap((p) => {
    const into = beyond.intersect(PacketSet.ofAddresses('dst', targetsAt(context, device, p)));
    const out = beyond.intersect(PacketSet.ofAddresses('src', p.addresses));
    return [
      ...describe(context, reach, admission, p, 'ingress', into),
      ...describe(context, reach, admission, p, 'egress', out),
    ];
  });
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
  const blame = blameOf(context, rule);
  const packet = samplePacket(reach, packets);
  const { whois } = reach.universe;
  return [
    {
      host,
      claim,
      sure: rule.exact,
      packets,
      causes: causesOf(context, reach, { rule, role, claim, packets }),
      witness:
        packet === undefined
          ? undefined
          : {
              packet: witnessPacket({ ...packet, ct: CT.originalNew }),
              from: whois(packet.src),
              to: whois(packet.dst),
              layer: 'tailnet policy (packet filter of the receiving device)',
            },
      blame: [blame],
      missing: rule.exact ? [] : [boundedMissing(blame)],
    },
  ];
}

/** Between devices that exist, where that is possible. */
function samplePacket({ universe }: TailnetReach, packets: PacketSet) {
  // A number is another address in the other family.
  const family = packets.values('family').contains(4n) ? 4 : 6;
  const present = universe.devices.filter((d) => !universe.future.has(d.id)).flatMap((d) => d.addresses);
  const known = present.flatMap((a) => (a.family === family ? [a.value] : []));
  return packets.sample({
    family: [BigInt(family)],
    proto: [BigInt(PROTO.tcp), BigInt(PROTO.udp)],
    src: known,
    dst: known,
    dport: [11434n, 22n, 443n],
    ct: [CT.originalNew],
  });
}
