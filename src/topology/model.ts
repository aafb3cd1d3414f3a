import type { Address } from '../net/address.ts';
import type { Prefix } from '../net/prefix.ts';
import type { Span } from '../source/span.ts';
import type { ContainerNetwork, ModelUnit } from './host-options.ts';

/** Everything a person declared carries the place where it stands. */
export interface Located {
  readonly span: Span;
}

/** `cordon.yaml`, checked: every reference resolves, every address is parsed, every default is filled in. */
export interface Topology {
  /** Path of the file as given, for messages. */
  readonly file: string;
  readonly tailnet: TailnetDeclaration;
  readonly roles: ReadonlyMap<string, Role>;
  readonly segments: ReadonlyMap<string, Segment>;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly services: ReadonlyMap<string, Service>;
  readonly flows: readonly Flow[];
  readonly agents: ReadonlyMap<string, Agent>;
  readonly openclaw: OpenClawDeclaration | undefined;
  readonly waivers: readonly Waiver[];
  readonly attestations: readonly Attestation[];
}

export interface TailnetDeclaration extends Located {
  /** `T…CNTRL`; every answer is compared with it. */
  readonly id: string;
  /** Selectors (users, groups) that may change policy, tags, routes, keys. */
  readonly operators: readonly string[];
  /** The organisation's own policy: path as written, and its text. */
  readonly base: { readonly path: string; readonly file: string; readonly text: string } | undefined;
}

/** What a kind of machine is for; decides the shape of its host firewall and the claims about it. */
export type RoleKind = 'model' | 'orchestrator' | 'executor' | 'gateway' | 'node' | 'other';

export interface Role extends Located {
  readonly name: string;
  readonly kind: RoleKind;
  /** `tag:…`, the machine's identity on the tailnet. */
  readonly tag: string;
}

/** A subnet of its own with one way in: the router. */
export interface Segment extends Located {
  readonly name: string;
  readonly prefixes: readonly Prefix[];
  /** Name of the host that routes into it. */
  readonly router: string;
}

/** Where a model host stands (docs: placements). Hosts of other roles are on the tailnet. */
export type Placement = 'netns' | 'segment' | 'tailnet';

/** How cordon reaches a host. */
export type Access =
  | { readonly kind: 'local' }
  | { readonly kind: 'ssh'; readonly target: string }
  | { readonly kind: 'netns'; readonly name: string }
  | { readonly kind: 'render-only' };

export interface Host extends Located {
  readonly name: string;
  /** Name of its role. */
  readonly role: string;
  readonly placement: Placement;
  /** Stable node id (`n…CNTRL`); undefined where the host is off the tailnet. */
  readonly device: string | undefined;
  readonly segment: string | undefined;
  /** Addresses outside the tailnet ranges, in the order given. */
  readonly addresses: readonly Address[];
  /** Addresses inside 100.64.0.0/10 or fd7a:115c:a1e0::/48; may be empty although there is a device. */
  readonly tailnetAddresses: readonly Address[];
  /** Interface into the segment (default `eth0` off the tailnet, `eth1` for a host that is on both). */
  readonly segmentInterface: string | undefined;
  /** Interfaces that carry the tailnet's underlay (default `eth0` with a device, none without). */
  readonly underlayInterfaces: readonly string[];
  /** Name servers that the tailnet daemon may ask; empty = none is let out. */
  readonly resolvers: readonly Address[];
  /** Whether the tailnet daemon runs on the host and its own flows are let out (default: exactly if there is a device). */
  readonly tailscaled: boolean;
  /** Numeric users who may open the host's flows; empty = all. */
  readonly flowUsers: readonly number[];
  /** Containers that may open the host's flows; undefined = none. */
  readonly containers: ContainerNetwork | undefined;
  /** The unit that runs the model; undefined where the file says nothing of it. */
  readonly unit: ModelUnit | undefined;
  readonly access: Access;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface Service extends Located {
  readonly name: string;
  /** Name of the role whose hosts answer it. */
  readonly on: string;
  readonly tcp: readonly PortRange[];
  readonly udp: readonly PortRange[];
}

/** One permitted flow. The list is the whole list. */
export interface Flow extends Located {
  readonly id: string;
  /** Role name, or `operators`. */
  readonly from: string;
  /** Service name. */
  readonly to: string;
}

/** An OpenClaw agent lane. */
export interface Agent extends Located {
  readonly name: string;
  readonly lane: string;
  readonly model: string | undefined;
  readonly tools: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  /** What its sandbox sees of its workspace. */
  readonly workspace: 'none' | 'ro' | 'rw';
  /** Which commands a person approves. */
  readonly approvals: 'on-miss' | 'always';
  /** Role of the machines that run its tools; undefined where the file does not say and there is no single one. */
  readonly executor: string | undefined;
  /** Tags of the machines its tools may touch. */
  readonly resources: readonly string[];
}

export interface OpenClawDeclaration extends Located {
  readonly preset: string;
  /** Release that the compiled configuration is for. */
  readonly version: string;
  /** Port of the gateway, on loopback. */
  readonly port: number;
  /** Keys of the configuration that are to differ from the preset, by full path. */
  readonly overrides: Readonly<Record<string, unknown>>;
  /** Host name. */
  readonly gateway: string | undefined;
  readonly nodes: readonly string[];
}

/** An accepted violation: it stays `violated`, carries the waiver and does not fail the run until it expires. */
export interface Waiver extends Located {
  readonly id: string;
  readonly owner: string;
  readonly reason: string;
  /** ISO date. */
  readonly expires: string;
}

/** What nothing readable shows, said by a person with a date. */
export interface Attestation extends Located {
  readonly id: string;
  readonly by: string;
  readonly on: string;
  readonly expires: string;
}
