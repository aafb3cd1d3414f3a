import type { PacketRange } from '../proof/changes/change.ts';

/** `tcp 22, 80-90; udp all ports; icmp`. */
export function packetRanges(ranges: readonly PacketRange[]): string {
  return ranges
    .map((r) => {
      if (r.proto === 'all') return 'every protocol and port';
      const all = r.ports.length === 1 && r.ports[0]?.[0] === 0 && r.ports[0]?.[1] === 65535;
      if (all) return `${r.proto} all ports`;
      const ports = r.ports.map(([lo, hi]) => (lo === hi ? `${lo}` : `${lo}-${hi}`)).join(', ');
      return ports === '' ? r.proto : `${r.proto} ${ports}`;
    })
    .join('; ');
}

/** `10.0.0.1:22`, `[fd77:1::1]:22`, or the bare address. */
export function endpoint(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
