import { AddressSet } from '../../net/address-set.ts';
import type { PacketSet } from '../../net/packet-set.ts';
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
  /**
   * What each rule on the device admits to it and to what it routes, from any source that can have a session.
   * @param from only what comes from there: much less work where the rules let many others in
   */
  admissions(device: Device, from?: AddressSet): readonly Admission[];
}

/** Compiles a policy for everybody in the universe, those who do not exist yet included. */
export function tailnetReach(policy: Policy, universe: Universe): TailnetReach {
  const { devices } = universe;
  const users = [...new Set(devices.flatMap((d) => d.user ?? []))].map((login) => ({ login }));
  const compiled = compileTailnet(policy, { devices, users });
  const memo = new Map<string, readonly Admission[]>();
  const sessions = new Map<AddressSet, AddressSet>();
  // WireGuard drops what is not in the sending peer's allowed IPs (wireguard-go `device/receive.go`).
  const withSession = (src: AddressSet): AddressSet => {
    const known = sessions.get(src);
    if (known !== undefined) return known;
    const fresh = src.intersect(universe.sources);
    sessions.set(src, fresh);
    return fresh;
  };
  const admitted = (device: Device, from: AddressSet | undefined): readonly Admission[] => {
    const local = localAddresses(device);
    // What a device sends to itself never leaves it.
    const self = AddressSet.ofAddresses(...device.addresses);
    return compiled.rulesOn(device.id).flatMap((rule) => {
      if (from !== undefined && !rule.src.overlaps(from)) return [];
      const all = withSession(rule.src);
      const src = (from === undefined ? all : all.intersect(from)).subtract(self);
      const dst = rule.dst.map(({ addresses, ports }) => ({ addresses: addresses.intersect(local), ports }));
      const packets = rulePackets({ src, dst, protocols: rule.protocols });
      return packets.isEmpty() ? [] : [{ device, rule, packets }];
    });
  };
  return {
    universe,
    compiled,
    admissions(device, from) {
      if (from !== undefined) return admitted(device, from);
      const done = memo.get(device.id) ?? admitted(device, undefined);
      memo.set(device.id, done);
      return done;
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
