import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../src/net/address.ts';
import { NO_UID } from '../../src/net/field.ts';
import { internInterface, NO_INTERFACE, UNNAMED_INTERFACE } from '../../src/net/interface-id.ts';
import { IntervalSet } from '../../src/net/interval-set.ts';
import { CT, PROTO } from '../../src/net/packet.ts';
import { PacketSet } from '../../src/net/packet-set.ts';

const point = (n: number | bigint) => IntervalSet.point(BigInt(n));
const range = (low: number | bigint, high: number | bigint) => IntervalSet.of([BigInt(low), BigInt(high)]);
const box = PacketSet.box;

test('the empty set has no packet', () => {
  expect(PacketSet.none.sample()).toBeUndefined();
  expect(PacketSet.none.sample({ dport: [80n] })).toBeUndefined();
});

test('of everything: an ordinary new TCP flow', () => {
  expect(PacketSet.all.sample()).toEqual({
    family: 4,
    proto: PROTO.tcp,
    src: { family: 4, value: 0n },
    dst: { family: 4, value: 0n },
    sport: 40000,
    dport: 443,
    ct: CT.originalNew,
  });
});

describe('what the set leaves no choice about', () => {
  test.each<[string, PacketSet, object]>([
    ['IPv6 only', box({ family: point(6) }), { family: 6, src: { family: 6, value: 0n } }],
    ['no TCP', box({ proto: range(7, 255) }), { proto: PROTO.udp }],
    [
      'neither TCP nor UDP',
      box({ proto: IntervalSet.points(1n, 33n) }),
      { proto: PROTO.icmp, icmpType: 8, icmpCode: 0 },
    ],
    ['none of the usual', box({ proto: IntervalSet.points(47n, 50n) }), { proto: 47 }],
    ['ICMPv6', box({ family: point(6), proto: IntervalSet.points(0n, 58n) }), { proto: 58, icmpType: 128 }],
    ['no echo request', box({ proto: point(1), icmpType: IntervalSet.points(3n, 11n) }), { icmpType: 3 }],
    ['one port', box({ dport: point(22) }), { dport: 22, sport: 40000 }],
    ['ports from 0 without 443', box({ dport: range(0, 100) }), { dport: 1 }],
    ['port 0 only', box({ dport: point(0) }), { dport: 0 }],
    ['low source ports', box({ sport: range(0, 30000) }), { sport: 1024 }],
    ['privileged source ports', box({ sport: range(0, 1023) }), { sport: 1 }],
    ['high source ports', box({ sport: range(50000, 60000) }), { sport: 50000 }],
    ['a range of addresses', box({ family: point(4), src: range(5, 9) }), { src: { family: 4, value: 5n } }],
    ['replies', box({ ct: range(2, 5) }), { ct: CT.replyEstablished }],
    ['one interface', box({ iif: point(internInterface('eth0')) }), { iif: 'eth0' }],
    ['any interface at all', box({ iif: range(0, NO_INTERFACE - 1n) }), { iif: '' }],
    ['a socket', box({ uid: range(0, NO_UID - 1n) }), { uid: 0 }],
    ['a mark', box({ mark: range(1, 0xffffffff) }), { mark: 1 }],
  ])('%s', (_what, set, part) => {
    const packet = set.sample();
    expect(packet).toMatchObject(part);
    expect(packet && set.contains(packet)).toBe(true);
  });
});

test('leaves out fields that the packet does not have', () => {
  expect(Object.keys(box({ proto: point(47) }).sample() ?? {})).toEqual(['family', 'proto', 'src', 'dst', 'ct']);
  const ping = box({ proto: point(1) }).sample();
  expect(ping).toMatchObject({ icmpType: 8, icmpCode: 0 });
  expect(ping).not.toHaveProperty('dport');
});

describe('wishes', () => {
  const set = box({ proto: point(6), dport: IntervalSet.points(22n, 80n) }).union(
    box({ family: point(6), proto: point(17), dport: point(53) }),
  );

  test('are tried in order', () => {
    expect(set.sample({ dport: [443n, 80n, 22n] })).toMatchObject({ dport: 80 });
    expect(set.sample({ dport: [443n] })).toMatchObject({ dport: 22 });
  });

  test('reach what the defaults would have closed off', () => {
    expect(set.sample({ dport: [53n] })).toMatchObject({ family: 6, proto: 17, dport: 53 });
  });

  test('earlier fields come first, and a later wish gives way', () => {
    expect(set.sample({ proto: [6n], dport: [53n] })).toMatchObject({ proto: 6, dport: 22 });
    expect(set.sample({ dport: [53n], proto: [17n] })).toMatchObject({ proto: 17, dport: 53 });
  });

  test('addresses', () => {
    const value = parseAddress('100.64.0.7')?.value ?? 0n;
    const packet = set.sample({ src: [value] });
    expect(packet && formatAddress(packet.src)).toBe('100.64.0.7');
  });

  test('interfaces', () => {
    expect(set.sample({ iif: [internInterface('tailscale0')] })).toMatchObject({ iif: 'tailscale0' });
    expect(set.sample({ oif: [UNNAMED_INTERFACE] })).toMatchObject({ oif: '' });
  });

  test('do not change the set, and the answer is always the same', () => {
    expect(set.sample({ dport: [80n] })).toEqual(set.sample({ dport: [80n] }));
    expect(set.sample()).toEqual(set.sample());
  });
});
