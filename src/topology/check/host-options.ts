import { formatAddress } from '../../net/address.ts';
import { type Draft, entries, items, quote } from '../load/draft.ts';
import { parseHostAddress } from '../ranges.ts';
import { kindOfHost } from './placement.ts';

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
