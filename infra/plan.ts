import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Evidence } from '../src/state/evidence.ts';
import { printSnapshot } from '../src/state/snapshot.ts';
import type { Access, Topology } from '../src/topology/model.ts';

/** What the program creates: declared evidence, in the shape of resources. */
export interface Plan {
  /** Canonical HuJSON. */
  readonly policy: string;
  readonly settings: SettingsPlan;
  readonly devices: readonly DevicePlan[];
  /** Hosts whose ruleset is put in place from here. */
  readonly firewalls: readonly FirewallPlan[];
  /** Hosts whose ruleset somebody else has to put in place, by name. */
  readonly rendered: readonly string[];
  /** Lower-case hex SHA-256 of all that the topology compiles to: the same for the same declared world. */
  readonly digest: string;
}

/** What cordon decides about one device. */
export interface DevicePlan {
  /** Name of the host in the topology; part of resource names, so a replaced machine keeps them. */
  readonly host: string;
  readonly deviceId: string;
  readonly tags: readonly string[];
  readonly routes: readonly string[];
  readonly authorized: boolean;
}

/** One host's ruleset, and where it goes. */
export interface FirewallPlan {
  readonly host: string;
  readonly access: Access;
  readonly ruleset: string;
}

const policyBody = z.object({ text: z.string().min(1) });

const devicesBody = z.object({
  devices: z.array(
    z.object({
      nodeId: z.string(),
      tags: z.array(z.string()),
      enabledRoutes: z.array(z.string()),
      authorized: z.boolean(),
    }),
  ),
});

/** Settings as the provider names them; the API's name differs in one letter for the last. */
const settingsBody = z
  .strictObject({
    aclsExternallyManagedOn: z.boolean().optional(),
    aclsExternalLink: z.string().optional(),
    devicesApprovalOn: z.boolean().optional(),
    devicesAutoUpdatesOn: z.boolean().optional(),
    devicesKeyDurationDays: z.number().optional(),
    usersApprovalOn: z.boolean().optional(),
    networkFlowLoggingOn: z.boolean().optional(),
    regionalRoutingOn: z.boolean().optional(),
    postureIdentityCollectionOn: z.boolean().optional(),
    httpsEnabled: z.boolean().optional(),
    usersRoleAllowedToJoinExternalTailnets: z.string().optional(),
  })
  .transform(({ usersRoleAllowedToJoinExternalTailnets: role, ...same }) => ({
    ...same,
    ...(role === undefined ? {} : { usersRoleAllowedToJoinExternalTailnet: role }),
  }));

/** Tailnet settings, as arguments of the provider. */
export type SettingsPlan = z.output<typeof settingsBody>;

/**
 * Turns declared evidence into what the program creates. Nothing else of the topology is looked at than how hosts are
 * reached, so that what is proved is what is created.
 * @param hostFirewalls `render`: no host is touched
 * @throws ZodError for evidence of another shape, which would be the compiler's mistake
 */
export function planOf(topology: Topology, evidence: Evidence, hostFirewalls: 'apply' | 'render'): Plan {
  const devices = devicesBody.parse(bodyOf(evidence, 'tailnet/devices')).devices;
  const rulesets = [...topology.hosts.values()].map((host) => ({
    host: host.name,
    access: host.access,
    ruleset: z.string().parse(bodyOf(evidence, `host/${host.name}/nft.txt`)),
  }));
  const isApplied = ({ access }: FirewallPlan) => hostFirewalls === 'apply' && access.kind !== 'render-only';
  return {
    policy: policyBody.parse(bodyOf(evidence, 'tailnet/policy')).text,
    settings: settingsBody.parse(bodyOf(evidence, 'tailnet/settings')),
    devices: devices.map((d) => ({
      host: hostOf(topology, d.nodeId),
      deviceId: d.nodeId,
      tags: d.tags,
      routes: d.enabledRoutes,
      authorized: d.authorized,
    })),
    firewalls: rulesets.filter(isApplied),
    rendered: rulesets.filter((r) => !isApplied(r)).map((r) => r.host),
    digest: createHash('sha256').update(printSnapshot(evidence, '')).digest('hex'),
  };
}

function bodyOf(evidence: Evidence, source: string): unknown {
  const entry = evidence.sources[source];
  return entry?.status === 'ok' ? entry.body : undefined;
}

function hostOf(topology: Topology, nodeId: string): string {
  for (const host of topology.hosts.values()) if (host.device === nodeId) return host.name;
  return nodeId;
}
