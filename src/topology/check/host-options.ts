import { formatAddress } from '../../net/address.ts';
import { overlaps } from '../../net/prefix.ts';
import { type Draft, entries, type Finding, items, quote } from '../load/draft.ts';
import type { RoleKind } from '../model.ts';
import { parseHostAddress, parseSegmentPrefix, touchesTailnet } from '../ranges.ts';
import { type DraftHost, kindOfHost } from './placement.ts';

/** A unit is a model host's, and listens where the host is; two models of one machine do not share one. */
export function checkHostOptions(draft: Draft): void {
  const machines = new Map<string, string>();
  for (const [name, host] of entries(draft.data.hosts)) {
    const kind = kindOfHost(draft, host);
    if (kind === 'model' && host.placement === 'netns' && host.segment !== undefined) {
      const router = draft.data.segments?.[host.segment]?.router;
      const key = `${router} ${host.unit?.name ?? 'ollama.service'}`;
      const other = machines.get(key);
      if (router !== undefined && other !== undefined) {
        draft.report({
          code: 'topology-unit',
          path: ['hosts', name],
          at: 'key',
          message: `${name} and ${other} stand on the machine of ${router} with the same unit`,
          hint: 'give one of them a unit of its own, as unit: {name: …}',
          related: [{ span: draft.places.key(['hosts', other]), message: `${other} is declared here` }],
        });
      }
      machines.set(key, name);
    }
    if (host.containers !== undefined) checkContainers(draft, name, host, kind);
    const { unit } = host;
    if (unit === undefined) continue;
    if (kind !== undefined && kind !== 'model') {
      draft.report({
        code: 'topology-unit',
        path: ['hosts', name, 'unit'],
        at: 'key',
        message: `unit is for model hosts, and ${name} is none`,
        hint: 'remove it, or correct the role',
      });
    }
    for (const [index, path] of items(unit.devices)) {
      if (path.startsWith('/dev/')) continue;
      draft.report({
        code: 'topology-unit',
        path: ['hosts', name, 'unit', 'devices', index],
        message: `${quote(path)} is not below /dev`,
        hint: 'name the device node, such as /dev/nvidia0',
      });
    }
    if (unit.listen !== undefined) checkListen(draft, name, unit.listen, host.addresses ?? []);
  }
}

/** Containers have a network of their own, away from everything that the file gives another meaning. */
function checkContainers(draft: Draft, name: string, host: DraftHost, kind: RoleKind | undefined): void {
  const at = ['hosts', name, 'containers'];
  const report = (path: Finding['path'], message: string, hint: string) =>
    draft.report({ code: 'topology-containers', path, message, hint });
  if (kind === 'model') {
    report(at, `${name} is a model host: no container of it opens a flow`, 'remove containers');
  }
  const taken = [host.segmentInterface, ...(host.underlayInterfaces ?? []), 'lo', 'tailscale0'];
  const bridge = host.containers?.interface;
  if (bridge !== undefined && taken.includes(bridge)) {
    report([...at, 'interface'], `${quote(bridge)} has another use on ${name}`, 'name the bridge of the containers');
  }
  const segments = entries(draft.data.segments).flatMap(([, s]) =>
    items(s.prefixes).flatMap(([, text]) => parseSegmentPrefix(text)?.prefix ?? []),
  );
  for (const [index, text] of items(host.containers?.prefixes)) {
    const path = [...at, 'prefixes', index];
    const parsed = parseSegmentPrefix(text);
    if (parsed === undefined || parsed.hostBits) {
      report(path, `${quote(text)} is not a prefix`, 'write address/length without host bits, such as 172.17.0.0/16');
    } else if (touchesTailnet(parsed.prefix) || segments.some((s) => overlaps(s, parsed.prefix))) {
      report(path, `${quote(text)} overlaps the tailnet or a segment`, 'give containers addresses of their own');
    }
  }
}

function checkListen(draft: Draft, name: string, listen: string, addresses: readonly (string | undefined)[]): void {
  const address = parseHostAddress(listen);
  const own = addresses.flatMap((a) => (a === undefined ? [] : (parseHostAddress(a) ?? [])));
  if (address !== undefined && own.some((a) => formatAddress(a) === formatAddress(address))) return;
  draft.report({
    code: 'topology-unit',
    path: ['hosts', name, 'unit', 'listen'],
    message: `${quote(listen)} is no address of ${name}`,
    hint: 'use one of its addresses, or leave it out',
  });
}
