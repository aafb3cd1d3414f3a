import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Host, Topology } from '../model.ts';
import type { PlannedConnections } from './connections.ts';
import { segmentAddresses } from './endpoints.ts';

/** What was compiled wider, or for fewer packets, than its author may think. */
export function compileWarnings(topology: Topology, planned: readonly PlannedConnections[]): Diagnostic[] {
  const overTailnet = new Set<Host>();
  for (const c of planned.flatMap((p) => p.connections)) {
    if (c.kind !== 'link' && c.initiator !== 'operators') overTailnet.add(c.initiator);
    if (c.kind === 'tailnet') overTailnet.add(c.responder);
  }
  return [...topology.hosts.values()].flatMap((host) => [
    ...(overTailnet.has(host) ? tailnetAddressWarnings(host) : []),
    ...segmentFamilyWarnings(topology, host),
  ]);
}

function tailnetAddressWarnings(host: Host): Diagnostic[] {
  const families = new Set(host.tailnetAddresses.map((a) => a.family));
  if (families.size === 0) {
    return [
      {
        code: 'topology-tailnet-address-undeclared',
        severity: 'warning',
        span: host.span,
        message: `${host.name} declares no tailnet address: the firewalls of its peers admit the whole tailnet in its place, and only the policy narrows that`,
        hint: 'add the two addresses that the admin console shows for the device to addresses',
      },
    ];
  }
  return families.size === 2 ? [] : [oneFamily(host, 'on the tailnet', families.has(4) ? 6 : 4)];
}

function segmentFamilyWarnings(topology: Topology, host: Host): Diagnostic[] {
  const segment = host.segment === undefined ? undefined : topology.segments.get(host.segment);
  if (segment === undefined) return [];
  const own = new Set(segmentAddresses(host, segment).map((a) => a.family));
  const missing = new Set(segment.prefixes.map((p) => p.family).filter((f) => !own.has(f)));
  return [...missing].map((family) => oneFamily(host, `in segment ${segment.name}`, family));
}

function oneFamily(host: Host, where: string, missing: 4 | 6): Diagnostic {
  return {
    code: 'topology-one-family',
    severity: 'warning',
    span: host.span,
    message: `${host.name} declares no IPv${missing} address ${where}: its flows are closed for IPv${missing}`,
    hint: `add its IPv${missing} address to addresses, or take it as it is`,
  };
}
