import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';
import { CT, type Packet, PROTO } from '../../../src/net/packet.ts';
import type { Change, PacketRange } from '../../../src/proof/changes/change.ts';
import { compileTailnet } from '../../../src/tailnet/compile.ts';
import { type Device, parseDevices } from '../../../src/tailnet/device.ts';
import { rulePackets } from '../../../src/tailnet/filter.ts';
import { parsePolicy } from '../../../src/tailnet/policy/parse.ts';
import { comparedPolicies, reverted, wordsOf } from '../../support/compare.ts';
import { accepted } from '../../topology/support.ts';
import { DEVICES, grant, grants, policyText, similarGrants } from './policies.ts';

const devices = parseDevices({ devices: DEVICES }).devices;
const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6'] as const;
const PORTS = [21, 22, 23, 24, 53, 80, 443];
/** Behind the router: inside both networks that rules name, inside one, and outside. */
const BEHIND = ['10.9.0.5', '10.9.0.200', '10.9.1.1'];

const compare = (a: readonly object[], b: readonly object[]) => comparedPolicies(policyText(a), policyText(b), DEVICES);

/** Every concrete packet of the tiny universe: between devices, and to and from addresses behind the router. */
function packets(): { from: string; to: string; at: Device; packet: Packet }[] {
  const list: { from: string; to: string; at: Device; packet: Packet }[] = [];
  const ends = devices.flatMap((d) => d.addresses.map((address) => ({ name: d.name, at: d, address })));
  const router = devices.find((d) => d.name === 'router');
  const behind = BEHIND.flatMap((text) => {
    const address = parseAddress(text);
    return address === undefined || router === undefined ? [] : [{ name: `via ${text}`, at: router, address }];
  });
  for (const from of [...ends, ...behind.slice(0, 1)]) {
    for (const to of [...ends, ...behind]) {
      if (from.at === to.at || from.address.family !== to.address.family) continue;
      for (const proto of PROTOCOLS) {
        if ((proto === 'icmp' && from.address.family === 6) || (proto === 'icmpv6' && from.address.family === 4))
          continue;
        for (const dport of proto === 'tcp' || proto === 'udp' ? PORTS : [undefined]) {
          const packet: Packet = {
            family: from.address.family,
            proto: PROTO[proto],
            src: from.address,
            dst: to.address,
            ct: CT.originalNew,
            ...(dport === undefined ? { icmpType: 8 } : { sport: 40_000, dport }),
          };
          list.push({ from: from.name, to: to.name, at: to.at, packet });
        }
      }
    }
  }
  return list;
}

const ALL = packets();

/** Which of the packets a policy admits, rule by rule, packet by packet. */
function admitted(list: readonly object[]): ReadonlySet<number> {
  const policy = accepted(parsePolicy('policy', policyText(list)));
  const compiled = compileTailnet(policy, { devices, users: [] });
  const rules = new Map(devices.map((d) => [d, compiled.rulesOn(d.id).map(rulePackets)] as const));
  const serves = (d: Device, p: Packet) =>
    d.addresses.some((a) => formatAddress(a) === formatAddress(p.dst)) ||
    (d.advertisedRoutes.length > 0 && /^10\.9\.0\./.test(formatAddress(p.dst)));
  return new Set(
    ALL.flatMap(({ at, packet }, i) =>
      serves(at, packet) && rules.get(at)?.some((r) => r.contains(packet)) ? [i] : [],
    ),
  );
}

/** Whether a change speaks of a packet. */
function tells(change: Change, { from, to, packet }: (typeof ALL)[number]): boolean {
  const src =
    change.src.members.includes(from) || (from.startsWith('via') && /^10\.9\.|,10\.9\./.test(change.src.selector));
  const dst = to.startsWith('via')
    ? / via /.test(change.dst.selector) && change.dst.members.includes('router')
    : !/ via /.test(change.dst.selector) && change.dst.members.includes(to);
  return src && dst && change.packets.some((range) => inRange(range, packet));
}

function inRange(range: PacketRange, packet: Packet): boolean {
  if (range.proto === 'all') return true;
  if (PROTO[range.proto as keyof typeof PROTO] !== packet.proto && range.proto !== String(packet.proto)) return false;
  const { dport } = packet;
  return dport === undefined || range.ports.some(([lo, hi]) => dport >= lo && dport <= hi);
}

describe('comparing policies', () => {
  it('agrees with every concrete packet of a tiny tailnet', () => {
    fc.assert(
      fc.property(similarGrants, ([a, b]) => {
        const before = admitted(a);
        const after = admitted(b);
        const { changes, missing } = compare(a, b);
        expect(missing).toEqual([]);
        for (const [i, concrete] of ALL.entries()) {
          const kind = before.has(i) === after.has(i) ? undefined : after.has(i) ? 'gain' : 'lose';
          if (kind === undefined) continue;
          const told = changes.some((c) => c.kind === kind && c.relation === 'reach' && tells(c, concrete));
          expect(
            told,
            `${kind} ${JSON.stringify({ ...concrete, at: concrete.at.name }, (_k, v) => (typeof v === 'bigint' ? String(v) : v))}\n${wordsOf(changes).join('\n')}`,
          ).toBe(true);
        }
        // And what is told is so: the witness is admitted on the one side alone, where both its ends exist.
        for (const change of changes) {
          const at = ALL.findIndex(
            ({ packet, from, to }) =>
              formatAddress(packet.src) === change.witness.src &&
              formatAddress(packet.dst) === change.witness.dst &&
              change.src.members.includes(from) &&
              change.dst.members.includes(to) &&
              PROTO[change.witness.proto as keyof typeof PROTO] === packet.proto &&
              change.witness.dport === packet.dport,
          );
          if (at < 0) continue;
          expect([before.has(at), after.has(at)]).toEqual(change.kind === 'gain' ? [false, true] : [true, false]);
        }
      }),
      { numRuns: 80 },
    );
  }, 120_000);

  it('finds no difference between a policy and itself, and the opposite on the way back', () => {
    fc.assert(
      fc.property(similarGrants, ([a, b]) => {
        expect(compare(a, a)).toMatchObject({ summary: 'none', changes: [], missing: [] });
        const there = compare(a, b);
        const back = compare(b, a);
        expect(wordsOf(back.changes).sort()).toEqual(reverted(there.changes));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('takes rules in another order for the same', () => {
    fc.assert(
      fc.property(
        grants.chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        ([list, shuffled]) => {
          const { summary, changes } = compare(list, shuffled);
          expect(changes).toEqual([]);
          expect(['none', 'cosmetic']).toContain(summary);
        },
      ),
      { numRuns: 60 },
    );
  }, 60_000);

  it('never takes anything away by a grant more, nor gives anything by a grant less', () => {
    fc.assert(
      fc.property(grants, grant, fc.nat(), (list, more, at) => {
        const longer = list.toSpliced(at % (list.length + 1), 0, more);
        const there = compare(list, longer);
        expect(there.changes.filter((c) => c.kind === 'lose')).toEqual([]);
        expect(['cosmetic', 'widening']).toContain(there.summary);
        const back = compare(longer, list);
        expect(back.changes.filter((c) => c.kind === 'gain')).toEqual([]);
        expect(['cosmetic', 'narrowing']).toContain(back.summary);
      }),
      { numRuns: 80 },
    );
  }, 60_000);
});
