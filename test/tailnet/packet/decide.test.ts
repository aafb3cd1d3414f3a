import { describe, expect, it } from 'vitest';
import { icmp, ip, sctp, TCP, tcp, udp } from './bytes.ts';
import { IN4, IN6, node, OTHER4, OUT4, OUT6, PEER4, PEER6, SELF4, SELF6, wire } from './node.ts';

const BLOCKED = 'drop: no rules matched';
const plain = wire();

describe('without any rule, a node takes', () => {
  it.each<[string, Uint8Array, string]>([
    ['a keepalive', new Uint8Array(), 'residue keepalive'],
    ['an ACK', ip(IN4, 6, tcp(22, TCP.ack)), 'residue tcp'],
    ['a SYN with ACK', ip(IN4, 6, tcp(22, TCP.syn | TCP.ack)), 'residue tcp'],
    ['a SYN with ACK and RST', ip(IN6, 6, tcp(22, TCP.syn | TCP.ack | TCP.rst)), 'residue tcp'],
    ['a RST', ip(IN4, 6, tcp(22, TCP.rst)), 'residue tcp'],
    ['a FIN', ip(IN6, 6, tcp(22, TCP.fin)), 'residue tcp'],
    ['TCP without any flag', ip(IN4, 6, tcp(22, 0)), 'residue tcp'],
    ['an echo reply', ip(IN4, 1, icmp(0)), 'residue icmp'],
    ['"unreachable"', ip(IN4, 1, icmp(3, 13)), 'residue icmp'],
    ['"time exceeded"', ip(IN4, 1, icmp(11)), 'residue icmp'],
    ['type 18, which upstream takes for "parameter problem"', ip(IN4, 1, icmp(18)), 'residue icmp'],
    ['an ICMPv6 echo reply', ip(IN6, 58, icmp(129)), 'residue icmp'],
    ['ICMPv6 "packet too big"', ip(IN6, 58, icmp(2)), 'residue icmp'],
    ['ICMPv6 "parameter problem"', ip(IN6, 58, icmp(4)), 'residue icmp'],
    ["Tailscale's own messages", ip(IN4, 99, [1, 2, 3, 4, 5, 6, 7]), 'residue tsmp'],
    ['a later fragment at 80 bytes', ip(IN4, 6, [1, 2, 3], { fragment: 10 }), 'residue fragment'],
    ['a later fragment for anybody', ip([PEER4, '192.0.2.9'], 17, [1], { fragment: 10 }), 'residue fragment'],
    ['a later IPv6 fragment', ip(IN6, 17, [1], { fragment: 10 }), 'residue fragment'],
  ])('%s', (_, packet, answer) => {
    expect(node([]).receive(packet)).toBe(answer);
    expect(node([plain], { shieldsUp: true }).receive(packet)).toBe(answer);
  });

  it.each<[string, Uint8Array, string]>([
    ['a SYN', ip(IN4, 6, tcp(80, TCP.syn)), BLOCKED],
    ['a SYN with RST', ip(IN4, 6, tcp(80, TCP.syn | TCP.rst)), BLOCKED],
    ['a SYN with FIN', ip(IN6, 6, tcp(80, TCP.syn | TCP.fin)), BLOCKED],
    ['a SYN that asks for ECN', ip(IN4, 6, tcp(80, TCP.syn | TCP.ece | TCP.cwr)), BLOCKED],
    ['UDP', ip(IN4, 17, udp(80)), BLOCKED],
    ['SCTP', ip(IN6, 132, sctp(80)), BLOCKED],
    ['an echo request', ip(IN4, 1, icmp(8)), BLOCKED],
    ['an echo reply with a code', ip(IN4, 1, icmp(0, 1)), BLOCKED],
    ['type 12, "parameter problem" by IANA', ip(IN4, 1, icmp(12)), BLOCKED],
    ['a redirect', ip(IN4, 1, icmp(5)), BLOCKED],
    ['an ICMPv6 echo reply with a code', ip(IN6, 58, icmp(129, 1)), BLOCKED],
    ['neighbour discovery', ip(IN6, 58, icmp(135)), BLOCKED],
    ['an ICMP error without its 8 bytes', ip(IN4, 1, icmp(3, 0, 7)), BLOCKED],
    ['an answer of the other ICMP', ip(IN4, 58, icmp(129)), 'drop: unknown-protocol-58'],
    ['ICMP in IPv6', ip(IN6, 1, icmp(0)), 'drop: unknown-protocol-1'],
    ['GRE', ip(IN4, 47, [0, 0, 0, 0]), 'drop: unknown-protocol-47'],
    [
      'IPv6 options before TCP',
      ip(IN6, 60, [6, 0, 0, 0, 0, 0, 0, 0, ...tcp(80, TCP.ack)]),
      'drop: unknown-protocol-60',
    ],
    ['hop-by-hop options', ip(IN6, 0, [6, 0, 0, 0, 0, 0, 0, 0]), 'drop: unknown proto'],
    ['protocol 255', ip(IN4, 255, [0, 0, 0, 0]), 'drop: unknown proto'],
    ['an ACK for a stranger', ip([PEER4, '192.0.2.9'], 6, tcp(22, TCP.ack)), 'drop: destination not allowed'],
    ['an ACK for the peer', ip([SELF4, PEER4], 6, tcp(22, TCP.ack)), 'drop: destination not allowed'],
    ['a short TSMP', ip(IN4, 99, [1, 2, 3, 4, 5, 6]), 'drop: unknown proto'],
    ['a fragmented TSMP', ip(IN4, 99, [1, 2, 3, 4, 5, 6, 7], { moreFragments: true }), 'drop: unknown proto'],
    ['a fragment at 72 bytes', ip(IN4, 6, [1, 2, 3], { fragment: 9 }), 'drop: unknown proto'],
    ['an IPv6 fragment at 8 bytes', ip(IN6, 6, [1, 2, 3], { fragment: 1 }), 'drop: unknown proto'],
    [
      'a first fragment with 19 bytes of TCP',
      ip(IN4, 6, tcp(80, 16).slice(1), { moreFragments: true }),
      'drop: unknown proto',
    ],
    ['7 bytes of UDP', ip(IN4, 17, udp(80).slice(1)), 'drop: unknown proto'],
    ['11 bytes of SCTP', ip(IN4, 132, sctp(80).slice(1)), 'drop: unknown proto'],
    ['3 bytes of ICMP', ip(IN4, 1, icmp(0, 0, 3)), 'drop: unknown proto'],
    ['7 bytes of IGMP', ip(IN4, 2, icmp(0, 0, 7)), 'drop: unknown proto'],
    ['19 bytes', ip(IN4, 1, []).slice(1), 'drop: too short'],
    ['a truncated packet', ip(IN4, 6, tcp(22, TCP.ack), { length: 41 }), 'drop: unknown proto'],
    ['a truncated IPv6 packet', ip(IN6, 6, tcp(22, TCP.ack), { length: 21 }), 'drop: unknown proto'],
    ['a header that is longer than the packet', ip(IN4, 6, [], { headerWords: 6 }), 'drop: unknown proto'],
    [
      'a header that is longer than the length says',
      ip(IN4, 1, icmp(0), { headerWords: 6, length: 20 }),
      'drop: unknown proto',
    ],
    ['another version', Uint8Array.from([0x50, ...new Array(30).fill(0)]), 'drop: unknown proto'],
    ['a multicast fragment', ip([PEER4, '224.0.0.1'], 17, [1], { fragment: 10 }), 'drop: multicast'],
    ['IPv6 multicast', ip([PEER6, 'ff02::1'], 17, udp(80)), 'drop: multicast'],
    ['IPv4 multicast in IPv6', ip([PEER6, '::ffff:224.0.0.1'], 17, udp(80)), 'drop: multicast'],
    ['a link-local fragment', ip([PEER6, 'fe80::1'], 17, [1], { fragment: 10 }), 'drop: link-local-unicast'],
    ['link-local IPv4', ip([PEER4, '169.254.169.253'], 17, udp(80)), 'drop: link-local-unicast'],
    ['the metadata address in IPv6', ip([PEER6, '::ffff:169.254.169.254'], 17, udp(80)), 'drop: link-local-unicast'],
    ['the metadata address', ip([PEER4, '169.254.169.254'], 17, udp(80)), 'drop: destination not allowed'],
  ])('not %s', (_, packet, answer) => {
    expect(node([]).receive(packet)).toBe(answer);
  });

  it('the same on addresses that are not its own but that it advertises', () => {
    const router = node([], { local: [SELF4, '10.0.0.0/24'] });
    expect(router.receive(ip([PEER4, '10.0.0.9'], 6, tcp(22, TCP.ack)))).toBe('residue tcp');
    expect(router.receive(ip([PEER4, '10.0.1.9'], 6, tcp(22, TCP.ack)))).toBe('drop: destination not allowed');
  });

  it('new connections to its PeerAPI, and to nothing beside it', () => {
    const filter = { shieldsUp: true, peerApi: { address: SELF4, port: 45000 } };
    const ask = (to: string, port: number) => node([], filter).receive(ip([PEER4, to], 6, tcp(port, TCP.syn)));
    expect(ask(SELF4, 45000)).toBe('residue peer-api');
    expect(ask(SELF4, 45001)).toBe(BLOCKED);
    expect(ask(OTHER4, 45000)).toBe('drop: destination not allowed');
    expect(node([], filter).receive(ip(IN4, 17, udp(45000)))).toBe(BLOCKED);
  });
});

