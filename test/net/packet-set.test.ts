import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/net/address.ts';
import { AddressSet } from '../../src/net/address-set.ts';
import { DOMAIN, FIELDS, type Field, NO_UID } from '../../src/net/field.ts';
import { interfacesBeginning, internInterface, NO_INTERFACE, UNNAMED_INTERFACE } from '../../src/net/interface-id.ts';
import { IntervalSet } from '../../src/net/interval-set.ts';
import { CT, type Packet, PROTO } from '../../src/net/packet.ts';
import { addressesToPackets, PacketSet } from '../../src/net/packet-set.ts';
import { parsePrefix } from '../../src/net/prefix.ts';

const point = (n: number | bigint) => IntervalSet.point(BigInt(n));
const range = (low: number | bigint, high: number | bigint) => IntervalSet.of([BigInt(low), BigInt(high)]);
const box = PacketSet.box;

function addresses(...texts: string[]): AddressSet {
  return AddressSet.ofPrefixes(...texts.flatMap((t) => parsePrefix(t)?.prefix ?? []));
}

function packet(over: Partial<Omit<Packet, 'src' | 'dst'>> & { src?: string; dst?: string } = {}): Packet {
  const src = parseAddress(over.src ?? '10.0.0.1');
  const dst = parseAddress(over.dst ?? '10.0.0.2');
  if (src === undefined || dst === undefined) throw new Error('not an address');
  return { family: src.family, proto: PROTO.tcp, sport: 40000, dport: 80, ct: CT.originalNew, ...over, src, dst };
}

describe('fields that a packet does not have', () => {
  test('a port excludes every protocol without ports', () => {
    const http = box({ dport: point(80) });
    expect(http.values('proto').toString()).toBe('6,17,33,132,136');
    expect(http).toBe(box({ dport: point(80), proto: IntervalSet.points(6n, 17n, 33n, 132n, 136n) }));
    expect(box({ dport: point(80), proto: IntervalSet.points(1n, 6n) })).toBe(
      box({ dport: point(80), proto: point(6) }),
    );
    expect(box({ dport: point(80), proto: point(1) })).toBe(PacketSet.none);
    expect(box({ sport: point(80), proto: point(47) })).toBe(PacketSet.none);
  });

  test('every port is no wish at all', () => {
    expect(box({ dport: range(0, 65535) })).toBe(PacketSet.all);
    expect(box({ sport: range(0, 99999), proto: point(47) })).toBe(box({ proto: point(47) }));
    expect(box({ dport: range(0, 65534) })).not.toBe(box({ proto: IntervalSet.points(6n, 17n, 33n, 132n, 136n) }));
  });

  test('all ports, added up, are the protocols with ports', () => {
    const low = box({ dport: range(0, 1023) });
    const high = box({ dport: range(1024, 65535) });
    expect(low.union(high)).toBe(box({ proto: IntervalSet.points(6n, 17n, 33n, 132n, 136n) }));
  });

  test('a type or code excludes everything but ICMP and ICMPv6', () => {
    expect(
      box({ icmpType: point(8) })
        .values('proto')
        .toString(),
    ).toBe('1,58');
    expect(box({ icmpCode: point(0), proto: point(6) })).toBe(PacketSet.none);
    expect(box({ icmpType: range(0, 255) })).toBe(PacketSet.all);
    expect(box({ icmpType: point(8), dport: point(80) })).toBe(PacketSet.none);
  });

  test('the complement of a port keeps packets that have no ports', () => {
    const others = box({ dport: point(80) }).complement();
    expect(others.contains(packet({ proto: PROTO.icmp }))).toBe(true);
    expect(others.contains(packet({ dport: 80 }))).toBe(false);
    expect(others.contains(packet({ dport: 81 }))).toBe(true);
  });

  test('a packet counts as having any value', () => {
    const ping = box({ proto: point(1) });
    expect(ping.values('dport').equals(DOMAIN.dport)).toBe(true);
    expect(
      box({ proto: point(6) })
        .values('icmpType')
        .equals(DOMAIN.icmpType),
    ).toBe(true);
    // Whatever it says in a field it does not have.
    expect(ping.contains(packet({ proto: 1, dport: 80 }))).toBe(true);
    expect(
      ping.intersect(box({ proto: point(1), icmpType: point(8) })).contains(packet({ proto: 1, icmpType: 8 })),
    ).toBe(true);
  });

  test('addresses are cut to the range of their family', () => {
    const wide = range(0, 1n << 40n);
    expect(box({ family: point(4), src: wide })).toBe(box({ family: point(4) }));
    expect(box({ family: point(4), src: range(1n << 32n, 1n << 40n) })).toBe(PacketSet.none);
    expect(box({ family: point(6), src: wide })).not.toBe(box({ family: point(6) }));
    // Without a family the number is meant in both.
    expect(box({ src: point(7) })).toBe(
      box({ family: point(4), src: point(7) }).union(box({ family: point(6), src: point(7) })),
    );
  });

  test('families other than 4 and 6 do not exist', () => {
    expect(box({ family: range(0, 9) })).toBe(PacketSet.all);
    expect(box({ family: point(5) })).toBe(PacketSet.none);
  });

  test('values outside the domain match nothing', () => {
    for (const field of FIELDS) {
      expect(box({ [field]: range(-5, -1) }), field).toBe(PacketSet.none);
      expect(box({ [field]: range(1n << 129n, 1n << 130n) }), field).toBe(PacketSet.none);
      expect(box({ [field]: range(-5, 1n << 130n) }), field).toBe(PacketSet.all);
      expect(box({ [field]: IntervalSet.empty }), field).toBe(PacketSet.none);
    }
    expect(box({ mark: point(1n << 32n) })).toBe(PacketSet.none);
    expect(box({ uid: point(NO_UID) })).not.toBe(PacketSet.none);
    expect(box({ uid: point(NO_UID + 1n) })).toBe(PacketSet.none);
    expect(box({ iif: point(NO_INTERFACE + 1n) })).toBe(PacketSet.none);
    expect(box({ ct: point(7) })).toBe(PacketSet.none);
    expect(box({ proto: point(256) })).toBe(PacketSet.none);
  });
});

