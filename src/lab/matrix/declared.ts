import { type Address, formatAddress } from '../../net/address.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import type { ProofContext } from '../../proof/context.ts';
import { TAILNET_INTERFACE } from '../../proof/intent.ts';
import { servicePackets } from '../../proof/relations/allowed.ts';
import type { Truth } from '../../report/lab-report.ts';
import type { Attempt } from './predict.ts';
import type { Trace } from './trace.ts';

/** Ids of the declared flows that an attempt from `from` belongs to: its way, its addresses and its port are theirs. */
export function flowsOf(context: ProofContext, from: string, trace: Trace, attempt: Attempt): readonly string[] {
  const [first] = trace.stations;
  const last = trace.stations.at(-1);
  if (first === undefined || last === undefined) return [];
  const users = context.topology.hosts.get(from)?.flowUsers ?? [];
  if (users.length > 0 && !users.includes(attempt.uid)) return [];
  const packet = { ...packetOf(first.src, first.dst, attempt), ct: CT.originalNew };
  const flows = context.paths.filter(({ sender, receiver, router, service, ...path }) => {
    if (path.from?.name !== from || path.to.name !== trace.receiver || sender === undefined) return false;
    if (first.oif !== sender.interface || last.iif !== receiver.interface) return false;
    // A router in between, or none: the way that is declared and no other.
    if (trace.hidden?.by !== router?.host.name) return false;
    return (
      servicePackets(service, 'dport').contains(packet) &&
      PacketSet.ofAddresses('dst', sender.remote).contains(packet) &&
      PacketSet.ofAddresses('src', sender.local).contains(packet)
    );
  });
  return flows.map((f) => f.flow.id);
}

/**
 * Whether the tailnet policy lets an attempt through; undefined where it does not travel over the tailnet. The lab's own
 * tunnel carries everything, so that each ruleset has to hold by itself: this is the other layer's part.
 */
export function policyOf(context: ProofContext, trace: Trace, attempt: Attempt): Truth | undefined {
  const entry = trace.stations.find((s) => s.iif === TAILNET_INTERFACE);
  if (entry === undefined) return undefined;
  const host = context.topology.hosts.get(entry.host);
  const reach = context.tailnet;
  if (!reach.known || host?.device === undefined) return 'unknown';
  const device = reach.value.universe.byId(host.device);
  if (device === undefined) return 'unknown';
  // The lab gave these hosts addresses that the policy's rules do not speak of.
  const ends = [trace.stations[0]?.host, entry.host].map((name) => context.topology.hosts.get(name ?? ''));
  if (ends.some((h) => h?.device !== undefined && h.tailnetAddresses.length === 0)) return 'unknown';
  const packet = { ...packetOf(entry.src, entry.dst, attempt), ct: CT.originalNew };
  const admitting = reach.value.admissions(device).filter((a) => a.packets.contains(packet));
  if (admitting.some((a) => a.rule.exact)) return 'yes';
  return admitting.length > 0 ? 'unknown' : 'no';
}

function packetOf(src: Address, dst: Address, attempt: Attempt) {
  const { sport, dport } = attempt;
  return { family: src.family, proto: PROTO[attempt.proto], src, dst, sport, dport };
}

/** For messages. */
export function wayOf(trace: Trace): { device: string; through: readonly string[]; src: string; dst: string } {
  const [first] = trace.stations;
  return {
    device: first?.oif ?? '',
    through: trace.stations.filter((s) => s.hook === 'forward').map((s) => s.host),
    src: first === undefined ? '' : formatAddress(first.src),
    dst: first === undefined ? '' : formatAddress(first.dst),
  };
}
