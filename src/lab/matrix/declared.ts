import type { Address } from '../../net/address.ts';
import { CT, PROTO } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { containsAddress, type Prefix, TAILNET_V4, TAILNET_V6 } from '../../net/prefix.ts';
import type { ProofContext } from '../../proof/context.ts';
import { type FlowPath, TAILNET_INTERFACE } from '../../proof/intent.ts';
import { servicePackets } from '../../proof/relations/allowed.ts';
import { ANY_MEMBER } from '../../proof/relations/universe.ts';
import type { Truth } from '../../report/lab-report.ts';
import type { Attempt } from './predict.ts';
import type { Trace } from './trace.ts';

/** Ids of the declared flows that an attempt from `from` belongs to: its way, its addresses and its port are theirs. */
export function flowsOf(context: ProofContext, from: string, trace: Trace, attempt: Attempt): readonly string[] {
  const paths = pathsBetween(context, from, trace.receiver);
  if (paths.length === 0) return [];
  const [first] = trace.stations;
  const last = trace.stations.at(-1);
  if (first === undefined || last === undefined) return [];
  const users = context.topology.hosts.get(from)?.flowUsers ?? [];
  if (users.length > 0 && !users.includes(attempt.uid)) return [];
  const packet = { ...packetOf(first.src, first.dst, attempt), ct: CT.originalNew };
  const flows = paths.filter(({ sender, receiver, router, service }) => {
    if (sender === undefined) return false;
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
  const { hosts } = context.topology;
  const reach = context.tailnet;
  if (!reach.known) return 'unknown';
  const { universe } = reach.value;
  // On the tailnet, the lab's stranger is the device of a member whom no rule names.
  const stranger = universe.devices.find((d) => d.user === ANY_MEMBER);
  const deviceOf = (name: string) => (hosts.has(name) ? universe.byId(hosts.get(name)?.device ?? '') : stranger);
  const device = deviceOf(entry.host);
  if (device === undefined) return 'unknown';
  // Where the topology pins no address, the lab's is not the one that the compiled rules speak of.
  const meant = (name: string, address: Address) =>
    hosts.get(name)?.tailnetAddresses.length || !containsAddress(rangeOf(address), address)
      ? address
      : (deviceOf(name)?.addresses.find((a) => a.family === address.family) ?? address);
  const src = meant(trace.stations[0]?.host ?? '', entry.src);
  const dst = meant(entry.host, entry.dst);
  const packet = { ...packetOf(src, dst, attempt), ct: CT.originalNew };
  const admitting = reach.value.admissions(device).filter((a) => a.packets.contains(packet));
  if (admitting.some((a) => a.rule.exact)) return 'yes';
  return admitting.length > 0 ? 'unknown' : 'no';
}

function rangeOf({ family }: Address): Prefix {
  return family === 4 ? TAILNET_V4 : TAILNET_V6;
}

function pathsBetween({ paths }: ProofContext, from: string, to: string): readonly FlowPath[] {
  const known = byEnds.get(paths) ?? Map.groupBy(paths, (p) => `${p.from?.name} ${p.to.name}`);
  byEnds.set(paths, known);
  return known.get(`${from} ${to}`) ?? [];
}

/** Asked for every cell: worked out once for a topology. */
const byEnds = new WeakMap<readonly FlowPath[], ReadonlyMap<string, readonly FlowPath[]>>();

function packetOf(src: Address, dst: Address, attempt: Attempt) {
  const { sport, dport } = attempt;
  return { family: src.family, proto: PROTO[attempt.proto], src, dst, sport, dport };
}
