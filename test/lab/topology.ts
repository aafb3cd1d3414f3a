import { type Address, parseAddress } from '../../src/net/address.ts';
import { type Prefix, parsePrefix } from '../../src/net/prefix.ts';
import type { Span } from '../../src/source/span.ts';
import type { Host, Role, RoleKind, Segment, Service, Topology } from '../../src/topology/model.ts';

/** Where everything in a topology made by a test stands. */
export const SPAN: Span = { file: 'cordon.yaml', line: 1, column: 1, offset: 0, length: 0 };

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
}

export function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed.prefix;
}

/** What a test says of a host; the rest is what the topology's loader fills in. */
export interface HostSpec {
  readonly role: RoleKind;
  readonly segment?: string;
  readonly device?: string;
  readonly addresses?: readonly string[];
  readonly tailnet?: readonly string[];
  /** Name of its namespace; without one it is rendered only. */
  readonly namespace?: string;
  readonly segmentInterface?: string;
  readonly underlayInterfaces?: readonly string[];
  readonly flowUsers?: readonly number[];
}

export interface TopologySpec {
  readonly segments?: Readonly<Record<string, { readonly prefixes: readonly string[]; readonly router: string }>>;
  readonly hosts: Readonly<Record<string, HostSpec>>;
  readonly services?: Readonly<
    Record<string, { readonly on: RoleKind; readonly tcp: readonly (readonly [number, number])[] }>
  >;
}

export function topology(spec: TopologySpec): Topology {
  const kinds: RoleKind[] = ['model', 'orchestrator', 'executor', 'gateway', 'node', 'other'];
  return {
    file: SPAN.file,
    tailnet: { span: SPAN, id: 'Tlab1CNTRL', operators: [], base: undefined },
    roles: new Map(kinds.map((kind): [string, Role] => [kind, { span: SPAN, name: kind, kind, tag: `tag:${kind}` }])),
    segments: mapOf(
      spec.segments ?? {},
      (name, s): Segment => ({ ...s, span: SPAN, name, prefixes: s.prefixes.map(prefix) }),
    ),
    hosts: mapOf(spec.hosts, hostOf),
    services: mapOf(
      spec.services ?? {},
      (name, s): Service => ({
        span: SPAN,
        name,
        on: s.on,
        tcp: s.tcp.map(([first, last]) => ({ first, last })),
        udp: [],
      }),
    ),
    flows: [],
    agents: new Map(),
    openclaw: undefined,
    waivers: [],
    attestations: [],
  };
}

function hostOf(name: string, spec: HostSpec): Host {
  const onBoth = spec.segment !== undefined && spec.device !== undefined;
  return {
    span: SPAN,
    name,
    role: spec.role,
    placement: spec.segment !== undefined && spec.device === undefined ? 'segment' : 'tailnet',
    device: spec.device,
    segment: spec.segment,
    addresses: (spec.addresses ?? []).map(address),
    tailnetAddresses: (spec.tailnet ?? []).map(address),
    segmentInterface: spec.segment === undefined ? undefined : (spec.segmentInterface ?? (onBoth ? 'eth1' : 'eth0')),
    underlayInterfaces: spec.underlayInterfaces ?? (spec.device === undefined ? [] : ['eth0']),
    resolvers: [],
    tailscaled: spec.device !== undefined,
    flowUsers: spec.flowUsers ?? [],
    containers: undefined,
    unit: undefined,
    access: spec.namespace === undefined ? { kind: 'render-only' } : { kind: 'netns', name: spec.namespace },
  };
}

function mapOf<A, B>(record: Readonly<Record<string, A>>, make: (name: string, value: A) => B): ReadonlyMap<string, B> {
  return new Map(Object.entries(record).map(([name, value]) => [name, make(name, value)]));
}

/** A name that no other run on this machine has: `lab-PID-abc123`. */
export function uniqueName(): string {
  return `lab${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
}

/** Four hosts: a model in a segment behind the orchestrator, an executor and a gateway; namespaces `RUN-HOST`. */
export function homelab(run: string): Topology {
  return topology({
    segments: { cell: { prefixes: ['10.77.1.0/24', 'fd77:1::/64'], router: 'orch-1' } },
    hosts: {
      'ollama-1': { role: 'model', segment: 'cell', addresses: ['10.77.1.10', 'fd77:1::a'], namespace: `${run}-model` },
      'orch-1': {
        role: 'orchestrator',
        segment: 'cell',
        device: 'nLab1CNTRL',
        addresses: ['10.77.1.1', 'fd77:1::1'],
        tailnet: ['100.64.0.20', 'fd7a:115c:a1e0::14'],
        namespace: `${run}-orch`,
      },
      'exec-1': {
        role: 'executor',
        device: 'nLab2CNTRL',
        tailnet: ['100.64.0.30', 'fd7a:115c:a1e0::1e'],
        namespace: `${run}-exec`,
      },
      'gw-1': {
        role: 'gateway',
        device: 'nLab3CNTRL',
        tailnet: ['100.64.0.40', 'fd7a:115c:a1e0::28'],
        namespace: `${run}-gw`,
      },
    },
    services: { ollama: { on: 'model', tcp: [[11434, 11434]] }, gateway: { on: 'gateway', tcp: [[443, 443]] } },
  });
}
