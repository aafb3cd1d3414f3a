import { z } from 'zod';
import { TYPES } from '../infra/plugin/package.ts';
import type { Evidence, SourceEntry } from '../src/state/evidence.ts';
import { policyEtag } from '../src/tailnet/policy/etag.ts';
import type { Topology } from '../src/topology/model.ts';
import { property } from './known.ts';
import { ACL_TYPE } from './resource-rules.ts';

/** A resource of the whole stack, with what it will be. */
export interface StackResource {
  readonly type: string;
  readonly urn: string;
  readonly props: Readonly<Record<string, unknown>>;
  readonly dependencies: readonly { readonly urn: string }[];
}

/** What a stack is about to make true, in the shape of evidence, and what it leaves out. */
export interface StackEvidence {
  readonly evidence: Evidence;
  readonly problems: readonly string[];
}

const devicesBody = z.object({ devices: z.array(z.looseObject({ nodeId: z.string() })) });

/**
 * Puts the resources of a stack in the place of what the topology compiles to: the claims are then proved about the very
 * texts that the resources carry. A resource that is missing, double, or not known yet is a problem of its own.
 * @param declared what the topology compiles to
 * @param isRendered hosts whose ruleset is not put in place by this stack
 */
export function stackEvidence(
  topology: Topology,
  declared: Evidence,
  resources: readonly StackResource[],
  isRendered: (host: string) => boolean,
): StackEvidence {
  const reader = new StackReader(resources);
  const sources: Record<string, SourceEntry> = { ...declared.sources };
  const policy = reader.only(ACL_TYPE, 'the policy', () => true, z.string(), 'acl');
  if (policy !== undefined) {
    sources['tailnet/policy'] = { status: 'ok', body: { text: policy, etag: policyEtag(policy) } };
    reader.expectGuard(policy);
  }
  const { devices } = devicesBody.parse(declared.sources['tailnet/devices']?.body);
  const planned = devices.map((device) => ({ ...device, ...reader.device(device.nodeId) }));
  sources['tailnet/devices'] = { status: 'ok', body: { devices: planned } };
  for (const { name } of topology.hosts.values()) {
    if (isRendered(name)) continue;
    const isOfHost = (r: StackResource) => knownValue(r, 'host') === name;
    const ruleset = reader.only(TYPES.hostFirewall, `the firewall of ${name}`, isOfHost, z.string(), 'ruleset');
    if (ruleset !== undefined) sources[`host/${name}/nft.txt`] = { status: 'ok', body: ruleset };
  }
  return { evidence: { sources }, problems: reader.problems };
}

class StackReader {
  readonly problems: string[] = [];
  readonly #resources: readonly StackResource[];

  constructor(resources: readonly StackResource[]) {
    this.#resources = resources;
  }

  /** A property of the one resource that is meant; undefined, with a problem noted, where there is none or no value. */
  only<T>(
    type: string,
    what: string,
    isMeant: (resource: StackResource) => boolean,
    schema: z.ZodType<T>,
    name: string,
  ): T | undefined {
    const found = this.#resources.filter((r) => r.type === type && isMeant(r));
    const [resource] = found;
    if (resource === undefined || found.length > 1) {
      this.problems.push(resource === undefined ? `no resource for ${what}` : `${found.length} resources for ${what}`);
      return undefined;
    }
    const value = property(resource.props, name);
    const parsed = value.known ? schema.safeParse(value.value) : undefined;
    if (parsed?.success === true) return parsed.data;
    this.problems.push(`${what}: ${name} is ${value.known ? 'not of the expected kind' : 'not known yet'}`);
    return undefined;
  }

  /** What the stack decides about a device. */
  device(nodeId: string): Record<string, unknown> {
    const isOfDevice = (r: StackResource) => knownValue(r, 'deviceId') === nodeId;
    const strings = z.array(z.string());
    const type = (name: string) => `tailscale:index/device${name}:Device${name}`;
    return {
      tags: this.only(type('Tags'), `the tags of ${nodeId}`, isOfDevice, strings, 'tags') ?? [],
      enabledRoutes: this.only(type('SubnetRoutes'), `the routes of ${nodeId}`, isOfDevice, strings, 'routes') ?? [],
      authorized:
        this.only(type('Authorization'), `the authorisation of ${nodeId}`, isOfDevice, z.boolean(), 'authorized') ??
        true,
    };
  }

  /** The policy may only be written behind a guard that was asked about the same text. */
  expectGuard(policy: string): void {
    const acl = this.#resources.find((r) => r.type === ACL_TYPE);
    const isGuard = ({ urn }: { readonly urn: string }) =>
      this.#resources.some((r) => r.urn === urn && r.type === TYPES.policyGuard && knownValue(r, 'policy') === policy);
    if (acl?.dependencies.some(isGuard) !== true)
      this.problems.push('the policy does not depend on a guard that was asked about the same text');
  }
}

function knownValue(resource: StackResource, name: string): unknown {
  const found = property(resource.props, name);
  return found.known ? found.value : undefined;
}
