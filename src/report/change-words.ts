import type { Change, PacketRange, Party } from '../proof/changes/change.ts';

/** A change in the operator's words; every output format that is read by people uses these. */
export interface ChangeWords {
  /** `tag:executor (exec-1) -> tag:orchestrator (orch-1): all TCP and UDP ports, ICMP`. */
  readonly headline: string;
  /** `100.64.0.30:40000 -> 100.64.0.20:22 tcp`. */
  readonly witness: string;
  /** One line for each place. */
  readonly blame: readonly string[];
}

/** @returns the words of one change */
export function describeChange(change: Change): ChangeWords {
  const w = change.witness;
  const pairs = change.count > 1 ? ` (${change.count} pairs)` : '';
  return {
    headline: `${party(change.src)} -> ${party(change.dst)}: ${packetRanges(change.packets)}${pairs}, ${change.layer}`,
    witness: `${endpoint(w.src, w.sport)} -> ${endpoint(w.dst, w.dport)} ${w.proto}`,
    blame: change.blame.map(
      (b) =>
        `${b.side === 'a' ? 'before' : 'now'} ${b.file}:${b.line}:${b.column}${b.text === undefined ? '' : `  ${b.text}`}`,
    ),
  };
}

function party(p: Party): string {
  const shown = p.members.slice(0, 4);
  const more = p.members.length - shown.length;
  if (shown.length === 0 || (shown.length === 1 && shown[0] === p.selector)) return p.selector;
  return `${p.selector} (${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}

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

function endpoint(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
