import { resolve } from 'node:path';
import { declare } from '../../infra/declare.ts';
import { planOf } from '../../infra/plan.ts';
import type { StackResource } from '../../policies/stack-evidence.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const TOPOLOGY = 'examples/homelab/cordon.yaml';

export type Resource = { -readonly [K in keyof StackResource]: StackResource[K] } & { props: Record<string, unknown> };

/** The resources of the homelab's stack, as the engine would hand them to a policy pack. */
export function homelabStack(): Resource[] {
  const { topology, evidence } = declare(TOPOLOGY, (path) => resolve(ROOT, path));
  const plan = planOf(topology, evidence, 'apply');
  const resource = (
    type: string,
    name: string,
    props: Record<string, unknown>,
    dependencies: string[] = [],
  ): Resource => ({
    type,
    urn: `urn:pulumi:dev::cordon::${type}::${name}`,
    props,
    dependencies: dependencies.map((urn) => ({ urn })),
  });
  const guard = resource('cordon:index:PolicyGuard', 'policy-guard', { policy: plan.policy });
  const hostFirewalls = Object.fromEntries(plan.firewalls.map(({ host }) => [host, 'applied']));
  return [
    resource('pulumi:pulumi:Stack', 'cordon-dev', { topology: TOPOLOGY, hostFirewalls }),
    guard,
    resource('tailscale:index/acl:Acl', 'policy', { acl: plan.policy }, [guard.urn]),
    ...plan.firewalls.map((f) => resource('cordon:index:HostFirewall', `firewall-${f.host}`, { ...f })),
    ...plan.devices.flatMap(({ host, deviceId, tags, routes, authorized }) => [
      resource('tailscale:index/deviceTags:DeviceTags', `tags-${host}`, { deviceId, tags }),
      resource('tailscale:index/deviceSubnetRoutes:DeviceSubnetRoutes', `routes-${host}`, { deviceId, routes }),
      resource('tailscale:index/deviceAuthorization:DeviceAuthorization', `auth-${host}`, { deviceId, authorized }),
    ]),
  ];
}

/** The one resource with this type and name. */
export function find(stack: readonly Resource[], type: string, name?: string): Resource {
  const found = stack.filter((r) => r.type.endsWith(type) && (name === undefined || r.urn.endsWith(`::${name}`)));
  if (found[0] === undefined || found.length > 1) throw new Error(`${found.length} of ${type} ${name ?? ''}`);
  return found[0];
}
