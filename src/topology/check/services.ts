import { type Draft, entries, items, quote } from '../load/draft.ts';
import type { PortRange } from '../model.ts';
import { formatPorts, parsePorts } from '../ports.ts';

/** A service listens somewhere; every port is written once. */
export function checkServices(draft: Draft): void {
  for (const [name, service] of entries(draft.data.services)) {
    let ports = 0;
    for (const protocol of ['tcp', 'udp'] as const) {
      const list = service[protocol] ?? [];
      ports += list.length + (draft.isBroken(['services', name, protocol]) ? 1 : 0);
      const seen: { readonly index: number; readonly range: PortRange }[] = [];
      for (const [index, value] of items(list)) {
        const path = ['services', name, protocol, index];
        const range = parsePorts(value);
        if (range === undefined) {
          draft.report({
            code: 'topology-bad-port',
            path,
            message: `${quote(value)} is not a port or a range of ports`,
            hint: 'ports go from 1 to 65535, a range from its lower to its higher end',
          });
          continue;
        }
        const other = seen.find((s) => s.range.first <= range.last && range.first <= s.range.last);
        if (other !== undefined) {
          draft.report({
            code: 'topology-duplicate-port',
            path,
            message: `${formatPorts(range)} overlaps ${formatPorts(other.range)}`,
            hint: 'write each port once',
            related: [
              { span: draft.places.value(['services', name, protocol, other.index]), message: 'first given here' },
            ],
          });
        }
        seen.push({ index, range });
      }
    }
    if (ports === 0) {
      draft.report({
        code: 'topology-no-port',
        path: ['services', name],
        at: 'key',
        message: `service ${name} has no port`,
        hint: 'add tcp: or udp: with the ports it listens on',
      });
    }
  }
}
