import type { Address } from '../net/address.ts';
import type { Result } from '../source/diagnostic.ts';
import type { NodeAttribute } from './attributes/attributes.ts';
import type { CapabilityRule } from './compile/capability-rules.ts';
import type { FilterRule } from './compile/filter-rules.ts';
import type { OfferedRoutes } from './compile/routes.ts';
import { compileTailnet, type TailnetFacts } from './compile.ts';
import type { Device } from './device.ts';
import { parsePolicy } from './policy/parse.ts';
import type { Policy, Unmodelled } from './policy/policy.ts';
import type { SshRule } from './ssh/rules.ts';

/** What of a tailnet matters to its policy besides the devices. */
export interface PolicySettings {
  /** Users of the tailnet, in the API's order; those who own a device by default. */
  readonly users?: TailnetFacts['users'];
}

/** What the control plane sends to one device because of a policy. Every rule has the place that it comes from. */
export interface DeviceResult {
  readonly device: Device;
  /** Packet filter: a union of accepts. */
  readonly rules: readonly FilterRule[];
  readonly capabilities: readonly CapabilityRule[];
  /** In the order in which they are tried. */
  readonly ssh: readonly SshRule[];
  readonly attributes: readonly NodeAttribute[];
  /** Those that it has in the end, without what an attribute takes away. */
  readonly addresses: readonly Address[];
  /** Ids of the devices that it sees, and that see it. */
  readonly peers: readonly string[];
  readonly routes: readonly OfferedRoutes[];
}

/** Devices that no rule tells apart. */
export interface DeviceGroup {
  readonly members: readonly Device[];
  /** What the first of them receives; the others differ in their own addresses, and in those of their owner's devices. */
  readonly first: DeviceResult;
}

/** A policy compiled for the devices of a tailnet. Computed when asked for, so one device is cheap among many. */
export interface PolicyResult {
  readonly policy: Policy;
  readonly devices: readonly Device[];
  /** Undefined for an id that is not in the list. */
  device(id: string): DeviceResult | undefined;
  /** In the order of their first members. */
  groups(): readonly DeviceGroup[];
  /** What the results only bound from above (`assumed`) or do not cover (`unmodelled`). */
  readonly unmodelled: readonly Unmodelled[];
}

/**
 * What every device of a tailnet receives because of a policy: packet rules, application capabilities, SSH rules,
 * attributes, peers and routes, each rule with its place in the text.
 * @param source text of the policy (HuJSON), and the name that its places get
 * @param devices as `parseDevices` reads them from the API's list
 * @returns not ok for a text that does not parse, with all that is wrong; what the API refuses for its meaning is
 *   `judgePolicy`'s to say
 */
export function compilePolicy(
  source: { readonly file: string; readonly text: string },
  devices: readonly Device[],
  settings: PolicySettings = {},
): Result<PolicyResult> {
  const parsed = parsePolicy(source.file, source.text);
  if (!parsed.ok) return parsed;
  const policy = parsed.value;
  const users = settings.users ?? ownersOf(devices);
  const tailnet = compileTailnet(policy, { devices, users });
  const byId = new Map(devices.map((d) => [d.id, d]));
  const resultOf = (device: Device): DeviceResult => ({
    device,
    rules: tailnet.rulesOn(device.id),
    capabilities: tailnet.capabilitiesOn(device.id),
    ssh: tailnet.sshOn(device.id),
    attributes: tailnet.attributesOn(device.id),
    addresses: tailnet.addressesOn(device.id),
    peers: tailnet.peersOf(device.id),
    routes: tailnet.routesAt(device.id),
  });
  const value: PolicyResult = {
    policy,
    devices,
    device(id) {
      const device = byId.get(id);
      return device === undefined ? undefined : resultOf(device);
    },
    groups() {
      // SSH rules and attributes may tell devices apart that packet rules do not.
      const kind = ({ id }: Device) => {
        const rules = tailnet.sshOn(id).map((r) => r.index);
        return `${tailnet.classOf(id)} ${rules} ${tailnet.attributesOn(id).map((a) => a.name)}`;
      };
      return [...Map.groupBy(devices, kind).values()].flatMap((members) => {
        const [first] = members;
        return first === undefined ? [] : [{ members, first: resultOf(first) }];
      });
    },
    unmodelled: tailnet.unmodelled,
  };
  return { ok: true, value, warnings: parsed.warnings };
}

/** Logins of the owners, sorted. */
function ownersOf(devices: readonly Device[]): { login: string }[] {
  return [...new Set(devices.flatMap((d) => d.user ?? []))].sort().map((login) => ({ login }));
}
