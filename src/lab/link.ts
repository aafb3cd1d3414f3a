import type { Address } from '../net/address.ts';
import { formatAddress } from '../net/address.ts';
import { formatPrefix, lastAddress, type Prefix } from '../net/prefix.ts';
import { CordonError } from '../source/error.ts';
import type { HostDraft, LabLink } from './layout.ts';

/** Addresses 1 to 9 of the underlay stay free for what a caller wants to put there. */
const FIRST_UNDERLAY_HOST = 10n;

/** `number` is unique in the lab and decides MAC and hub port. */
export function makeLink(name: string, network: string, addresses: LabLink['addresses'], number: number): LabLink {
  // 02 in the first octet: locally administered, unicast (IEEE 802).
  const octets = [0x02, 0xc0, 0xd0, (number >> 16) & 0xff, (number >> 8) & 0xff, number & 0xff];
  return {
    name,
    network,
    hubPort: `port${number}`,
    mac: octets.map((o) => o.toString(16).padStart(2, '0')).join(':'),
    addresses,
    linkLocal: { family: 6, value: (0xfe80n << 112n) | interfaceId(octets) },
  };
}

/** RFC 4291 appendix A: ff:fe in the middle, universal/local bit inverted. */
function interfaceId(octets: readonly number[]): bigint {
  const bytes = [...octets.slice(0, 3), 0xff, 0xfe, ...octets.slice(3)];
  return bytes.reduce((value, byte, i) => (value << 8n) | BigInt(i === 0 ? byte ^ 0x02 : byte), 0n);
}

/**
 * Takes a host address of `prefix` that nobody has: upwards from the tenth, or downwards from the last but one.
 * @throws CordonError `lab-no-address`
 */
export function freeAddress(prefix: Prefix, taken: Set<string>, from: 'first' | 'last'): Address {
  const last = lastAddress(prefix).value;
  const step = from === 'first' ? 1n : -1n;
  let value = from === 'first' ? prefix.first + FIRST_UNDERLAY_HOST : last - 1n;
  for (; value > prefix.first && value < last; value += step) {
    const address: Address = { family: prefix.family, value };
    if (taken.has(formatAddress(address))) continue;
    taken.add(formatAddress(address));
    return address;
  }
  throw new CordonError('lab-no-address', `${formatPrefix(prefix)} has no free address left for the lab`);
}

/** How many links the hosts have: the number of the next one. */
export function countLinks(hosts: readonly HostDraft[]): number {
  return hosts.reduce((sum, host) => sum + host.links.length, 0);
}