describe('a rule lets in', () => {
  const anyPort = wire({}, [0, 65535]);
  it.each<[string, object, Uint8Array, string]>([
    ['TCP to the first port', plain, ip(IN4, 6, tcp(80, TCP.syn)), 'rule 0: tcp ok'],
    ['TCP to the last port', plain, ip(IN6, 6, tcp(90, TCP.syn)), 'rule 0: tcp ok'],
    ['TCP beyond its ports', plain, ip(IN4, 6, tcp(91, TCP.syn)), BLOCKED],
    ['TCP before its ports', plain, ip(IN4, 6, tcp(79, TCP.syn)), BLOCKED],
    ['TCP from another source', plain, ip([OTHER4, SELF4], 6, tcp(80, TCP.syn)), BLOCKED],
    ['UDP', plain, ip(IN4, 17, udp(80)), 'rule 0: ok'],
    ['UDP by a rule for TCP', wire({ IPProto: [6] }), ip(IN4, 17, udp(80)), BLOCKED],
    ['SCTP by the default protocols', anyPort, ip(IN4, 132, sctp(80)), BLOCKED],
    ['SCTP where it is listed', wire({ IPProto: [132] }), ip(IN4, 132, sctp(80)), 'rule 0: ok'],
    ['ICMP, whatever the protocols', wire({ IPProto: [17] }), ip(IN4, 1, icmp(8)), 'rule 0: icmp ok'],
    ['ICMPv6 by ICMP', wire({ IPProto: [1] }), ip(IN6, 58, icmp(128)), 'rule 0: icmp ok'],
    ['ICMP with no port at all', wire({}, [90, 80]), ip(IN4, 1, icmp(5)), 'rule 0: icmp ok'],
    ['a port with no port at all', wire({}, [90, 80]), ip(IN4, 6, tcp(85, TCP.syn)), BLOCKED],
    ['ICMP from another source', plain, ip([OTHER4, SELF4], 1, icmp(8)), BLOCKED],
    ['short ICMP answers', plain, ip(IN4, 1, icmp(0, 0, 4)), 'rule 0: icmp ok'],
    ['GRE with all ports', wire({ IPProto: [47] }, [0, 65535]), ip(IN4, 47, []), 'rule 0: other-portless ok'],
    ['GRE without port 0', wire({ IPProto: [47] }, [1, 65535]), ip(IN4, 47, []), 'drop: unknown-protocol-47'],
    ['GRE that is not listed', anyPort, ip(IN4, 47, []), 'drop: unknown-protocol-47'],
    ['ICMPv6 in IPv4 by the defaults', anyPort, ip(IN4, 58, icmp(128)), 'rule 0: other-portless ok'],
    ['ICMP in IPv6 by the defaults', anyPort, ip(IN6, 1, icmp(8)), 'rule 0: other-portless ok'],
    ['IPv6 options', wire({ IPProto: [60] }, [0, 65535]), ip(IN6, 60, [6, 0, 0, 0]), 'rule 0: other-portless ok'],
    ['protocol numbers beyond a byte', wire({ IPProto: [262] }), ip(IN4, 6, tcp(80, TCP.syn)), BLOCKED],
    ['ICMP with only such numbers', wire({ IPProto: [262] }), ip(IN4, 1, icmp(8)), 'rule 0: icmp ok'],
    ['IPv6 by IPv4 sources', wire({}, [80, 80], [PEER4]), ip(IN6, 6, tcp(80, TCP.syn)), BLOCKED],
    [
      'a range of sources',
      wire({}, [80, 80], ['100.64.0.0-100.64.0.2']),
      ip(IN4, 6, tcp(80, TCP.syn)),
      'rule 0: tcp ok',
    ],
    ['its neighbour', wire({}, [80, 80], ['100.64.0.3-100.64.0.9']), ip(IN4, 6, tcp(80, TCP.syn)), BLOCKED],
    [
      'a source beyond the tailnet',
      wire({}, [80, 80], ['*']),
      ip(['8.8.8.8', SELF4], 6, tcp(80, TCP.syn)),
      'rule 0: tcp ok',
    ],
    ['multicast', wire({}, [0, 65535], ['*'], ['*']), ip([PEER4, '224.0.0.1'], 17, udp(80)), 'drop: multicast'],
    ['nothing of a capability', { SrcIPs: ['*'], CapGrant: [{}] }, ip(IN4, 1, icmp(8)), BLOCKED],
    ['TCP in a first fragment', plain, ip(IN4, 6, tcp(80, TCP.syn), { moreFragments: true }), 'rule 0: tcp ok'],
    ['TCP in a first IPv6 fragment', plain, ip(IN6, 6, tcp(80, TCP.syn), { fragment: 0 }), 'rule 0: tcp ok'],
    ['a port in such a fragment', plain, ip(IN6, 6, tcp(91, TCP.syn), { fragment: 0 }), BLOCKED],
  ])('%s', (_, rule, packet, answer) => {
    expect(node([rule]).receive(packet)).toBe(answer);
  });

  it('names the first that does', () => {
    const other = wire({}, [80, 80], [OTHER4]);
    expect(node([other, plain, plain]).receive(ip(IN4, 6, tcp(80, TCP.syn)))).toBe('rule 1: tcp ok');
  });

  it('is not asked with shields up', () => {
    expect(node([plain], { shieldsUp: true }).receive(ip(IN4, 6, tcp(80, TCP.syn)))).toBe(BLOCKED);
    expect(node([plain], { shieldsUp: true }).receive(ip(IN4, 1, icmp(8)))).toBe(BLOCKED);
  });

  describe('whose source is a node capability', () => {
    const rule = (more: object = {}, ports = [80, 80], dst = [SELF4]) => wire(more, ports, ['cap:example.com/a'], dst);
    const capable = { capabilities: [`${PEER4} example.com/a`, `${PEER6} example.com/a`, `${OTHER4} example.com/b`] };
    it.each<[string, object, Uint8Array, string]>([
      ['TCP from a peer that has it', rule(), ip(IN4, 6, tcp(80, TCP.syn)), 'rule 0: tcp ok'],
      ['TCP from one that has another', rule(), ip([OTHER4, SELF4], 6, tcp(80, TCP.syn)), BLOCKED],
      ['TCP to another port', rule(), ip(IN4, 6, tcp(81, TCP.syn)), BLOCKED],
      ['TCP to another destination', rule({}, [80, 80], ['10.0.0.1']), ip(IN4, 6, tcp(80, TCP.syn)), BLOCKED],
      ['ICMP to every destination', rule({}, [80, 80], ['10.0.0.1']), ip(IN4, 1, icmp(8)), 'rule 0: icmp ok'],
      ['ICMP of the family of a destination only', rule({}, [80, 80], ['10.0.0.1']), ip(IN6, 58, icmp(128)), BLOCKED],
      ['ICMP from one that has another', rule(), ip([OTHER4, SELF4], 1, icmp(8)), BLOCKED],
      ['no other protocol', rule({ IPProto: [47] }, [0, 65535]), ip(IN4, 47, []), 'drop: unknown-protocol-47'],
    ])('%s', (_, one, packet, answer) => {
      expect(node([one], capable).receive(packet)).toBe(answer);
    });
  });

  it.each<[string, object, string]>([
    ['a source that does not parse', wire({}, [80, 80], ['peer', OTHER4]), 'unknown 1'],
    ['a source with bits beyond its mask', wire({}, [80, 80], ['100.64.0.2/24']), 'unknown 1'],
    ['a destination that does not parse', wire({}, [80, 80], [PEER4], ['?']), 'unknown 0'],
    ['a key that is not known', wire({ Posture: 'x' }), 'unknown 0'],
    ['bits beside the source', wire({ SrcBits: [24] }), 'unknown 0'],
  ])('perhaps, with %s', (_, rule, answer) => {
    expect(node([rule]).receive(ip(IN4, 6, tcp(80, TCP.syn)))).toBe(answer);
    expect(node([rule, plain]).receive(ip(IN4, 6, tcp(80, TCP.syn)))).toMatch(/^rule \d: tcp ok$/);
    expect(node([rule], { shieldsUp: true }).receive(ip(IN4, 6, tcp(80, TCP.syn)))).toBe(BLOCKED);
  });
});