describe('the same set by different routes is the same object', () => {
  const web = box({ proto: point(6), dport: IntervalSet.points(80n, 443n) });

  test.each<[string, () => PacketSet]>([
    ['union', () => box({ proto: point(6), dport: point(80) }).union(box({ proto: point(6), dport: point(443) }))],
    [
      'union, other order',
      () => box({ proto: point(6), dport: point(443) }).union(box({ proto: point(6), dport: point(80) })),
    ],
    ['difference', () => box({ proto: point(6), dport: range(80, 443) }).subtract(box({ dport: range(81, 442) }))],
    [
      'intersection',
      () =>
        box({ dport: IntervalSet.points(22n, 80n, 443n) }).intersect(box({ proto: point(6), dport: range(80, 1000) })),
    ],
    ['restriction', () => box({ proto: point(6) }).restrict('dport', IntervalSet.points(80n, 443n))],
    ['double complement', () => web.complement().complement()],
    [
      'split by another field',
      () => PacketSet.unionAll([web.restrict('ct', range(0, 2)), web.restrict('ct', range(3, 6))]),
    ],
    ['split by family', () => web.restrict('family', point(4)).union(web.restrict('family', point(6)))],
    ['its boxes', () => PacketSet.unionAll([...web.boxes()].map(box))],
  ])('%s', (_route, build) => {
    expect(build()).toBe(web);
    expect(build().equals(web)).toBe(true);
  });

  test('what differs is not equal', () => {
    const near: Record<string, PacketSet> = {
      port: box({ proto: point(6), dport: IntervalSet.points(80n, 444n) }),
      protocol: box({ proto: point(17), dport: IntervalSet.points(80n, 443n) }),
      direction: box({ proto: point(6), sport: IntervalSet.points(80n, 443n) }),
      family: web.restrict('family', point(4)),
    };
    for (const [what, set] of Object.entries(near)) expect(set.equals(web), what).toBe(false);
  });
});

