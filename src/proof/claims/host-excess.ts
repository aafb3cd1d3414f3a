import { AddressSet } from '../../net/address-set.ts';
import type { Packet } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { isOwnTable, type Rule } from '../../nftables/ruleset.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import type { Host } from '../../topology/model.ts';
import type { Witness } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { modelHosts, rawLink, TAILNET_INTERFACE } from '../intent.ts';
import { allowance, gateAllowance } from '../relations/allowed.ts';
import { HOOKS, type HostPassage, type Passage } from '../relations/host.ts';
import { recognisablePacket } from '../sample.ts';
import type { Excess } from './excess.ts';
import { blameOf, causesOf, rulesetSource } from './host-blame.ts';
import { witnessPacket } from './packet-words.ts';

/**
 * What a host's ruleset lets in, out or through beyond the declared flows. Like the policy, the ruleset has to hold by
 * itself, in every state that connection tracking can be in.
 */
export function hostExcess(context: ProofContext): readonly Excess[] {
  const { topology } = context;
  return [...topology.hosts.values()].flatMap((host) => {
    const passages: readonly Passage[] =
      rawLink(topology, host) === undefined ? ['in', 'out', 'forward'] : ['in', 'out', 'forward', 'raw'];
    return [...passages.flatMap((which) => passageExcess(context, host, which)), ...openEnds(context, host)];
  });
}

/**
 * Base chains of ours that end in their policy alone. A new chain's policy takes effect a moment after the old chain is
 * gone, so while the table is replaced under load packets get through (measured on Linux 6.18: about one replacement in
 * two let one in).
 */
function openEnds(context: ProofContext, host: Host): Excess[] {
  const live = context.state.hosts.get(host.name)?.ruleset;
  if (live === undefined || !live.known) return [];
  return live.value.ruleset.tables.filter(isOwnTable).flatMap((table) =>
    table.chains
      .filter((chain) => chain.base !== undefined && !chain.rules.some(dropsAll))
      .map((chain): Excess => {
        const source = rulesetSource(host);
        const place = chain.span === undefined ? {} : { line: chain.span.line, column: chain.span.column };
        const why = `chain ${chain.name} ends in its policy alone: while the table is replaced, packets get through`;
        return {
          host,
          claim: chain.base?.hook === 'input' ? 'ingress' : 'egress',
          sure: false,
          packets: PacketSet.none,
          causes: [],
          witness: undefined,
          blame: [{ source, ...place, rule: `${table.family} ${table.name} ${chain.name}` }],
          missing: [{ source: chain.span === undefined ? source : formatSpan(chain.span), why }],
        };
      }),
  );
}

/** A rule that no packet gets past. */
function dropsAll(rule: Rule): boolean {
  const kinds = rule.statements.map((s) => s.kind);
  return kinds.includes('drop') && kinds.every((k) => k === 'counter' || k === 'log' || k === 'drop');
}

function passageExcess(context: ProofContext, host: Host, which: Passage): Excess[] {
  const passage = context.passage(host, which);
  const allowed = allowance(context.paths, host, which);
  const surely = passage.opens.subtract(allowed.sure);
  const possibly = passage.may.subtract(allowed.sure).subtract(allowed.onCondition);
  const sure = !surely.isEmpty();
  if (!sure && possibly.isEmpty()) return gateExcess(context, host, which, passage);
  return subjects(context, host, which, sure ? surely : possibly).map(({ subject, claim, part }) => {
    const packet = recognisablePacket(context.topology, host, which, part);
    return {
      host: subject,
      claim,
      sure,
      packets: part,
      causes: packet === undefined ? [] : causesOf(context, host, which, packet, part),
      witness: packet === undefined ? undefined : witnessOf(host, which, packet),
      blame: packet === undefined ? [{ source: rulesetSource(host) }] : blameOf(context, host, which, packet),
      missing: sure ? [] : passage.missing,
    };
  });
}

/**
 * Where nothing passes all hooks of a way, and one of them lets through what it should not: the promise rests on the
 * other hook alone, and on nobody rewriting packets in between.
 */
function gateExcess(context: ProofContext, host: Host, which: Passage, passage: HostPassage): Excess[] {
  if (passage.gates.length < 2) return [];
  return passage.gates.flatMap(({ hook, may, opens }): Excess[] => {
    const allowed = gateAllowance(context.paths, host, which, hook);
    const surely = opens.subtract(allowed.sure);
    const packets = surely.isEmpty() ? may.subtract(allowed.sure).subtract(allowed.onCondition) : surely;
    if (packets.isEmpty()) return [];
    const source = rulesetSource(host);
    const why = `${hook} alone lets more through than declared; only the other hook of the way ${which} stops it`;
    const missing = [{ source, why }];
    const blame = [{ source, rule: `inet cordon ${hook}` }];
    return [{ host, claim: 'egress', sure: false, packets, causes: [], witness: undefined, blame, missing }];
  });
}

/** Forwarded packets belong to the model host they come from or go to; what is left, to the host that forwards. */
function subjects(
  context: ProofContext,
  host: Host,
  which: Passage,
  packets: PacketSet,
): { subject: Host; claim: 'ingress' | 'egress'; part: PacketSet }[] {
  if (which === 'in') return [{ subject: host, claim: 'ingress', part: packets }];
  if (which !== 'forward') return [{ subject: host, claim: 'egress', part: packets }];
  const list: { subject: Host; claim: 'ingress' | 'egress'; part: PacketSet }[] = [];
  let rest = packets;
  for (const model of modelHosts(context.topology)) {
    if (model === host) continue;
    const own = AddressSet.ofAddresses(...model.addresses, ...model.tailnetAddresses);
    const to = packets.intersect(PacketSet.ofAddresses('dst', own));
    const from = packets.intersect(PacketSet.ofAddresses('src', own));
    if (!to.isEmpty()) list.push({ subject: model, claim: 'ingress', part: to });
    if (!from.isEmpty()) list.push({ subject: model, claim: 'egress', part: from });
    rest = rest.subtract(to).subtract(from);
  }
  if (!rest.isEmpty()) list.push({ subject: host, claim: 'egress', part: rest });
  return list;
}

function witnessOf(host: Host, which: Passage, packet: Packet): Witness {
  const iface = packet.iif ?? packet.oif;
  const there =
    iface === TAILNET_INTERFACE ? 'the tailnet' : `the network on ${iface === '' ? 'any other interface' : iface}`;
  const words = {
    in: { from: `anybody on ${there}`, to: host.name },
    out: { from: host.name, to: `anybody on ${there}` },
    raw: { from: `a packet socket on ${host.name}`, to: `anybody on ${there}` },
    forward: { from: `anybody on ${there}`, to: `whoever is behind ${host.name}` },
  }[which];
  return { packet: witnessPacket(packet), ...words, layer: `${HOOKS[which].join(' and ')} of ${host.name}` };
}
