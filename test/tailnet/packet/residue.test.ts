import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/net/address.ts';
import { CT, type Packet } from '../../../src/net/packet.ts';
import type { ResidueKind } from '../../../src/tailnet/packet/decide.ts';
import { type ResidueNode, residueOf, residuePackets } from '../../../src/tailnet/packet/residue.ts';
import { addresses, OTHER4, PEER4, PEER6, SELF4, SELF6 } from './node.ts';

const router: ResidueNode = { local: addresses(SELF4, SELF6, '10.0.0.0/24'), own: addresses(SELF4, SELF6) };

function packet(proto: number, more: Partial<Packet> & { to?: string } = {}): Packet {
  const { to = SELF4, ...rest } = more;
  const [src, dst] = [parseAddress(to.includes(':') ? PEER6 : PEER4), parseAddress(to)];
  if (src === undefined || dst === undefined) throw new Error(to);
  return { family: dst.family, proto, src, dst, ct: CT.originalNew, ...rest };
}

/** The kinds of residue that a packet may be. */
function kinds(p: Packet, node = router): ResidueKind[] {
  return residueOf(node)
    .filter(({ packets }) => packets.contains(p))
    .map(({ kind }) => kind);
}

describe('residueOf', () => {
  it.each<[string, Packet, ResidueKind[]]>([
    ['TCP to any port', packet(6, { sport: 1, dport: 22 }), ['tcp', 'fragment', 'peer-api']],
    ['TCP to what it routes', packet(6, { to: '10.0.0.9', sport: 1, dport: 22 }), ['tcp', 'fragment']],
    ['UDP', packet(17, { sport: 1, dport: 22 }), ['reply', 'fragment']],
    ['SCTP', packet(132, { to: SELF6, sport: 1, dport: 22 }), ['reply', 'fragment']],
    ['UDP-Lite', packet(136, { sport: 1, dport: 22 }), ['fragment']],
    ['an echo reply', packet(1, { icmpType: 0, icmpCode: 0 }), ['icmp', 'fragment']],
    ['an echo reply with a code', packet(1, { icmpType: 0, icmpCode: 1 }), ['fragment']],
    ['"unreachable"', packet(1, { icmpType: 3, icmpCode: 13 }), ['icmp', 'fragment']],
    ['type 18', packet(1, { icmpType: 18, icmpCode: 0 }), ['icmp', 'fragment']],
    ['"parameter problem" by IANA', packet(1, { icmpType: 12, icmpCode: 0 }), ['icmp', 'fragment']],
    ['an echo request', packet(1, { icmpType: 8, icmpCode: 0 }), ['fragment']],
    ['an ICMPv6 echo reply', packet(58, { to: SELF6, icmpType: 129, icmpCode: 0 }), ['icmp', 'fragment']],
    ['an ICMPv6 error', packet(58, { to: SELF6, icmpType: 4, icmpCode: 1 }), ['icmp', 'fragment']],
    ['an ICMPv6 echo request', packet(58, { to: SELF6, icmpType: 128, icmpCode: 0 }), ['fragment']],
    ['an ICMPv6 error in IPv4', packet(58, { icmpType: 4, icmpCode: 0 }), ['fragment']],
    ['TSMP', packet(99), ['tsmp', 'fragment']],
    ['GRE', packet(47), ['fragment']],
    ['TCP for anybody', packet(6, { to: '192.0.2.1', sport: 1, dport: 22 }), ['fragment']],
    ['TCP to another node', packet(6, { to: OTHER4, sport: 1, dport: 22 }), ['fragment']],
    ['multicast', packet(17, { to: '224.0.0.1', sport: 1, dport: 22 }), []],
    ['IPv6 multicast', packet(17, { to: 'ff02::1', sport: 1, dport: 22 }), []],
    ['link-local', packet(6, { to: 'fe80::1', sport: 1, dport: 22 }), []],
    ['the metadata address', packet(6, { to: '169.254.169.254', sport: 1, dport: 80 }), ['fragment']],
  ])('%s', (_, p, expected) => {
    expect(kinds(p)).toEqual(expected);
    expect(residuePackets(router).contains(p)).toBe(expected.length > 0);
  });

  it('knows the PeerAPI by its port where that is given', () => {
    const address = parseAddress(SELF4);
    if (address === undefined) throw new Error(SELF4);
    const known = { ...router, peerApi: [{ address, port: 45000 }] };
    expect(kinds(packet(6, { sport: 1, dport: 45000 }), known)).toContain('peer-api');
    expect(kinds(packet(6, { sport: 1, dport: 45001 }), known)).not.toContain('peer-api');
    expect(kinds(packet(6, { to: SELF6, sport: 1, dport: 45000 }), known)).not.toContain('peer-api');
    expect(kinds(packet(6, { sport: 1, dport: 45000 }), { ...router, peerApi: [] })).not.toContain('peer-api');
  });

  it('says of each kind what a packet set cannot', () => {
    const conditional = residueOf(router).filter(({ when }) => when !== undefined);
    expect(conditional.map(({ kind }) => kind)).toEqual(['tcp', 'reply', 'fragment', 'peer-api']);
  });

  it('picks kinds', () => {
    const p = packet(6, { sport: 1, dport: 22 });
    expect(residuePackets(router, ['icmp', 'tsmp']).contains(p)).toBe(false);
    expect(residuePackets(router, ['tcp']).contains(p)).toBe(true);
    expect(residuePackets(router, []).isEmpty()).toBe(true);
  });
});