describe('a node remembers', () => {
  it.each<[string, Uint8Array, Uint8Array]>([
    ['UDP', ip(OUT4, 17, udp(53, 5000)), ip(IN4, 17, udp(5000, 53))],
    ['SCTP', ip(OUT6, 132, sctp(53, 5000)), ip(IN6, 132, sctp(5000, 53))],
    ['a first fragment', ip(OUT4, 17, udp(53, 5000), { moreFragments: true }), ip(IN4, 17, udp(5000, 53))],
  ])('%s that it sent, for the way back', (_, out, back) => {
    const n = node([]);
    expect(n.receive(back)).toBe(BLOCKED);
    expect(n.send(out)).toBe('ok out');
    expect([n.receive(back), n.receive(back)]).toEqual(['residue reply', 'residue reply']);
  });

  it.each<[string, Uint8Array, Uint8Array]>([
    ['another source port', ip(OUT4, 17, udp(53, 5000)), ip(IN4, 17, udp(5000, 54))],
    ['another destination port', ip(OUT4, 17, udp(53, 5000)), ip(IN4, 17, udp(5001, 53))],
    ['another peer', ip(OUT4, 17, udp(53, 5000)), ip([OTHER4, SELF4], 17, udp(5000, 53))],
    ['another protocol', ip(OUT4, 17, udp(53, 5000)), ip(IN4, 132, sctp(5000, 53))],
    ['the same direction', ip(OUT4, 17, udp(53, 5000)), ip(IN4, 17, udp(53, 5000))],
    ['what was dropped on the way out', ip(OUT4, 17, udp(53, 5000).slice(1)), ip(IN4, 17, udp(5000, 53))],
    ['a later fragment', ip(OUT4, 17, udp(53, 5000), { fragment: 20 }), ip(IN4, 17, udp(5000, 53))],
    ['TCP', ip(OUT4, 6, tcp(53, TCP.syn, 5000)), ip(IN4, 6, tcp(5000, TCP.syn, 53))],
  ])('not %s', (_, out, back) => {
    const n = node([]);
    n.send(out);
    expect(n.receive(back)).toBe(BLOCKED);
  });

  it('IPv4 and its form in IPv6 as one', () => {
    const n = node([], { local: [`::ffff:${SELF4}`] });
    n.send(ip(OUT4, 17, udp(53, 5000)));
    expect(n.receive(ip([`::ffff:${PEER4}`, `::ffff:${SELF4}`], 17, udp(5000, 53)))).toBe('residue reply');
  });

  it('512 flows, and forgets the one that was least used', () => {
    const n = node([]);
    const flow = (i: number) => [ip(OUT4, 17, udp(53, 1000 + i)), ip(IN4, 17, udp(1000 + i, 53))] as const;
    for (let i = 0; i < 512; i++) n.send(flow(i)[0]);
    expect(n.receive(flow(0)[1])).toBe('residue reply');
    n.send(flow(1)[0]);
    n.send(flow(512)[0]);
    expect([0, 1, 2, 3, 512].map((i) => n.receive(flow(i)[1]))).toEqual([
      'residue reply',
      'residue reply',
      BLOCKED,
      'residue reply',
      'residue reply',
    ]);
  });

  it('nothing on behalf of others, whatever it sends', () => {
    const n = node([]);
    expect(n.send(ip([SELF6, 'ff02::1'], 17, udp(53)))).toBe('drop: multicast');
    expect(n.send(ip([SELF4, '169.254.7.7'], 17, udp(53)))).toBe('drop: link-local-unicast');
    expect(n.send(ip(OUT4, 17, [1], { fragment: 10 }))).toBe('residue fragment');
    expect(n.send(ip(OUT4, 47, []))).toBe('ok out');
  });
});
