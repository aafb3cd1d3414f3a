/**
 * Names that nft(8) prints for numbers, as `nft describe` lists them (version 1.0.6). Where a number has several names
 * the first one is printed.
 */
export type Symbols = readonly (readonly [string, number])[];

/** `icmp type`. */
export const ICMP_TYPE: Symbols = [
  ['echo-reply', 0],
  ['destination-unreachable', 3],
  ['source-quench', 4],
  ['redirect', 5],
  ['echo-request', 8],
  ['router-advertisement', 9],
  ['router-solicitation', 10],
  ['time-exceeded', 11],
  ['parameter-problem', 12],
  ['timestamp-request', 13],
  ['timestamp-reply', 14],
  ['info-request', 15],
  ['info-reply', 16],
  ['address-mask-request', 17],
  ['address-mask-reply', 18],
];

/** `icmp code`: the names are those of destination-unreachable, whatever the type. */
export const ICMP_CODE: Symbols = [
  ['net-unreachable', 0],
  ['host-unreachable', 1],
  ['prot-unreachable', 2],
  ['port-unreachable', 3],
  ['frag-needed', 4],
  ['net-prohibited', 9],
  ['host-prohibited', 10],
  ['admin-prohibited', 13],
];

/** `icmpv6 type`. */
export const ICMPV6_TYPE: Symbols = [
  ['destination-unreachable', 1],
  ['packet-too-big', 2],
  ['time-exceeded', 3],
  ['parameter-problem', 4],
  ['echo-request', 128],
  ['echo-reply', 129],
  ['mld-listener-query', 130],
  ['mld-listener-report', 131],
  ['mld-listener-done', 132],
  ['mld-listener-reduction', 132],
  ['nd-router-solicit', 133],
  ['nd-router-advert', 134],
  ['nd-neighbor-solicit', 135],
  ['nd-neighbor-advert', 136],
  ['nd-redirect', 137],
  ['router-renumbering', 138],
  ['ind-neighbor-solicit', 141],
  ['ind-neighbor-advert', 142],
  ['mld2-listener-report', 143],
];

/** `icmpv6 code`: code 0 is printed `no-route`, also for neighbour discovery. */
export const ICMPV6_CODE: Symbols = [
  ['no-route', 0],
  ['admin-prohibited', 1],
  ['addr-unreachable', 3],
  ['port-unreachable', 4],
  ['policy-fail', 5],
  ['reject-route', 6],
];

/** `meta l4proto`, `ip protocol`, `ip6 nexthdr`: nft takes them from getprotobynumber(3); these do not differ. */
export const INET_PROTO: Symbols = [
  ['icmp', 1],
  ['igmp', 2],
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['gre', 47],
  ['esp', 50],
  ['ah', 51],
  ['ipv6-icmp', 58],
  ['ospf', 89],
  ['pim', 103],
  ['ipcomp', 108],
  ['vrrp', 112],
  ['sctp', 132],
  ['udplite', 136],
];

/** `meta nfproto`: NFPROTO_IPV4 and NFPROTO_IPV6 of linux/netfilter.h. */
export const NF_PROTO: Symbols = [
  ['ipv4', 2],
  ['ipv6', 10],
];

/** `ether type`. */
export const ETHER_TYPE: Symbols = [
  ['ip', 0x0800],
  ['arp', 0x0806],
  ['ip6', 0x86dd],
  ['8021q', 0x8100],
  ['8021ad', 0x88a8],
];

/** `ct state`: bits, in the order in which nft prints a list of them. */
export const CT_STATE: Symbols = [
  ['invalid', 0x01],
  ['established', 0x02],
  ['related', 0x04],
  ['new', 0x08],
  ['untracked', 0x40],
];

/** `tcp flags`: bits. */
export const TCP_FLAGS: Symbols = [
  ['fin', 0x01],
  ['syn', 0x02],
  ['rst', 0x04],
  ['psh', 0x08],
  ['ack', 0x10],
  ['urg', 0x20],
  ['ecn', 0x40],
  ['cwr', 0x80],
];

/** `ct status`: bits (nf_conntrack_common.h enum ip_conntrack_status). */
export const CT_STATUS: Symbols = [
  ['expected', 0x01],
  ['seen-reply', 0x02],
  ['assured', 0x04],
  ['confirmed', 0x08],
  ['snat', 0x10],
  ['dnat', 0x20],
  ['dying', 0x200],
];

/** `fib … type`: RTN_* of linux/rtnetlink.h. */
export const FIB_TYPE: Symbols = [
  ['unspec', 0],
  ['unicast', 1],
  ['local', 2],
  ['broadcast', 3],
  ['anycast', 4],
  ['multicast', 5],
  ['blackhole', 6],
  ['unreachable', 7],
  ['prohibit', 8],
];

/** `meta pkttype`. */
export const PACKET_TYPE: Symbols = [
  ['host', 0],
  ['unicast', 0],
  ['broadcast', 1],
  ['multicast', 2],
  ['other', 3],
];

/** `ct direction`. */
export const CT_DIRECTION: Symbols = [
  ['original', 0],
  ['reply', 1],
];

/** The name printed for a number, or undefined when it has none. */
export function symbolOf(symbols: Symbols, value: bigint): string | undefined {
  return symbols.find(([, v]) => BigInt(v) === value)?.[0];
}

/** The number of a name, or undefined when there is no such name. */
export function numberOf(symbols: Symbols, name: string): bigint | undefined {
  const found = symbols.find(([n]) => n === name);
  return found === undefined ? undefined : BigInt(found[1]);
}
