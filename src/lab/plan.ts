import { ADDRESS_BITS, type Address, formatAddress } from '../net/address.ts';
import { containsAddress, formatPrefix, overlaps, type Prefix } from '../net/prefix.ts';
import type { Diagnostic } from '../source/diagnostic.ts';
import { CordonError, InputError } from '../source/error.ts';
import type { Host, Topology } from '../topology/model.ts';
import {
  type HostDraft,
  type LabHost,
  type LabLayout,
  type LabLink,
  type LabNetwork,
  segmentNetwork,
  tailnetOf,
  UNDERLAY,
} from './layout.ts';
import { countLinks, freeAddress, makeLink } from './link.ts';
import { isInterfaceName, isPlainName } from './name.ts';
import { withRoutes } from './route.ts';

export interface LayoutSettings {
  /** Goes in front of the hub's and the neighbours' namespace names. */
  readonly prefix: string;
  /** Prefixes of the underlay, at most one for each family. */
  readonly underlay: readonly Prefix[];
}

/**
 * Places every host with `netns` access. Addresses inside the host's segment go on its segment interface, all others on
 * its first underlay interface; each underlay interface also gets an address of the underlay. A host with neither a
 * device nor a segment stands on the underlay with `eth0`.
 * @throws InputError with everything that cannot be placed
 */
export function planLab(topology: Topology, settings: LayoutSettings): LabLayout {
  const problems: Diagnostic[] = [];
  const placed = [...topology.hosts.values()].filter((host) => host.access.kind === 'netns');
  const names = new Set(placed.map((host) => host.name));
  const networks: LabNetwork[] = [
    { name: UNDERLAY, bridge: UNDERLAY, prefixes: settings.underlay, router: undefined },
    ...[...topology.segments.values()].map((segment, i) => ({
      name: segmentNetwork(segment.name),
      bridge: `segment${i}`,
      prefixes: segment.prefixes,
      router: names.has(segment.router) ? segment.router : undefined,
    })),
  ];
  for (const segment of topology.segments.values()) {
    for (const prefix of segment.prefixes) {
      const clash = settings.underlay.find((u) => overlaps(u, prefix));
      if (clash === undefined) continue;
      problems.push({
        code: 'lab-underlay-overlap',
        severity: 'error',
        span: segment.span,
        message: `segment ${segment.name} (${formatPrefix(prefix)}) overlaps the lab's underlay ${formatPrefix(clash)}`,
        hint: 'give the lab another underlay',
      });
    }
  }
  const taken = new Set<string>();
  for (const host of topology.hosts.values()) for (const address of host.addresses) taken.add(formatAddress(address));
  const hosts: HostDraft[] = [];
  const namespaces = new Set([hubName(settings)]);
  for (const host of placed) {
    problems.push(...nameProblems(host, namespaces));
    hosts.push(draftHost(host, topology, settings, taken, countLinks(hosts)));
  }
  if (problems.length > 0) throw new InputError(problems);
  return { hub: hubName(settings), networks, hosts: hosts.map((h) => withRoutes(h, hosts, networks)) };
}

/**
 * An unknown machine on a segment's LAN, or with `segment` undefined on the underlay: eth0, the highest free addresses,
 * and every route that such a machine could give itself.
 * @throws CordonError `lab-no-segment`, `lab-no-address`
 */
export function planNeighbour(layout: LabLayout, settings: LayoutSettings, segment: string | undefined): LabHost {
  const name = segment === undefined ? UNDERLAY : segmentNetwork(segment);
  const network = layout.networks.find((n) => n.name === name);
  if (network === undefined) throw new CordonError('lab-no-segment', `the topology has no segment ${segment}`);
  const taken = new Set(
    layout.hosts
      .flatMap((h) => [...h.links.flatMap((l) => l.addresses.map((a) => a.address)), ...tailnetOf(h)])
      .map(formatAddress),
  );
  const addresses = network.prefixes.map((prefix) => ({
    address: freeAddress(prefix, taken, 'last'),
    length: prefix.length,
  }));
  const names = new Set(layout.hosts.map((h) => h.name));
  let number = 1;
  while (names.has(`neighbour-${number}`)) number++;
  const draft: HostDraft = {
    kind: 'neighbour',
    name: `neighbour-${number}`,
    namespace: `${settings.prefix}-neighbour-${number}`,
    links: [makeLink('eth0', network.name, addresses, countLinks(layout.hosts))],
    tailnet: undefined,
    forwards: false,
  };
  return withRoutes(draft, layout.hosts, layout.networks);
}

