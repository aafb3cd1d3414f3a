import { AddressSet } from '../../net/address-set.ts';
import type { Prefix } from '../../net/prefix.ts';
import { missingOf } from '../../state/known.ts';
import { approvedRoutes, type Device, routesKey } from '../../tailnet/device.ts';
import { DECLARED_SETTINGS } from '../../topology/compile/settings.ts';
import type { Host } from '../../topology/model.ts';
import type { Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';

/**
 * `authority` for every declared device: what gives it its rights is exactly what was declared. Its tags are its role's
 * tag alone, it is authorised, it is the tailnet's own, and it routes its segment or nothing.
 */
export function authorityClaims(context: ProofContext): readonly Claim[] {
  return [...context.topology.hosts.values()]
    .filter((h) => h.device !== undefined)
    .map((host) => authorityClaim(context, host));
}

function authorityClaim(context: ProofContext, host: Host): Claim {
  const { devices } = context.state.tailnet;
  const base = { claim: 'authority', subject: host.name, causes: [], blame: [], missing: [] } as const;
  if (!devices.known) return { ...base, state: 'unknown', missing: missingOf(devices) };
  const device = context.deviceOf(host);
  if (device === undefined) {
    const why = `device ${host.device} is not in the list`;
    return { ...base, state: 'unknown', missing: [{ source: 'tailnet/devices', why }] };
  }
  const faults = faultsOf(context, host, device);
  if (faults.length === 0) return { ...base, state: 'holds' };
  return {
    ...base,
    state: 'violated',
    causes: [...new Set(faults.map((f) => f.cause))],
    blame: faults.map((f) => ({ source: 'tailnet/devices', rule: `${device.id} ${f.field}`, text: f.text })),
  };
}

interface Fault {
  readonly cause: string;
  readonly field: string;
  readonly text: string;
}

function faultsOf(context: ProofContext, host: Host, device: Device): Fault[] {
  const tag = context.topology.roles.get(host.role)?.tag ?? '';
  const faults: Fault[] = [];
  if (device.tags.length !== 1 || device.tags[0] !== tag) {
    const found = device.tags.length === 0 ? `none, owned by ${device.user ?? 'nobody'}` : device.tags.join(', ');
    faults.push({ cause: 'TS-DEV-05', field: 'tags', text: `declared ${tag}, found ${found}` });
  }
  if (!device.authorized) faults.push({ cause: 'TS-DEV-27', field: 'authorized', text: 'declared true, found false' });
  if (device.isExternal)
    faults.push({ cause: 'TS-DEV-03', field: 'isExternal', text: 'shared in from another tailnet' });
  const wanted = routesKey(declaredRoutes(context, host));
  const enabled = routesKey(device.enabledRoutes);
  if (wanted !== enabled) {
    faults.push({
      cause: 'TS-RT-15',
      field: 'enabledRoutes',
      text: `declared ${wanted || 'none'}, found ${enabled || 'none'}`,
    });
  } else if (wanted !== routesKey(approvedRoutes(device))) {
    faults.push({
      cause: 'TS-RT-15',
      field: 'advertisedRoutes',
      text: `approved ${wanted}, but the device does not advertise it`,
    });
  }
  return faults;
}

/** A router is approved for exactly the addresses that some declared flow crosses it to. */
function declaredRoutes(context: ProofContext, host: Host): readonly Prefix[] {
  const targets = context.paths.flatMap((p) => (p.router?.host === host ? [p.router.target] : []));
  return targets.reduce((a, b) => a.union(b), AddressSet.empty).toPrefixes();
}

/** Which catalogue id a setting that is off stands for. */
const SETTING_CAUSES: Readonly<Record<string, string>> = {
  devicesApprovalOn: 'TS-SET-01',
  usersApprovalOn: 'TS-SET-02',
  aclsExternallyManagedOn: 'TS-SET-04',
};

/** `authority` of the tailnet itself: the settings that keep strangers from adding devices, users or rules. */
export function settingsClaim(context: ProofContext): Claim {
  const base = { claim: 'authority', subject: 'tailnet/settings', causes: [], blame: [], missing: [] } as const;
  const { settings } = context.state.tailnet;
  if (!settings.known) return { ...base, state: 'unknown', missing: settings.missing };
  const rows = Object.entries(DECLARED_SETTINGS);
  // A setting that the credential may not see arrives as null or not at all: that is not "off".
  const hidden = rows.filter(([key]) => typeof settings.value[key] !== 'boolean');
  const missing = hidden.map(([key]) => ({
    source: 'tailnet/settings',
    why: `${key} is not visible to this credential`,
  }));
  const wrong = rows.filter(
    ([key, wanted]) => typeof settings.value[key] === 'boolean' && settings.value[key] !== wanted,
  );
  if (wrong.length === 0) return { ...base, state: missing.length > 0 ? 'unknown' : 'holds', missing };
  return {
    ...base,
    state: 'violated',
    causes: wrong.flatMap(([key]) => SETTING_CAUSES[key] ?? []),
    blame: wrong.map(([key, wanted]) => ({
      source: 'tailnet/settings',
      rule: key,
      text: `declared ${wanted}, found ${String(settings.value[key])}`,
    })),
    missing,
  };
}
