import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';
import { AddressSet } from '../../../src/net/address-set.ts';
import { CT, type Packet } from '../../../src/net/packet.ts';
import { PacketSet } from '../../../src/net/packet-set.ts';
import type { Device } from '../../../src/tailnet/device.ts';
import { rulePackets } from '../../../src/tailnet/filter.ts';
import { decideInbound, decideOutbound, type NodeFilter } from '../../../src/tailnet/packet/decide.ts';
import { decodePacket } from '../../../src/tailnet/packet/decode.ts';
import { FlowState } from '../../../src/tailnet/packet/flow-state.ts';
import { residueOf } from '../../../src/tailnet/packet/residue.ts';
import { icmp, ip, sctp, TCP, tcp, udp } from '../../tailnet/packet/bytes.ts';
import { compiled } from '../../tailnet/support.ts';
import { devices, grant, listOf, policyWith } from './worlds.ts';

/** A packet as bytes, and as a packet set knows it. */
interface Shape {
  readonly proto: number;
  readonly payload: readonly number[];
  readonly fields: Partial<Packet>;
  readonly quirks?: { readonly fragment: number };
}

const port = fc.constantFrom(0, 22, 23, 24, 53, 79, 80, 81, 443, 65535);
const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc
    .tuple(port, fc.constantFrom(TCP.syn, TCP.syn | TCP.rst, TCP.ack, TCP.rst, 0))
    .map(([dport, flags]): Shape => ({ proto: 6, payload: tcp(dport, flags), fields: { sport: 40000, dport } })),
  port.map((dport): Shape => ({ proto: 17, payload: udp(dport), fields: { sport: 40000, dport } })),
  port.map((dport): Shape => ({ proto: 132, payload: sctp(dport), fields: { sport: 40000, dport } })),
  fc.tuple(fc.constantFrom(1, 58), fc.constantFrom(0, 3, 4, 5, 8, 11, 12, 18, 128, 129), fc.constantFrom(0, 1)).map(
    ([proto, icmpType, icmpCode]): Shape => ({
      proto,
      payload: icmp(icmpType, icmpCode),
      fields: { icmpType, icmpCode },
    }),
  ),
  fc
    .constantFrom(2, 47, 50, 99, 136)
    .map((proto): Shape => ({ proto, payload: udp(80), fields: { sport: 40000, dport: 80 } })),
  fc.constant<Shape>({ proto: 17, payload: [1, 2, 3], fields: { sport: 0, dport: 0 }, quirks: { fragment: 10 } }),
);

const ENDS4 = [
  '100.64.0.1',
  '100.64.0.2',
  '100.64.0.3',
  '100.64.0.99',
  '10.1.2.9',
  '10.1.3.1',
  '10.9.0.1',
  '8.8.8.8',
  '224.0.0.1',
];
const ENDS6 = ['fd7a:115c:a1e0::1', 'fd7a:115c:a1e0::2', 'fd7a:115c:a1e0::3', '2606:4700::1111', 'ff02::1', 'fe80::1'];
const ends = fc.oneof(
  fc.tuple(fc.constantFrom(...ENDS4), fc.constantFrom(...ENDS4)),
  fc.tuple(fc.constantFrom(...ENDS6), fc.constantFrom(...ENDS6)),
);
const packets = fc.array(fc.record({ ends, shape, toSelf: fc.boolean() }), { minLength: 20, maxLength: 40 });

function localOf(d: Device): AddressSet {
  return AddressSet.ofAddresses(...d.addresses).union(AddressSet.ofPrefixes(...d.advertisedRoutes));
}

describe('the packet decision', () => {
  it('is what the compiled rules and the residue say as sets', () => {
    const seen = { rule: 0, residue: 0, drop: 0, unknown: 0 };
    fc.assert(
      fc.property(devices(), listOf(grant), packets, (list, grants, sent) => {
        const tailnet = compiled(policyWith(grants), list);
        const [d] = list;
        if (d === undefined) return;
        const rules = tailnet.rulesOn(d.id);
        const local = localOf(d);
        const filter: NodeFilter = { shieldsUp: false, local, rules, hasCapability: () => false, peerApi: [] };
        const served = PacketSet.ofAddresses('dst', local);
        const union = (list: typeof rules) => PacketSet.unionAll(list.map(rulePackets)).intersect(served);
        const [certain, possible] = [union(rules.filter((r) => r.exact)), union(rules)];
        const own = AddressSet.ofAddresses(...d.addresses);
        const residues = new Map(residueOf({ local, own }).map((r) => [r.kind, r]));
        for (const {
          ends: [src, other],
          shape: { proto, payload, fields, quirks },
          toSelf,
        } of sent) {
          const self = d.addresses.find((a) => a.family === (src.includes(':') ? 6 : 4));
          const dst = toSelf && self !== undefined ? formatAddress(self) : other;
          const decision = decideInbound(filter, new FlowState(), decodePacket(ip([src, dst], proto, payload, quirks)));
          const [from, to] = [parseAddress(src), parseAddress(dst)];
          if (from === undefined || to === undefined) throw new Error(src);
          const packet: Packet = { family: to.family, proto, src: from, dst: to, ct: CT.originalNew, ...fields };
          if (decision.verdict === 'drop' || decision.verdict === 'unknown') {
            seen[decision.verdict]++;
            expect([certain.contains(packet), possible.contains(packet)]).toEqual([
              false,
              decision.verdict === 'unknown',
            ]);
            // A residue without a condition passes always.
            const always = [...residues.values()].filter((r) => r.when === undefined && r.packets.contains(packet));
            if (!(proto === 1 && fields.icmpType === 12)) expect(always).toEqual([]);
          } else if (decision.by === 'rule') {
            seen.rule++;
            expect(certain.contains(packet)).toBe(true);
            expect(rulePackets(rules[decision.rule] ?? { src: own, dst: [], protocols: [] }).contains(packet)).toBe(
              true,
            );
          } else if (decision.by === 'residue') {
            seen.residue++;
            expect(residues.get(decision.kind)?.packets.contains(packet)).toBe(true);
          }
        }
      }),
      { numRuns: 120, seed: 20261125 },
    );
    expect(Math.min(seen.rule, seen.residue, seen.drop)).toBeGreaterThan(50);
    expect(seen.unknown).toBeGreaterThan(0);
  });

  it('takes a reply to whatever was sent, and says that it needed no rule', () => {
    const node: NodeFilter = {
      shieldsUp: true,
      local: AddressSet.all,
      rules: [],
      hasCapability: () => false,
      peerApi: [],
    };
    fc.assert(
      fc.property(fc.array(fc.record({ ends, port, isUdp: fc.boolean() }), { maxLength: 8 }), (sent) => {
        const flows = new FlowState();
        const way = ({ ends: [a, b], port: p, isUdp }: (typeof sent)[number], isBack: boolean) => {
          const body = isUdp ? udp : sctp;
          return decodePacket(ip(isBack ? [b, a] : [a, b], isUdp ? 17 : 132, isBack ? body(5000, p) : body(p, 5000)));
        };
        for (const s of sent) {
          const out = decideOutbound(flows, way(s, false));
          if (out.verdict !== 'accept') continue;
          const back = decideInbound(node, flows, way(s, true));
          // The way back may be barred by itself: to multicast or link-local addresses nothing passes.
          if (back.verdict === 'accept') expect(back).toMatchObject({ by: 'residue', kind: 'reply' });
          else expect(['multicast', 'link-local-unicast']).toContain(back.verdict === 'drop' ? back.reason : '');
        }
      }),
      { numRuns: 100 },
    );
  });
});
