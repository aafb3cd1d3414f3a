import { AddressSet } from '../../net/address-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { FilterRule } from '../../tailnet/compile/filter-rules.ts';
import { type CompiledTailnet, compileTailnet } from '../../tailnet/compile.ts';
import type { Device } from '../../tailnet/device.ts';
import { rulePackets } from '../../tailnet/filter.ts';
import type { Policy } from '../../tailnet/policy/policy.ts';
import type { Universe } from './universe.ts';

/** New flows that one rule of the policy admits at one device. */
export interface Admission {
  readonly device: Device;
  readonly rule: FilterRule;
  readonly packets: PacketSet;
}

/** The tailnet's packet filters over a universe of devices. */
export interface TailnetReach {
  readonly universe: Universe;
  readonly compiled: CompiledTailnet;
  /** What each rule on the device admits to it and to what it routes, from any source that can have a session. */
  admissions(device: Device): readonly Admission[];
}

/** Compiles a policy for everybody in the universe, those who do not exist yet included. */
export function tailnetReach(policy: Policy, universe: Universe): TailnetReach {
  const { devices } = universe;
  const users = [...new Set(devices.flatMap((d) => d.user ?? []))].map((login) => ({ login }));
  const compiled = compileTailnet(policy, { devices, users });
  // WireGuard drops what is not in the sending peer's allowed IPs (wireguard-go `device/receive.go`).
  const sources = PacketSet.ofAddresses('src', universe.sources);
  const memo = new Map<string, readonly Admission[]>();
  return {
    universe,
    compiled,
    admissions(device) {
      const done = memo.get(device.id);
      if (done !== undefined) return done;
      // What a device sends to itself never leaves it.
      const self = PacketSet.ofAddresses('src', AddressSet.ofAddresses(...device.addresses));
      const local = PacketSet.ofAddresses('dst', localAddresses(device)).intersect(sources).subtract(self);
      const fresh = compiled.rulesOn(device.id).flatMap((rule) => {
        const packets = rulePackets(rule).intersect(local);
        return packets.isEmpty() ? [] : [{ device, rule, packets }];
      });
      memo.set(device.id, fresh);
      return fresh;
    },
  };
}

/**
 * Destinations that a device's filter lets through: its own addresses and every network that it advertises, approved or
 * not (tailscale/tailscale `ipn/ipnlocal/local.go` updateFilterLocked). An exit node's default route is everything.
 */
export function localAddresses(device: Device): AddressSet {
  return AddressSet.ofAddresses(...device.addresses).union(AddressSet.ofPrefixes(...device.advertisedRoutes));
}