describe('contains', () => {
  const set = box({
    family: point(4),
    proto: point(6),
    dport: point(80),
    ct: point(CT.originalNew),
    iif: point(internInterface('eth0')),
    uid: range(1000, 1999),
    mark: point(0),
  }).intersect(addressesToPackets('src', addresses('10.0.0.0/24')));
  const inside = { iif: 'eth0', uid: 1000 };

  test('the packet that fits', () => {
    expect(set.contains(packet(inside))).toBe(true);
    expect(set.contains(packet({ ...inside, mark: 0, uid: 1999, src: '10.0.0.255' }))).toBe(true);
  });

  test.each<[string, Packet]>([
    ['port below', packet({ ...inside, dport: 79 })],
    ['port above', packet({ ...inside, dport: 81 })],
    ['no port', packet({ ...inside, dport: 0 })],
    ['port beyond the range', packet({ ...inside, dport: 65536 + 80 })],
    ['another protocol', packet({ ...inside, proto: 17 })],
    ['a protocol beyond the range', packet({ ...inside, proto: 256 + 6 })],
    ['address below', packet({ ...inside, src: '9.255.255.255' })],
    ['address above', packet({ ...inside, src: '10.0.1.0' })],
    ['the same number in the other family', packet({ ...inside, src: '::10.0.0.1', dst: '::10.0.0.2' })],
    ['a source of the wrong family', { ...packet(inside), src: { family: 6, value: 0x0a000001n } }],
    ['another state', packet({ ...inside, ct: CT.replyEstablished })],
    ['another interface', packet({ ...inside, iif: 'eth1' })],
    ['the unnamed interface', packet({ ...inside, iif: '' })],
    ['no interface', packet({ uid: 1000 })],
    ['another user', packet({ ...inside, uid: 999 })],
    ['no socket', packet({ iif: 'eth0' })],
    ['a mark', packet({ ...inside, mark: 1 })],
  ])('not with %s', (_why, p) => {
    expect(set.contains(p)).toBe(false);
    expect(PacketSet.none.contains(p)).toBe(false);
  });

  test('a packet whose addresses are not of its family is in no set', () => {
    const odd: Packet = { ...packet(), dst: { family: 6, value: 1n } };
    expect(PacketSet.all.contains(odd)).toBe(false);
    expect(PacketSet.all.contains(packet())).toBe(true);
  });

  test('wildcard interfaces', () => {
    const veth = box({ iif: interfacesBeginning('veth') });
    expect(veth.contains(packet({ iif: 'veth12ab' }))).toBe(true);
    expect(veth.contains(packet({ iif: 'vet' }))).toBe(false);
    expect(veth.contains(packet())).toBe(false);
  });
});

describe('forget', () => {
  test('a port', () => {
    expect(box({ proto: point(17), sport: point(5), dport: point(53) }).forget('dport')).toBe(
      box({ proto: point(17), sport: point(5) }),
    );
  });

  test('an address, in its own family only', () => {
    const set = addressesToPackets('dst', addresses('10.0.0.1', 'fd00::1'));
    expect(set.forget('dst')).toBe(PacketSet.all);
    expect(addressesToPackets('dst', addresses('10.0.0.1')).forget('dst')).toBe(box({ family: point(4) }));
    expect(set.forget('src')).toBe(set);
  });

  test('the protocol: ports carry over, packets without ports pass', () => {
    const forgotten = box({ proto: point(17), dport: point(53) }).forget('proto');
    expect(forgotten).toBe(
      box({ dport: point(53) }).union(
        PacketSet.all.subtract(box({ proto: IntervalSet.points(6n, 17n, 33n, 132n, 136n) })),
      ),
    );
    expect(box({ proto: point(47) }).forget('proto')).toBe(PacketSet.all);
    expect(box({ ct: point(0) }).forget('proto')).toBe(box({ ct: point(0) }));
  });

  test('the family: addresses do not carry over', () => {
    const set = addressesToPackets('src', addresses('10.0.0.1')).restrict('ct', point(0));
    expect(set.forget('family')).toBe(set.union(box({ family: point(6), ct: point(0) })));
    expect(PacketSet.none.forget('family')).toBe(PacketSet.none);
    for (const field of ['src', 'dst'] as const) {
      for (const [text, other] of [
        ['10.0.0.1', 6],
        ['fd00::1', 4],
      ] as const) {
        const one = addressesToPackets(field, addresses(text));
        expect(one.forget('family'), `${field} ${text}`).toBe(one.union(box({ family: point(other) })));
      }
    }
  });

  test('nothing comes of nothing', () => {
    for (const field of FIELDS) {
      expect(PacketSet.none.forget(field)).toBe(PacketSet.none);
      expect(PacketSet.all.forget(field)).toBe(PacketSet.all);
    }
  });
});

