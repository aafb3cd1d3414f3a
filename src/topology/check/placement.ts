import { containsAddress } from '../../net/prefix.ts';
import { type Draft, type DraftData, entries, items, quote } from '../load/draft.ts';
import type { Path } from '../load/places.ts';
import type { RoleKind } from '../model.ts';
import { parseHostAddress, parseSegmentPrefix } from '../ranges.ts';
import { roleKind } from '../role-kind.ts';

/** A host of the draft. */
export type DraftHost = NonNullable<NonNullable<DraftData['hosts']>[string]>;

/** A host stands where its role can stand, and says what that place needs. */
export function checkPlacement(draft: Draft): void {
  for (const [name, host] of entries(draft.data.hosts)) {
    const kind = kindOfHost(draft, host);
    if (kind === 'model') checkModel(draft, name, host);
    else if (kind !== undefined) checkOther(draft, name, host);
    checkInterfaces(draft, name, host);
    checkDaemon(draft, name, host);
    if (host.segment !== undefined) checkMember(draft, name, host, host.segment);
  }
  for (const name of Object.keys(draft.data.segments ?? {})) checkNeighbours(draft, name);
}

/** The kind of a draft's host; undefined while its role is unknown or wrong. */
export function kindOfHost(draft: Draft, host: DraftHost): RoleKind | undefined {
  const name = host.role;
  const role = name === undefined ? undefined : draft.data.roles?.[name];
  if (name === undefined || role === undefined || draft.isBroken(['roles', name, 'kind'])) return undefined;
  return roleKind(name, role.kind);
}

function checkModel(draft: Draft, name: string, host: DraftHost): void {
  if (host.placement === undefined) {
    if (draft.isBroken(['hosts', name, 'placement'])) return;
    draft.report({
      code: 'topology-placement',
      path: ['hosts', name, 'placement'],
      at: 'key',
      message: `${name} is a model host and does not say where it stands`,
      hint: 'add placement: netns, segment or tailnet',
    });
    return;
  }
  if (host.placement === 'tailnet') {
    need(draft, name, host, 'device', 'a model host with placement tailnet is a node of its own');
    forbid(draft, name, host, 'segment', 'a model host with placement tailnet is in no segment');
    return;
  }
  need(draft, name, host, 'segment', `a model host with placement ${host.placement} stands in a segment`);
  forbid(draft, name, host, 'device', `a model host with placement ${host.placement} is not on the tailnet`);
  if (host.placement === 'netns') checkNamespace(draft, name, host);
}

function checkOther(draft: Draft, name: string, host: DraftHost): void {
  if (host.placement !== undefined && host.placement !== 'tailnet') {
    draft.report({
      code: 'topology-placement',
      path: ['hosts', name, 'placement'],
      message: `placement ${host.placement} is for model hosts, and ${name} is none`,
      hint: 'leave placement out: all other hosts are on the tailnet',
    });
    return;
  }
  need(draft, name, host, 'device', `${name} is on the tailnet`);
}

function need(draft: Draft, name: string, host: DraftHost, field: 'device' | 'segment', why: string): void {
  if (host[field] !== undefined || draft.isBroken(['hosts', name, field])) return;
  draft.report({
    code: `topology-${field}-missing`,
    path: ['hosts', name, field],
    at: 'key',
    message: `${name} lacks ${quote(field)}: ${why}`,
    hint:
      field === 'device'
        ? 'add device: with the node id from the admin console (n…CNTRL)'
        : 'add segment: with its name',
  });
}

function forbid(draft: Draft, name: string, host: DraftHost, field: 'device' | 'segment', why: string): void {
  if (host[field] === undefined) return;
  draft.report({
    code: `topology-${field}-extra`,
    path: ['hosts', name, field],
    at: 'key',
    message: `${name} cannot have ${quote(field)}: ${why}`,
    hint: `remove ${field}, or change the placement`,
  });
}

/** A namespace on the orchestrator's host: its link ends at an orchestrator. */
function checkNamespace(draft: Draft, name: string, host: DraftHost): void {
  const segment = host.segment === undefined ? undefined : draft.data.segments?.[host.segment];
  const router = segment?.router === undefined ? undefined : draft.data.hosts?.[segment.router];
  const kind = router === undefined ? undefined : kindOfHost(draft, router);
  if (segment?.router === undefined || kind === undefined || kind === 'orchestrator') return;
  draft.report({
    code: 'topology-placement',
    path: ['hosts', name, 'placement'],
    message: `placement netns is a namespace on the orchestrator’s host, but the router of ${host.segment} (${segment.router}) is no orchestrator`,
    hint: 'make the orchestrator the router of the segment, or use placement: segment',
  });
}

