import { AddressSet } from '../../net/address-set.ts';
import type { Packet } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { isOwnTable, type Rule } from '../../nftables/ruleset.ts';
import { formatSpan } from '../../source/diagnostic.ts';
import type { Host } from '../../topology/model.ts';
import type { Witness } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { modelHosts, rawLink, TAILNET_INTERFACE } from '../intent.ts';
import { allowance, type Crossing, gateAllowance } from '../relations/allowed.ts';
import { HOOKS, type HostPassage, type Passage, passage } from '../relations/host.ts';
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
    const passages: readonly Crossing[] =
      rawLink(topology, host) === undefined ? ['in', 'out', 'forward'] : ['in', 'out', 'forward', 'raw'];
    return [
      ...passages.flatMap((which) => passageExcess(context, host, which)),
      ...loopbackExcess(context, host),
      ...openEnds(context, host),
    ];
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

/**
 * What a model's host may say to itself beyond what its declared ruleset lets it: another service there acts for whoever
 * asks it. Without the declared ruleset there is nothing to hold it against.
 */
function loopbackExcess(context: ProofContext, host: Host): Excess[] {
  const wanted = context.declared?.hosts.get(host.name)?.ruleset;
  if (context.topology.roles.get(host.role)?.kind !== 'model' || wanted?.known !== true) return [];
  const live = context.passage(host, 'local');
  const allowed = passage(wanted.value, 'local');
  const surely = live.opens.subtract(allowed.could);
  const part = surely.isEmpty() ? live.may.subtract(allowed.could) : surely;
  if (part.isEmpty()) return [];
  return [toExcess(context, host, 'local', { subject: host, claim: 'egress', part, sure: !surely.isEmpty() }, live)];
}

function passageExcess(context: ProofContext, host: Host, which: Crossing): Excess[] {
  const crossed = context.passage(host, which);
  const allowed = allowance(context.paths, host, which);
  const surely = crossed.opens.subtract(allowed.sure);
  const possibly = crossed.may.subtract(allowed.sure).subtract(allowed.onCondition);
  const sure = !surely.isEmpty();
  if (!sure && possibly.isEmpty()) return gateExcess(context, host, which, crossed);
  return subjects(context, host, which, sure ? surely : possibly).map((found) =>
    toExcess(context, host, which, { ...found, sure }, crossed),
  );
}

interface Found {
  readonly subject: Host;
  readonly claim: 'ingress' | 'egress';
  readonly part: PacketSet;
  readonly sure: boolean;
}

function toExcess(
  context: ProofContext,
  host: Host,
  which: Passage,
  { subject, claim, part, sure }: Found,
  { missing }: HostPassage,
): Excess {
  const packet = recognisablePacket(context.topology, host, which, part);
  return {
    host: subject,
    claim,
    sure,
    packets: part,
    causes: packet === undefined ? [] : causesOf(context, host, which, packet, part),
    witness: packet === undefined ? undefined : witnessOf(host, which, packet),
    blame: packet === undefined ? [{ source: rulesetSource(host) }] : blameOf(context, host, which, packet),
    missing: sure ? [] : missing,
  };
}

/**
 * Where nothing passes all hooks of a way, and one of them lets through what it should not: the promise rests on the
 * other hook alone, and on nobody rewriting packets in between.
 */
function gateExcess(context: ProofContext, host: Host, which: Crossing, { gates }: HostPassage): Excess[] {
  if (gates.length < 2) return [];
  return gates.flatMap(({ hook, may, opens }): Excess[] => {
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
  which: Crossing,
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
    local: { from: `a process on ${host.name}`, to: 'another service on it' },
    forward: { from: `anybody on ${there}`, to: `whoever is behind ${host.name}` },
  }[which];
  return { packet: witnessPacket(packet), ...words, layer: `${HOOKS[which].join(' and ')} of ${host.name}` };
}