function hubName(settings: LayoutSettings): string {
  return `${settings.prefix}-hub`;
}

function draftHost(
  host: Host,
  topology: Topology,
  settings: LayoutSettings,
  taken: Set<string>,
  linksBefore: number,
): HostDraft {
  const links: LabLink[] = [];
  const segment = host.segment === undefined ? undefined : topology.segments.get(host.segment);
  const inSegment = (a: Address) => segment?.prefixes.find((p) => containsAddress(p, a));
  const underlay = host.underlayInterfaces.length === 0 && segment === undefined ? ['eth0'] : host.underlayInterfaces;
  const elsewhere = host.addresses.filter((a) => inSegment(a) === undefined);
  if (segment !== undefined) {
    const own = host.addresses.flatMap((address) => {
      const prefix = inSegment(address);
      return prefix === undefined ? [] : [{ address, length: prefix.length }];
    });
    const stray = underlay.length > 0 ? [] : elsewhere.map((a) => ({ address: a, length: ADDRESS_BITS[a.family] }));
    const name = host.segmentInterface ?? 'eth0';
    links.push(makeLink(name, segmentNetwork(segment.name), [...own, ...stray], linksBefore));
  }
  for (const [i, name] of underlay.entries()) {
    const declared = i > 0 ? [] : elsewhere;
    const own = settings.underlay.map((prefix) => ({
      address: declared.find((a) => containsAddress(prefix, a)) ?? freeAddress(prefix, taken, 'first'),
      length: prefix.length,
    }));
    const stray = declared
      .filter((a) => !own.some((o) => o.address === a))
      .map((a) => ({ address: a, length: ADDRESS_BITS[a.family] }));
    links.push(makeLink(name, UNDERLAY, [...own, ...stray], linksBefore + links.length));
  }
  const onTailnet = host.device !== undefined || host.tailscaled || host.tailnetAddresses.length > 0;
  return {
    kind: 'host',
    name: host.name,
    namespace: host.access.kind === 'netns' ? host.access.name : host.name,
    links,
    tailnet: onTailnet ? { addresses: host.tailnetAddresses } : undefined,
    forwards: [...topology.segments.values()].some((s) => s.router === host.name),
  };
}

function nameProblems(host: Host, namespaces: Set<string>): readonly Diagnostic[] {
  const problems: Diagnostic[] = [];
  const problem = (code: string, message: string, hint: string) =>
    problems.push({ code, severity: 'error', span: host.span, message, hint });
  const namespace = host.access.kind === 'netns' ? host.access.name : host.name;
  if (!isPlainName(namespace)) {
    problem(
      'lab-bad-namespace',
      `${JSON.stringify(namespace)} cannot name a network namespace`,
      'use letters, digits, - _ and .',
    );
  }
  if (namespaces.has(namespace)) {
    problem(
      'lab-namespace-clash',
      `network namespace ${namespace} is used twice`,
      'give each host a namespace of its own',
    );
  }
  namespaces.add(namespace);
  const seen = new Set(['lo', 'tailscale0']);
  const segment = host.segment === undefined ? [] : [host.segmentInterface ?? 'eth0'];
  for (const name of [...segment, ...host.underlayInterfaces]) {
    if (!isInterfaceName(name)) {
      problem(
        'lab-bad-interface',
        `${JSON.stringify(name)} cannot name an interface`,
        'use at most 15 letters, digits, - _ and .',
      );
    }
    if (seen.has(name)) {
      problem(
        'lab-interface-clash',
        `interface ${name} of ${host.name} has two uses`,
        'name segment and underlay interfaces apart',
      );
    }
    seen.add(name);
  }
  return problems;
}