function checkInterfaces(draft: Draft, name: string, host: DraftHost): void {
  const underlay = items(host.underlayInterfaces);
  if (
    host.segmentInterface !== undefined &&
    host.segment === undefined &&
    !draft.isBroken(['hosts', name, 'segment'])
  ) {
    draft.report({
      code: 'topology-interface',
      path: ['hosts', name, 'segmentInterface'],
      at: 'key',
      message: `${name} has a segmentInterface but no segment`,
      hint: 'add segment, or remove segmentInterface',
    });
  }
  const ownLink =
    host.segmentInterface ?? (host.segment === undefined ? undefined : host.device === undefined ? 'eth0' : 'eth1');
  for (const [index, iface] of underlay) {
    if (iface !== ownLink) continue;
    draft.report({
      code: 'topology-interface',
      path: ['hosts', name, 'underlayInterfaces', index],
      message: `${quote(iface)} is the interface into the segment${host.segmentInterface === undefined ? ' by default' : ''} and cannot carry the tailnet’s underlay too`,
      hint: 'a segment has an interface of its own; name it as segmentInterface',
    });
  }
  const named: readonly (readonly [Path, string | undefined])[] = [
    [['hosts', name, 'segmentInterface'], host.segmentInterface],
    ...underlay.map(([index, iface]) => [['hosts', name, 'underlayInterfaces', index], iface] as const),
  ];
  for (const [path, iface] of named) {
    if (iface !== 'lo' && iface !== 'tailscale0') continue;
    draft.report({
      code: 'topology-interface',
      path,
      message: `${quote(iface)} is ${iface === 'lo' ? 'loopback' : 'the tailnet’s own interface'}`,
      hint: 'name the interface of the network card or of the virtual link',
    });
  }
}

function checkDaemon(draft: Draft, name: string, host: DraftHost): void {
  if (host.device !== undefined || draft.isBroken(['hosts', name, 'device'])) return;
  if (host.tailscaled === true) {
    draft.report({
      code: 'topology-daemon',
      path: ['hosts', name, 'tailscaled'],
      message: `${name} has no device, so no tailnet daemon runs there`,
      hint: 'remove tailscaled, or add the device',
    });
  }
  for (const field of ['underlayInterfaces', 'resolvers'] as const) {
    if (items(host[field]).length === 0) continue;
    draft.report({
      code: 'topology-daemon',
      path: ['hosts', name, field],
      at: 'key',
      message: `${name} has no device: ${field} are for the tailnet daemon`,
      hint: `remove ${field}, or add the device`,
    });
  }
}

function checkMember(draft: Draft, name: string, host: DraftHost, segmentName: string): void {
  const segment = draft.data.segments?.[segmentName];
  const texts = items(host.addresses).map(([, text]) => parseHostAddress(text));
  const unread =
    texts.includes(undefined) ||
    (host.addresses ?? []).includes(undefined) ||
    draft.isBroken(['hosts', name, 'addresses']);
  const prefixes = items(segment?.prefixes).flatMap(([, text]) => parseSegmentPrefix(text)?.prefix ?? []);
  if (segment === undefined || prefixes.length === 0 || unread) return;
  if (texts.some((a) => a !== undefined && prefixes.some((p) => containsAddress(p, a)))) return;
  draft.report({
    code: 'topology-address-missing',
    path: ['hosts', name, 'addresses'],
    at: 'key',
    message: `${name} is in segment ${segmentName} but has no address there`,
    hint: 'add its address in the segment to addresses: rules name addresses, not machines',
  });
}

/** Whoever shares a model's segment is its neighbour on the wire, whatever the rules say. */
function checkNeighbours(draft: Draft, segment: string): void {
  const members = entries(draft.data.hosts).filter(([, host]) => host.segment === segment);
  const model = members.find(([, host]) => kindOfHost(draft, host) === 'model');
  const router = draft.data.segments?.[segment]?.router;
  if (model === undefined) return;
  for (const [name, host] of members) {
    const kind = kindOfHost(draft, host);
    if (kind === undefined || kind === 'model' || kind === 'orchestrator' || name === router) continue;
    draft.report({
      code: 'topology-neighbour',
      path: ['hosts', name, 'segment'],
      message: `${name} (${kind}) shares segment ${segment} with model host ${model[0]}`,
      hint: 'give the model a segment of its own, with the router and orchestrators only',
      related: [{ span: draft.places.key(['hosts', model[0]]), message: 'the model host' }],
    });
  }
}
