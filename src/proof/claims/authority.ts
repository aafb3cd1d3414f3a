import { formatAddress } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import type { Prefix } from '../../net/prefix.ts';
import { type Missing, missingOf } from '../../state/known.ts';
import { approvedRoutes, type Device, routesKey } from '../../tailnet/device.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame, Claim } from '../claim.ts';
import { type ProofContext, unlisted } from '../context.ts';

/** One thing that is not as it was declared. */
export interface Fault {
  readonly cause: string;
  readonly blame: Blame;
}

/** A claim about who may do what: violated by any fault, unknown with anything missing. */
export function authorityClaim(subject: string, faults: readonly Fault[], missing: readonly Missing[]): Claim {
  const base = { claim: 'authority', subject, missing } as const;
  if (faults.length > 0) {
    const causes = [...new Set(faults.map((f) => f.cause))];
    return { ...base, state: 'violated', causes, blame: faults.map((f) => f.blame) };
  }
  return { ...base, state: missing.length > 0 ? 'unknown' : 'holds', causes: [], blame: [] };
}

/**
 * `authority` for every declared device: what gives it its rights is exactly what was declared. Its tags are its role's
 * tag alone, it is authorised, it is the tailnet's own, it has the declared addresses, and it routes its segment or
 * nothing.
 */
export function deviceClaims(context: ProofContext): readonly Claim[] {
  return [...context.topology.hosts.values()].filter((h) => h.device !== undefined).map((h) => deviceClaim(context, h));
}

function deviceClaim(context: ProofContext, host: Host): Claim {
  const { devices } = context.state.tailnet;
  if (!devices.known) return authorityClaim(host.name, [], missingOf(devices));
  const device = context.deviceOf(host);
  const faults = [
    ...takenAddresses(host, devices.value),
    ...(device === undefined ? [] : faultsOf(context, host, device)),
  ];
  const missing = [...unlisted(context, host), ...(device === undefined ? [] : withoutAddresses(host, device))];
  return authorityClaim(host.name, faults, missing);
}

function withoutAddresses(host: Host, device: Device): Missing[] {
  if (device.addresses.length > 0 || host.tailnetAddresses.length === 0) return [];
  return [{ source: 'tailnet/devices', why: `device ${device.id} of ${host.name} is listed without addresses` }];
}

function faultsOf(context: ProofContext, host: Host, device: Device): Fault[] {
  const tag = context.topology.roles.get(host.role)?.tag ?? '';
  const faults: Fault[] = [];
  const fault = (cause: string, field: string, text: string) =>
    faults.push({ cause, blame: { source: 'tailnet/devices', rule: `${device.id} ${field}`, text } });
  if (device.tags.length !== 1 || device.tags[0] !== tag) {
    const found = device.tags.length === 0 ? `none, owned by ${device.user ?? 'nobody'}` : device.tags.join(', ');
    fault('TS-DEV-05', 'tags', `declared ${tag}, found ${found}`);
  }
  if (!device.authorized) fault('TS-DEV-27', 'authorized', 'declared true, found false');
  if (device.isExternal) fault('TS-DEV-03', 'isExternal', 'shared in from another tailnet');
  const missed = host.tailnetAddresses.filter((a) => !AddressSet.ofAddresses(...device.addresses).contains(a));
  if (missed.length > 0 && device.addresses.length > 0) {
    const found = device.addresses.map(formatAddress).join(', ');
    fault('TS-ACL-10', 'addresses', `declared ${missed.map(formatAddress).join(', ')}, found ${found}`);
  }
  const wanted = routesKey(declaredRoutes(context, host));
  const enabled = routesKey(device.enabledRoutes);
  const advertised = routesKey(device.advertisedRoutes);
  if (wanted !== enabled) {
    fault('TS-RT-15', 'enabledRoutes', `declared ${wanted || 'none'}, found ${enabled || 'none'}`);
  } else if (wanted !== routesKey(approvedRoutes(device))) {
    fault('TS-RT-15', 'advertisedRoutes', `approved ${wanted}, but the device does not advertise it`);
  } else if (wanted !== advertised) {
    // The device's own filter takes what it advertises for its own, approved or not.
    fault('TS-FLT-07', 'advertisedRoutes', `declared ${wanted || 'none'}, advertised ${advertised}`);
  }
  return faults;
}

/** Declared addresses that another device has: what the host's peers admit by address is that device now. */
function takenAddresses(host: Host, devices: readonly Device[]): Fault[] {
  const own = AddressSet.ofAddresses(...host.tailnetAddresses);
  return devices
    .filter((d) => d.id !== host.device)
    .flatMap((d) => {
      const taken = d.addresses.filter((a) => own.contains(a));
      if (taken.length === 0) return [];
      const text = `has ${taken.map(formatAddress).join(', ')}, declared for ${host.name}`;
      return [{ cause: 'TS-ACL-10', blame: { source: 'tailnet/devices', rule: `${d.id} addresses`, text } }];
    });
}

/** A router is approved for exactly the addresses that some declared flow crosses it to. */
function declaredRoutes(context: ProofContext, host: Host): readonly Prefix[] {
  const targets = context.paths.flatMap((p) => (p.router?.host === host ? [p.router.target] : []));
  return targets.reduce((a, b) => a.union(b), AddressSet.empty).toPrefixes();
}
