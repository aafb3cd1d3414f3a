import type { Address } from '../../net/address.ts';
import { compareAddresses } from '../../net/address.ts';
import { buildContainers, buildModelUnit } from '../host-options.ts';
import type { Access, Flow, Host, PortRange, Role, Segment, Service, TailnetDeclaration, Topology } from '../model.ts';
import { buildAgent, buildOpenClaw } from '../openclaw-build.ts';
import { laneFlows } from '../openclaw-flows.ts';
import { normalisePorts, parsePorts } from '../ports.ts';
import { isTailnetAddress, parseHostAddress, parseSegmentPrefix } from '../ranges.ts';
import { roleKind } from '../role-kind.ts';
import type { TopologyInput } from '../schema.ts';
import type { Places } from './places.ts';

/**
 * Turns the file's data into the topology: names become maps sorted by name (the order of a YAML map means nothing),
 * defaults are filled in, addresses and ports are parsed.
 * @param data what the schema and every check accepted
 * @param base the organisation's policy, already read
 */
export function buildTopology(
  file: string,
  data: TopologyInput,
  places: Places,
  base: TailnetDeclaration['base'],
): Topology {
  const roles = sorted(
    data.roles,
    (name, role): Role => ({ name, kind: roleKind(name, role.kind), tag: role.tag, span: places.key(['roles', name]) }),
  );
  const services = sorted(
    data.services,
    (name, service): Service => ({
      name,
      on: service.on,
      tcp: portsOf(service.tcp),
      udp: portsOf(service.udp),
      span: places.key(['services', name]),
    }),
  );
  const agents = sorted(data.agents, (name, agent) => buildAgent(name, agent, roles, places.key(['agents', name])));
  const flows = (data.flows ?? []).map((flow, i): Flow => ({ ...flow, span: places.value(['flows', i]) }));
  return {
    file,
    tailnet: { id: data.tailnet.id, operators: data.tailnet.operators, base, span: places.key(['tailnet']) },
    roles,
    segments: sorted(
      data.segments,
      (name, segment): Segment => ({
        name,
        prefixes: segment.prefixes.flatMap((text) => parseSegmentPrefix(text)?.prefix ?? []),
        router: segment.router,
        span: places.key(['segments', name]),
      }),
    ),
    hosts: sorted(data.hosts, (name, host) => buildHost(name, host, places)),
    services,
    flows: [...flows, ...laneFlows({ flows, agents, roles, services })],
    agents,
    openclaw: data.openclaw === undefined ? undefined : buildOpenClaw(data.openclaw, places.key(['openclaw'])),
    waivers: (data.waivers ?? []).map((waiver, i) => ({ ...waiver, span: places.value(['waivers', i]) })),
    attestations: (data.attestations ?? []).map((a, i) => ({ ...a, span: places.value(['attestations', i]) })),
  };
}

function buildHost(name: string, host: TopologyInput['hosts'][string], places: Places): Host {
  const all = (host.addresses ?? []).flatMap((text) => parseHostAddress(text) ?? []);
  const onTailnet = host.device !== undefined;
  return {
    name,
    role: host.role,
    placement: host.placement ?? 'tailnet',
    device: host.device,
    segment: host.segment,
    addresses: all.filter((a) => !isTailnetAddress(a)),
    tailnetAddresses: byFamily(all.filter(isTailnetAddress)),
    segmentInterface: host.segment === undefined ? undefined : (host.segmentInterface ?? (onTailnet ? 'eth1' : 'eth0')),
    underlayInterfaces: host.underlayInterfaces ?? (onTailnet ? ['eth0'] : []),
    resolvers: (host.resolvers ?? []).flatMap((text) => parseHostAddress(text) ?? []),
    tailscaled: host.tailscaled ?? onTailnet,
    flowUsers: host.flowUsers ?? [],
    containers: buildContainers(host.containers),
    unit: host.unit === undefined ? undefined : buildModelUnit(host.unit),
    access: host.access satisfies Access,
    span: places.key(['hosts', name]),
  };
}

function portsOf(list: readonly (number | string)[] | undefined): PortRange[] {
  return normalisePorts((list ?? []).flatMap((value) => parsePorts(value) ?? []));
}

function byFamily(addresses: readonly Address[]): Address[] {
  return [...addresses].sort(compareAddresses);
}

function sorted<T, U>(
  map: Readonly<Record<string, T>> | undefined,
  build: (name: string, value: T) => U,
): Map<string, U> {
  const names = Object.keys(map ?? {}).sort();
  return new Map(names.flatMap((name) => (map?.[name] === undefined ? [] : [[name, build(name, map[name])] as const])));
}
