import { describe, expect, it } from 'vitest';
import { type Address, parseAddress } from '../../src/net/address.ts';
import { AddressSet } from '../../src/net/address-set.ts';
import { IntervalSet } from '../../src/net/interval-set.ts';
import { CT, type Packet } from '../../src/net/packet.ts';
import { parsePrefix } from '../../src/net/prefix.ts';
import type { FilterRule } from '../../src/tailnet/compile/filter-rules.ts';
import { rulePackets } from '../../src/tailnet/filter.ts';

const set = (...texts: string[]) => AddressSet.ofPrefixes(...texts.flatMap((t) => parsePrefix(t)?.prefix ?? []));
const address = (text: string): Address => parseAddress(text) ?? { family: 4, value: 0n };

function rule(more: Partial<FilterRule> = {}): FilterRule {
  return {
    src: set('100.64.0.2', 'fd7a:115c:a1e0::2'),
    dst: [{ addresses: set('100.64.0.1', 'fd7a:115c:a1e0::1'), ports: IntervalSet.of([80n, 90n]) }],
    protocols: [1, 6, 17, 58],
    section: 'grants',
    index: 0,
    span: undefined,
    via: false,
    exact: true,
    ...more,
  };
}

function packet(proto: number, more: { src?: string; dst?: string; dport?: number; icmpType?: number } = {}): Packet {
  const src = address(more.src ?? '100.64.0.2');
  const { dport, icmpType } = more;
  return {
    family: src.family,
    proto,
    src,
    dst: address(more.dst ?? '100.64.0.1'),
    ...(dport === undefined ? {} : { sport: 4000, dport }),
    ...(icmpType === undefined ? {} : { icmpType, icmpCode: 0 }),
    ct: CT.originalNew,
  };
}
const v6 = { src: 'fd7a:115c:a1e0::2', dst: 'fd7a:115c:a1e0::1' };
const allPorts = rule({ dst: [{ addresses: AddressSet.all, ports: IntervalSet.of([0n, 65535n]) }] });
const almostAll = rule({ dst: [{ addresses: AddressSet.all, ports: IntervalSet.of([1n, 65535n]) }] });

describe('rulePackets', () => {
  it.each<[string, FilterRule, Packet]>([
    ['TCP to the first port', rule(), packet(6, { dport: 80 })],
    ['UDP to the last port', rule(), packet(17, { dport: 90 })],
    ['TCP over IPv6', rule(), packet(6, { ...v6, dport: 85 })],
    ['ICMP, whatever the ports', rule(), packet(1, { icmpType: 8 })],
    ['ICMP redirects', rule(), packet(1, { icmpType: 5 })],
    ['ICMPv6', rule(), packet(58, { ...v6, icmpType: 128 })],
    ['ICMP by a rule for UDP', rule({ protocols: [17] }), packet(1, { icmpType: 8 })],
    ['ICMPv6 by a rule for ICMP', rule({ protocols: [1] }), packet(58, { ...v6, icmpType: 128 })],
    ['SCTP where it is listed', rule({ protocols: [132] }), packet(132, { dport: 80 })],
    ['GRE listed with all ports', { ...allPorts, protocols: [47] }, packet(47)],
    ['ICMPv6 in IPv4 with all ports', allPorts, packet(58, { icmpType: 128 })],
    ['port 0 with all ports', allPorts, packet(6, { dport: 0 })],
    ['the metadata address', allPorts, packet(6, { dst: '169.254.169.254', dport: 80 })],
    ['anything behind IPv6 options', { ...allPorts, protocols: [60] }, packet(6, { ...v6, dport: 9 })],
    ['IPv6 options themselves', { ...allPorts, protocols: [60] }, packet(60, v6)],
    ['a source beyond the tailnet', rule({ src: AddressSet.all }), packet(6, { src: '8.8.8.8', dport: 80 })],
  ])('admit %s', (_, r, p) => {
    expect(rulePackets(r).contains(p)).toBe(true);
  });

  it.each<[string, FilterRule, Packet]>([
    ['the port before', rule(), packet(6, { dport: 79 })],
    ['the port behind', rule(), packet(6, { dport: 91 })],
    ['another source', rule(), packet(6, { src: '100.64.0.3', dport: 80 })],
    ['another destination', rule(), packet(6, { dst: '100.64.0.2', dport: 80 })],
    ['ICMP from another source', rule(), packet(1, { src: '100.64.0.3', icmpType: 8 })],
    ['UDP by a rule for TCP', rule({ protocols: [6] }), packet(17, { dport: 80 })],
    ['SCTP by the default protocols', allPorts, packet(132, { dport: 80 })],
    ['GRE by the default protocols', allPorts, packet(47)],
    ['GRE listed without all ports', { ...almostAll, protocols: [47] }, packet(47)],
    ['UDP-Lite by port', rule({ protocols: [136] }), packet(136, { dport: 80 })],
    ['ICMPv6 in IPv4 without all ports', almostAll, packet(58, { icmpType: 128 })],
    ['port 0 with all ports but it', almostAll, packet(6, { dport: 0 })],
    ['multicast', allPorts, packet(17, { dst: '224.0.0.251', dport: 5353 })],
    ['link-local', allPorts, packet(17, { dst: '169.254.169.253', dport: 80 })],
    ['IPv6 link-local', allPorts, packet(17, { ...v6, dst: 'fe80::1', dport: 80 })],
    ['the metadata address in IPv6', allPorts, packet(6, { ...v6, dst: '::ffff:169.254.169.254', dport: 80 })],
    ['what needs no rule', { ...allPorts, protocols: [99] }, packet(99)],
    ['protocols that are always dropped', { ...allPorts, protocols: [0, 255] }, packet(255)],
    ['anything behind listed options in IPv4', { ...allPorts, protocols: [60] }, packet(6, { dport: 9 })],
    ['anything behind options without all ports', { ...almostAll, protocols: [60] }, packet(6, { ...v6, dport: 9 })],
    ['IPv6 multicast', allPorts, packet(17, { ...v6, dst: 'ff02::fb', dport: 5353 })],
    ['protocol numbers beyond a byte', rule({ protocols: [262] }), packet(6, { dport: 80 })],
  ])('do not admit %s', (_, r, p) => {
    expect(rulePackets(r).contains(p)).toBe(false);
  });

  it('need both ends of one family', () => {
    const mixed = rule({
      src: set('100.64.0.2'),
      dst: [{ addresses: set('fd7a:115c:a1e0::1'), ports: IntervalSet.of([0n, 65535n]) }],
    });
    expect(rulePackets(mixed).isEmpty()).toBe(true);
    expect(rulePackets(rule({ dst: [] })).isEmpty()).toBe(true);
    expect(rulePackets(rule({ src: AddressSet.empty })).isEmpty()).toBe(true);
  });

  it('are the union of the destinations, each with its ports', () => {
    const two = rule({
      dst: [
        { addresses: set('100.64.0.1'), ports: IntervalSet.point(80n) },
        { addresses: set('100.64.0.9'), ports: IntervalSet.point(81n) },
      ],
    });
    const admits = (dst: string, dport: number) => rulePackets(two).contains(packet(6, { dst, dport }));
    expect([admits('100.64.0.1', 80), admits('100.64.0.9', 81)]).toEqual([true, true]);
    expect([admits('100.64.0.1', 81), admits('100.64.0.9', 80)]).toEqual([false, false]);
  });
});
