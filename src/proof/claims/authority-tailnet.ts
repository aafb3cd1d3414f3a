import { missingOf } from '../../state/known.ts';
import type { Device } from '../../tailnet/device.ts';
import { DECLARED_SETTINGS } from '../../topology/compile/settings.ts';
import type { Claim } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { authorityClaim, type Fault } from './authority.ts';

/** Which catalogue id a setting that is off stands for. */
const SETTING_CAUSES: Readonly<Record<string, string>> = {
  devicesApprovalOn: 'TS-SET-01',
  usersApprovalOn: 'TS-SET-02',
  aclsExternallyManagedOn: 'TS-SET-04',
};

/** `authority` of the tailnet itself: the settings that keep strangers from adding devices, users or rules. */
export function settingsClaim(context: ProofContext): Claim {
  const subject = 'tailnet/settings';
  const { settings } = context.state.tailnet;
  if (!settings.known) return authorityClaim(subject, [], settings.missing);
  const { value } = settings;
  const rows = Object.entries(DECLARED_SETTINGS);
  // A setting that the credential may not see arrives as null or not at all: that is not "off".
  const isShown = (key: string) => Object.hasOwn(value, key) && typeof value[key] === 'boolean';
  const missing = rows
    .filter(([key]) => !isShown(key))
    .map(([key]) => ({ source: subject, why: `${key} is not visible to this credential` }));
  const faults = rows
    .filter(([key, wanted]) => isShown(key) && value[key] !== wanted)
    .map(([key, wanted]): Fault => {
      const text = `declared ${wanted}, found ${String(value[key])}`;
      return { cause: SETTING_CAUSES[key] ?? 'IAC-03', blame: { source: subject, rule: key, text } };
    });
  return authorityClaim(subject, faults, missing);
}

/** `authority` of the device list: nobody but the declared hosts carries the tag of a declared role. */
export function holdersClaim(context: ProofContext): Claim {
  const subject = 'tailnet/devices';
  const { devices } = context.state.tailnet;
  if (!devices.known) return authorityClaim(subject, [], missingOf(devices));
  const tags = new Set([...context.topology.roles.values()].map((r) => r.tag));
  // Tags of a device that another tailnet shares are names of that tailnet.
  const holds = (d: Device) => !d.isExternal && !context.isDeclared(d) && d.tags.some((t) => tags.has(t));
  const faults = devices.value.filter(holds).map((d): Fault => {
    const text = `${d.hostname || d.name} holds ${d.tags.join(', ')} and is no declared host`;
    return { cause: 'TS-DEV-02', blame: { source: subject, rule: `${d.id} tags`, text } };
  });
  return authorityClaim(subject, faults, []);
}
