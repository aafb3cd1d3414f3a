import { CT, type CtState, type Packet, PROTO } from '../../net/packet.ts';
import { type Decision, decidingRule } from '../../nftables/decide.ts';
import type { ProofContext } from '../../proof/context.ts';
import { rawLink } from '../../proof/intent.ts';
import type { Passage } from '../../proof/relations/host.ts';
import type { LabDecision, Truth } from '../../report/lab-report.ts';
import type { Station, Trace } from './trace.ts';

/** What kind of packet follows a trace. */
export interface Attempt {
  readonly proto: 'tcp' | 'udp';
  readonly sport: number;
  readonly dport: number;
  /** Owner of the sending socket. */
  readonly uid: number;
}

/** What the proof's relations say of an attempt. */
export interface Prediction {
  /** The first packet gets to the receiver. */
  readonly delivered: Truth;
  /** And its answer comes back. */
  readonly answered: Truth;
}

/**
 * Predicts by the same relation that the claims are proved with (`passage`), hook by hook: the first packet as one that
 * begins a flow, the answer as one in the other direction, and of TCP also what completes the handshake.
 */
export function predict(context: ProofContext, there: Trace, back: Trace | undefined, attempt: Attempt): Prediction {
  const delivered = passesAll(context, there, attempt, CT.originalNew);
  if (back === undefined) return { delivered, answered: 'no' };
  const answered = [delivered, passesAll(context, back, reverse(attempt), CT.replyEstablished)];
  if (attempt.proto === 'tcp') answered.push(passesAll(context, there, attempt, CT.originalEstablished));
  return { delivered, answered: every(answered) };
}

/** The rules that the packets of an attempt meet on their way, up to the one that drops them. */
export function decisionsOn(
  context: ProofContext,
  there: Trace,
  back: Trace | undefined,
  attempt: Attempt,
): LabDecision[] {
  const decisions = decisionsAlong(context, there, attempt, CT.originalNew);
  if (back === undefined || decisions.at(-1)?.verdict === 'drop') return decisions;
  return [...decisions, ...decisionsAlong(context, back, reverse(attempt), CT.replyEstablished)];
}

function decisionsAlong(context: ProofContext, trace: Trace, attempt: Attempt, ct: CtState): LabDecision[] {
  const decisions: LabDecision[] = [];
  for (const station of trace.stations) {
    const ruleset = context.state.hosts.get(station.host)?.ruleset;
    if (!ruleset?.known) continue;
    const packet = packetAt(station, attempt, ct);
    for (const { hook, device } of hooksOf(context, station)) {
      const decision = decidingRule(ruleset.value.ruleset, hook, packet, device === undefined ? {} : { device });
      decisions.push(inWords(station.host, hook, decision));
      if (decision.verdict === 'drop') return decisions;
    }
  }
  return decisions;
}

function inWords(host: string, hook: string, { verdict, by }: Decision): LabDecision {
  if (by.kind === 'no-chain') return { host, hook, verdict, table: '', chain: '', rule: 'no chain of ours' };
  const rule = by.kind === 'rule' ? by.text : `policy ${by.policy}`;
  return { host, hook, verdict, table: by.table, chain: by.chain, rule };
}

function passesAll(context: ProofContext, trace: Trace, attempt: Attempt, ct: CtState): Truth {
  return every(trace.stations.map((station) => passes(context, station, packetAt(station, attempt, ct))));
}

function passes(context: ProofContext, station: Station, packet: Packet): Truth {
  const host = context.topology.hosts.get(station.host);
  // A stranger: nobody knows of any rules there, and in the lab there are none.
  if (host === undefined) return 'yes';
  const which: Passage = station.hook === 'input' ? 'in' : packet.iif === undefined ? 'out' : 'forward';
  const gates = hooksOf(context, station).map(({ hook, device }) => {
    const gate = context.passage(host, device === undefined ? which : 'raw').gates.find((g) => g.hook === hook);
    if (gate === undefined) return 'unknown';
    // Nothing is tracked at a device's own hook, and nobody's input interface is known there.
    const seen = device === undefined ? packet : withoutInput(packet);
    if (gate.opens.contains(seen)) return 'yes';
    return gate.may.contains(seen) ? 'unknown' : 'no';
  });
  return every(gates);
}

/** The hooks of one station: leaving over the model's own link, a packet also meets the device's hook. */
function hooksOf({ topology }: ProofContext, station: Station) {
  const host = topology.hosts.get(station.host);
  const raw = host === undefined ? undefined : rawLink(topology, host);
  const own = { hook: station.hook, device: undefined };
  const isRaw = station.hook === 'postrouting' && raw !== undefined && raw === station.oif;
  return isRaw ? [own, { hook: 'egress' as const, device: raw }] : [own];
}

function withoutInput({ iif: _, ...packet }: Packet): Packet {
  return packet;
}

function packetAt(station: Station, attempt: Attempt, ct: CtState): Packet {
  return {
    family: station.src.family,
    proto: PROTO[attempt.proto],
    src: station.src,
    dst: station.dst,
    sport: attempt.sport,
    dport: attempt.dport,
    ct,
    ...(station.iif === undefined ? {} : { iif: station.iif }),
    ...(station.oif === undefined ? {} : { oif: station.oif }),
    // What the host sends itself has its socket up to the device.
    ...(station.iif === undefined ? { uid: attempt.uid } : {}),
  };
}

function reverse({ proto, sport, dport }: Attempt): Attempt {
  // Whoever answers is root, as the lab's listeners are.
  return { proto, sport: dport, dport: sport, uid: 0 };
}

function every(truths: readonly Truth[]): Truth {
  if (truths.includes('no')) return 'no';
  return truths.includes('unknown') ? 'unknown' : 'yes';
}