describe('values and addresses', () => {
  test('of a box are what it was made of', () => {
    const parts: Partial<Record<Field, IntervalSet>> = {
      family: point(6),
      proto: point(6),
      src: range(5, 1n << 100n),
      dst: point(9),
      sport: range(1024, 65535),
      dport: IntervalSet.points(22n, 80n),
      ct: IntervalSet.points(CT.originalNew, CT.untracked),
      iif: IntervalSet.points(UNNAMED_INTERFACE, internInterface('eth0')),
      oif: point(NO_INTERFACE),
      uid: IntervalSet.points(0n, NO_UID),
      mark: range(1, 0xffffffff),
    };
    const set = box(parts);
    for (const [field, values] of Object.entries(parts)) expect(set.values(field as Field)).toEqual(values);
    expect(set.values('icmpType')).toEqual(DOMAIN.icmpType);
  });

  test('of everything and nothing', () => {
    for (const field of FIELDS) {
      expect(PacketSet.all.values(field)).toEqual(DOMAIN[field]);
      expect(PacketSet.none.values(field)).toEqual(IntervalSet.empty);
    }
  });

  test('addresses keeps the families apart', () => {
    const set = addresses('10.0.0.0/8', 'fd00::/8');
    const packets = addressesToPackets('dst', set);
    expect(packets.addresses('dst').format()).toBe(set.format());
    expect(packets.addresses('src').format()).toBe('*');
    expect(addressesToPackets('src', AddressSet.all)).toBe(PacketSet.all);
    expect(addressesToPackets('src', AddressSet.empty)).toBe(PacketSet.none);
    expect(PacketSet.none.addresses('src').isEmpty()).toBe(true);
  });
});

describe('boxes', () => {
  test('of everything are one for each family', () => {
    expect([...PacketSet.all.boxes()].map((b) => b.family.toString())).toEqual(['4', '6']);
    expect([...PacketSet.all.boxes()][0]?.src.toString()).toBe('0-4294967295');
    expect([...PacketSet.none.boxes()]).toEqual([]);
  });

  test('join values that lead to the same', () => {
    const set = box({ family: point(4), dport: IntervalSet.points(22n, 80n, 443n) });
    const [only, ...rest] = set.boxes();
    expect(rest).toEqual([]);
    expect(only?.dport.toString()).toBe('22,80,443');
  });

  test('stop at the limit', () => {
    const set = PacketSet.unionAll([1n, 2n, 3n].map((n) => box({ family: point(4), src: point(n), dst: point(n) })));
    expect([...set.boxes()].length).toBe(3);
    expect([...set.boxes(2)].length).toBe(2);
    expect([...set.boxes(0)].length).toBe(0);
    expect([...set.boxes(3)].length).toBe(3);
    expect([...set.boxes(2)]).toEqual([...set.boxes()].slice(0, 2));
  });
});

test('nodeCount counts decisions', () => {
  expect(PacketSet.all.nodeCount).toBe(0);
  expect(PacketSet.none.nodeCount).toBe(0);
  // proto and dport, shared by both families.
  expect(box({ dport: point(80) }).nodeCount).toBe(2);
  expect(box({ src: point(1) }).nodeCount).toBe(2);
});

test('unionAll of nothing is nothing', () => {
  expect(PacketSet.unionAll([])).toBe(PacketSet.none);
  expect(PacketSet.unionAll([PacketSet.none, PacketSet.all])).toBe(PacketSet.all);
});
