import { type Address, formatAddress } from '../../net/address.ts';
import type { Host, PortRange, Role, Topology } from '../model.ts';
import { hasPort } from '../ports.ts';
import { hostsOf } from './connections.ts';
import { segmentAddresses } from './endpoints.ts';
import type { Grant } from './sections.ts';

/** An entry of the policy's `tests`. */
export interface PolicyTestEntry {
  readonly src: string;
  readonly proto: 'tcp' | 'udp';
  readonly deny: readonly string[];
}

/** A host to be protected, at one of its addresses. */
interface Target {
  readonly address: string;
  /** What a grant of ours would call it. */
  readonly names: readonly string[];
}

const SSH = 22;

/**
 * The declaration as tests of the policy itself, so that the control plane refuses an edit that opens what is closed.
 *
 * Written within what the API can judge (a known source, one host and one numeric port for each destination, TCP or UDP),
 * and so that the very first upload passes too: then no device holds the tags yet, a tag as destination is no host, and
 * nothing can be accepted. Hence only `deny`, from tags to addresses; IPv4 ones, because captures of the hosted control
 * plane disagree about IPv6 literals. That declared flows are open is proven elsewhere, and cannot be lost to a union.
 *
 * "Denies everything else" cannot be written. Asked are, from every role that a device is declared for: each model host
 * and one host of every other role, on SSH, the ends of every service's ports, and the neighbours of what is open.
 */
export function policyTestsOf(topology: Topology, grants: readonly Grant[]): PolicyTestEntry[] {
  const targets = [...topology.roles.values()].flatMap((role) => targetsOf(topology, role));
  return [...topology.roles.values()]
    .filter((role) => hostsOf(topology, role.name).some((host) => host.device !== undefined))
    .flatMap((role) =>
      (['tcp', 'udp'] as const).flatMap((proto) => entryOf(topology, grants, role.tag, targets, proto)),
    );
}

function entryOf(
  topology: Topology,
  grants: readonly Grant[],
  src: string,
  targets: readonly Target[],
  proto: 'tcp' | 'udp',
): PolicyTestEntry[] {
  const deny = targets.flatMap(({ address, names }) => {
    const open = grants
      .filter((g) => g.src.includes(src) && g.dst.some((dst) => names.includes(dst)))
      .flatMap((g) => g.service[proto]);
    return closedPorts(topology, open, proto).map((port) => `${address}:${port}`);
  });
  return deny.length === 0 ? [] : [{ src, proto, deny }];
}

/** Ports worth asking that are not open, sorted. */
function closedPorts(topology: Topology, open: readonly PortRange[], proto: 'tcp' | 'udp'): number[] {
  const ports = new Set<number>(proto === 'tcp' ? [SSH] : []);
  for (const service of topology.services.values()) {
    for (const { first, last } of service[proto]) ports.add(first).add(last);
  }
  for (const { first, last } of open) ports.add(first - 1).add(last + 1);
  return [...ports].filter((port) => port >= 1 && port <= 65535 && !hasPort(open, port)).sort((a, b) => a - b);
}

/** Every host of a model role; of another role the first, which stands for all: our grants name tags, not hosts. */
function targetsOf(topology: Topology, role: Role): Target[] {
  const all = hostsOf(topology, role.name).flatMap((host) => {
    const address = addressesOf(topology, host).find((a) => a.family === 4);
    if (address === undefined) return [];
    const text = formatAddress(address);
    return [{ address: text, names: host.device === undefined ? [text] : [role.tag, text] }];
  });
  return role.kind === 'model' ? all : all.slice(0, 1);
}

function addressesOf(topology: Topology, host: Host): readonly Address[] {
  if (host.device !== undefined) return host.tailnetAddresses;
  const segment = host.segment === undefined ? undefined : topology.segments.get(host.segment);
  return segment === undefined ? [] : segmentAddresses(host, segment);
}
