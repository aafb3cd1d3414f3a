import type { AddressSet } from '../../net/address-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { CapabilityRule } from '../../tailnet/compile/capability-rules.ts';
import type { Device } from '../../tailnet/device.ts';
import type { ProofContext } from '../context.ts';
import type { Excess } from './excess.ts';
import { askedDevices, type Parties, partiesOf, targetsAt } from './parties.ts';
import { blameOf, boundedMissing } from './tailnet-blame.ts';

/**
 * Application capabilities that a grant gives to or over a protected host. The topology declares none, so each is one too
 * many: it opens what the daemon itself serves (files, its web client, debugging), past the packet filter, and makes both
 * ends visible to each other.
 */
export function capabilityExcess(context: ProofContext): readonly Excess[] {
  if (!context.tailnet.known) return [];
  const reach = context.tailnet.value;
  const parties = partiesOf(context, reach);
  return askedDevices(context, reach).flatMap((device) =>
    reach.compiled.capabilitiesOn(device.id).flatMap((rule) => excessOf(context, parties, device, rule)),
  );
}

function excessOf(context: ProofContext, parties: Parties, device: Device, rule: CapabilityRule): Excess[] {
  return parties.protected.flatMap((p) => {
    const sides: readonly (readonly ['ingress' | 'egress', AddressSet])[] = [
      ['ingress', rule.dst.intersect(targetsAt(context, device, p))],
      ['egress', rule.src.intersect(p.addresses)],
    ];
    return sides.flatMap(([claim, addresses]): Excess[] => {
      if (addresses.isEmpty()) return [];
      const blame = blameOf(context, { ...rule, section: 'grants' });
      return [
        {
          host: p.host,
          claim,
          sure: rule.exact,
          packets: PacketSet.ofAddresses(claim === 'ingress' ? 'dst' : 'src', addresses),
          causes: ['TS-ACL-13'],
          witness: undefined,
          blame: [{ ...blame, rule: `${blame.rule}: capability ${rule.name}` }],
          missing: rule.exact ? [] : [boundedMissing(blame)],
        },
      ];
    });
  });
}
