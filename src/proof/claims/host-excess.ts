import { AddressSet } from '../../net/address-set.ts';
import { CT, type Packet } from '../../net/packet.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { type Decider, decidingRule } from '../../nftables/decide.ts';
import { chainsAt } from '../../nftables/evaluate.ts';
import { isOwnTable, type Ruleset } from '../../nftables/ruleset.ts';
import type { State } from '../../state/state.ts';
import type { Host } from '../../topology/model.ts';
import type { Blame, Witness } from '../claim.ts';
import type { ProofContext } from '../context.ts';
import { modelHosts, TAILNET, TAILNET_INTERFACE } from '../intent.ts';
import { allowedForward, allowedIn, allowedOut } from '../relations/allowed.ts';
import { HOOKS, type Passage } from '../relations/host.ts';
import { recognisablePacket } from '../sample.ts';
import type { Excess } from './excess.ts';
import { witnessPacket } from './packet-words.ts';

/**
 * What a host's ruleset lets in, out or through beyond the declared flows. Like the policy, the ruleset has to hold by
 * itself, in every state that connection tracking can be in.
 * @param declared what the ruleset should be, for the line that is missing
 */
export function hostExcess(context: ProofContext, declared: State | undefined): readonly Excess[] {
  return [...context.topology.hosts.values()].flatMap((host) => [
    ...passageExcess(context, declared, host, 'in', allowedIn(context.paths, host)),
    ...passageExcess(context, declared, host, 'out', allowedOut(context.paths, host)),
    ...passageExcess(context, declared, host, 'forward', allowedForward(context.paths, host)),
  ]);
}

function passageExcess(
  context: ProofContext,
  declared: State | undefined,
  host: Host,
  which: Passage,
  allowed: PacketSet,
): Excess[] {
  const { may, must, missing } = context.passage(host, which);
  const surely = must.subtract(allowed);
  const possibly = may.subtract(allowed);
  if (possibly.isEmpty()) return [];
  const sure = !surely.isEmpty();
  const packets = sure ? surely : possibly;
  return subjects(context, host, which, packets).map(({ subject, claim, part }) => {
    const packet = recognisablePacket(context.topology, host, which, part);
    return {
      host: subject,
      claim,
      sure,
      packets: part,
      causes: packet === undefined ? [] : causesOf(context, host, which, packet, part),
      witness: packet === undefined ? undefined : witnessOf(host, which, packet),
      blame: packet === undefined ? [] : blameOf(context.state, declared, host, which, packet),
      missing: sure ? [] : missing,
    };
  });
}

/** Forwarded packets belong to the model host they come from or go to; what is left, to the host that forwards. */
function subjects(
  context: ProofContext,
  host: Host,
  which: Passage,
  packets: PacketSet,
): { subject: Host; claim: 'ingress' | 'egress'; part: PacketSet }[] {
  if (which !== 'forward') return [{ subject: host, claim: which === 'in' ? 'ingress' : 'egress', part: packets }];
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
    forward: { from: `anybody on ${there}`, to: `whoever is behind ${host.name}` },
  }[which];
  return { packet: witnessPacket(packet), ...words, layer: `${HOOKS[which].join(' and ')} of ${host.name}` };
}

/** The rule or policy that accepts, and the declared one that would not have. */
function blameOf(state: State, declared: State | undefined, host: Host, which: Passage, packet: Packet): Blame[] {
  const source = `host/${host.name}/nft.txt`;
  const live = state.hosts.get(host.name)?.ruleset;
  if (live === undefined || !live.known) return [{ source }];
  const blame = HOOKS[which].slice(0, 1).map((hook): Blame => {
    const { by } = decidingRule(live.value.ruleset, hook, packet);
    return { source, ...deciderWords(by, live.value.ruleset) };
  });
  const wanted = declared?.hosts.get(host.name)?.ruleset;
  if (wanted?.known && declared !== undefined && state !== declared) {
    for (const hook of HOOKS[which]) {
      const { verdict, by } = decidingRule(wanted.value.ruleset, hook, packet);
      if (verdict !== 'drop') continue;
      blame.push({ source: `declared ${source}`, ...deciderWords(by, wanted.value.ruleset) });
      break;
    }
  }
  return blame;
}

/** The place and the text of what decided. */
export function deciderWords(by: Decider, ruleset: Ruleset): Omit<Blame, 'source'> {
  switch (by.kind) {
    case 'rule':
      return { ...lineOf(by.span), rule: `${by.table} ${by.chain}`, text: by.text };
    case 'policy':
      return { ...lineOf(by.span), rule: `${by.table} ${by.chain}`, text: `policy ${by.policy}` };
    case 'no-chain':
      return {
        rule: ruleset.tables.some(isOwnTable)
          ? `no chain of ours hooks ${by.hook}`
          : `table inet cordon is absent, nothing filters ${by.hook}`,
      };
  }
}

function lineOf(span: { line: number; column: number } | undefined): { line?: number; column?: number } {
  return span === undefined ? {} : { line: span.line, column: span.column };
}

/** Catalogue ids that explain a packet that passes. */
function causesOf(context: ProofContext, host: Host, which: Passage, packet: Packet, part: PacketSet): string[] {
  const live = context.state.hosts.get(host.name)?.ruleset;
  if (live === undefined || !live.known) return [];
  const { ruleset } = live.value;
  const ids: string[] = [];
  const hooks = HOOKS[which];
  if (!ruleset.tables.some(isOwnTable)) ids.push('HOST-12', 'HOST-13');
  else if (hooks.every((hook) => chainsAt(ruleset, hook).length === 0)) ids.push('HOST-13');
  if (!part.values('family').contains(4n)) ids.push('HOST-06');
  if (packet.ct !== CT.originalNew && packet.ct !== CT.untracked) return [...ids, 'HOST-08'];
  if (which === 'forward') return [...ids, 'HOST-05'];
  if (which === 'out')
    return [...ids, packet.sport !== undefined && isServicePort(context, host, packet.sport) ? 'HOST-07' : 'HOST-22'];
  if (TAILNET.contains(packet.dst) && packet.iif !== TAILNET_INTERFACE) return [...ids, 'HOST-01'];
  return [...ids, 'HOST-02'];
}

function isServicePort(context: ProofContext, host: Host, port: number): boolean {
  return [...context.topology.services.values()].some(
    (s) => s.on === host.role && s.tcp.some((r) => port >= r.first && port <= r.last),
  );
}
