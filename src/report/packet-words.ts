import type { PacketRange } from '../proof/changes/change.ts';
import type { WitnessPacket } from '../proof/claim.ts';

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

/** `10.77.1.2:40000 -> 10.77.1.10:22 tcp new on eth0`. */
export function witnessWords(p: WitnessPacket): string {
  const words = [`${endpoint(p.src, p.sport)} -> ${endpoint(p.dst, p.dport)} ${p.proto}`];
  if (p.icmpType !== undefined) words.push(`type ${p.icmpType}`);
  if (p.ct !== undefined) words.push(p.ct);
  const through = (name: string) => (name === '' ? 'any other interface' : name);
  if (p.interface !== undefined) words.push(`on ${through(p.interface)}`);
  if (p.outInterface !== undefined) words.push(`to ${through(p.outInterface)}`);
  if (p.uid !== undefined) words.push(`sent by uid ${p.uid}`);
  if (p.mark !== undefined) words.push(`with mark 0x${p.mark.toString(16)}`);
  return words.join(' ');
}
