import { parseAddress } from '../../src/net/address.ts';
import { CT, type CtState, type Packet, PROTO } from '../../src/net/packet.ts';
import { containsAddress } from '../../src/net/prefix.ts';
import { decidingRule } from '../../src/nftables/decide.ts';
import { parseRuleset } from '../../src/nftables/parse.ts';
import type { Hook } from '../../src/nftables/ruleset.ts';
import type { Witness, WitnessPacket } from '../../src/proof/claim.ts';
import type { Evidence } from '../../src/state/evidence.ts';
import { compileTailnet } from '../../src/tailnet/compile.ts';
import { type Device, parseDevices } from '../../src/tailnet/device.ts';
import { rulePackets } from '../../src/tailnet/filter.ts';
import { parsePolicy } from '../../src/tailnet/policy/parse.ts';
import { accepted } from '../topology/support.ts';
import { policyOf, rulesOf } from './evidence.ts';

const CT_STATES: Readonly<Record<string, CtState>> = {
  new: CT.originalNew,
  established: CT.originalEstablished,
  'answer of an established flow': CT.replyEstablished,
  related: CT.relatedOriginal,
  'related answer': CT.relatedReply,
  invalid: CT.invalid,
  untracked: CT.untracked,
};

/** The packet that a witness describes. */
export function packetOf(w: WitnessPacket, where: { iif: boolean; oif: boolean }): Packet {
  const [src, dst] = [parseAddress(w.src), parseAddress(w.dst)];
  if (src === undefined || dst === undefined) throw new Error(`no addresses: ${w.src} ${w.dst}`);
  return {
    family: src.family,
    proto: PROTO[w.proto as keyof typeof PROTO] ?? Number(w.proto),
    src,
    dst,
    ...(w.sport === undefined ? {} : { sport: w.sport }),
    ...(w.dport === undefined ? {} : { dport: w.dport }),
    ...(w.icmpType === undefined ? {} : { icmpType: w.icmpType }),
    ...(w.icmpCode === undefined ? {} : { icmpCode: w.icmpCode }),
    ct: CT_STATES[w.ct ?? 'new'] ?? CT.originalNew,
    ...(where.iif ? { iif: w.interface ?? '' } : {}),
    ...(where.oif ? { oif: w.outInterface ?? w.interface ?? '' } : {}),
    ...(w.uid === undefined ? {} : { uid: w.uid }),
    ...(w.mark === undefined ? {} : { mark: w.mark }),
  };
}

/**
 * Whether the layer that a witness names lets its packet through, judged packet by packet from the texts alone. A future
 * device stands in the list under the addresses that the witness gives it.
 * @param devices who is on the tailnet beside those listed, such as a future holder of a tag
 */
export function replays(evidence: Evidence, witness: Witness, devices: readonly Device[] = []): boolean {
  if (witness.layer.startsWith('tailnet policy')) return admits(evidence, witness.packet, devices);
  const [, hooks = '', host = ''] = /^(.*) of (\S+)$/.exec(witness.layer) ?? [];
  const { ruleset } = { ruleset: accepted(parseRuleset(host, rulesOf(evidence, host))) };
  const names = hooks.split(' and ') as Hook[];
  const [first] = names;
  const packet = packetOf(witness.packet, { iif: first === 'input' || first === 'forward', oif: first !== 'input' });
  const options = first === 'egress' ? { device: witness.packet.interface ?? '' } : {};
  return names.every((hook) => decidingRule(ruleset, hook, packet, options).verdict === 'accept');
}

/** Whether some device's packet filter lets the packet through to itself or to what it routes. */
export function admits(evidence: Evidence, w: WitnessPacket, more: readonly Device[] = []): boolean {
  const policy = accepted(parsePolicy('policy', policyOf(evidence)));
  const devices = [...parseDevices(evidence.sources['tailnet/devices']?.body).devices, ...more];
  const users = devices.flatMap((d) => (d.user === undefined ? [] : [{ login: d.user }]));
  const compiled = compileTailnet(policy, { devices, users });
  const packet = packetOf(w, { iif: false, oif: false });
  return devices.some((d) => {
    const serves =
      d.addresses.some((a) => a.family === packet.family && a.value === packet.dst.value) ||
      d.advertisedRoutes.some((r) => containsAddress(r, packet.dst));
    return serves && compiled.rulesOn(d.id).some((rule) => rulePackets(rule).contains(packet));
  });
}

/** The devices of the future that a witness speaks of, under the addresses that it gives them. */
export function futureEnds(w: Witness): Device[] {
  const ends = [
    [w.from, w.packet.src],
    [w.to, w.packet.dst],
  ] as const;
  return ends.flatMap(([words, address]): Device[] => {
    const tag = /^a future holder of (\S+)$/.exec(words)?.[1];
    const user = /^a future device of (\S+@\S+|any member)$/.exec(words)?.[1];
    const value = parseAddress(address);
    if (value === undefined || (tag === undefined && user === undefined)) return [];
    return [
      {
        id: `future ${words}`,
        name: '',
        hostname: '',
        user: user === 'any member' ? 'someone@members.invalid' : user,
        tags: tag === undefined ? [] : [tag],
        addresses: [value],
        advertisedRoutes: [],
        enabledRoutes: [],
        authorized: true,
        isExternal: false,
      },
    ];
  });
}
