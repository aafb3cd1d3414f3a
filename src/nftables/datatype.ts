import { type Address, formatAddress, parseAddress } from '../net/address.ts';
import { parsePrefix } from '../net/prefix.ts';
import type { Selector, Value } from './ruleset.ts';
import {
  CT_DIRECTION,
  CT_STATE,
  CT_STATUS,
  ETHER_TYPE,
  FIB_TYPE,
  ICMP_CODE,
  ICMP_TYPE,
  ICMPV6_CODE,
  ICMPV6_TYPE,
  INET_PROTO,
  NF_PROTO,
  numberOf,
  PACKET_TYPE,
  type Symbols,
  symbolOf,
  TCP_FLAGS,
} from './symbols.ts';
import type { Token } from './token.ts';

/**
 * How the values of a selector or of a set are written. `interface` and `path` are quoted strings, `mark` is eight
 * hexadecimal digits, `symbols` prints a name where there is one and decimal digits where there is none.
 */
export type Datatype =
  | { readonly kind: 'interface' }
  | { readonly kind: 'path' }
  | { readonly kind: 'number'; readonly bits: number }
  | { readonly kind: 'mark' }
  | { readonly kind: 'address'; readonly family: 4 | 6 }
  | { readonly kind: 'symbols'; readonly symbols: Symbols; readonly bits: number; readonly flags: boolean }
  | { readonly kind: 'concat'; readonly parts: readonly Datatype[] };

const INTERFACE: Datatype = { kind: 'interface' };
const MARK: Datatype = { kind: 'mark' };
const PORT: Datatype = { kind: 'number', bits: 16 };
const ID: Datatype = { kind: 'number', bits: 32 };
const OCTET: Datatype = { kind: 'number', bits: 8 };

function named(symbols: Symbols, bits = 8, flags = false): Datatype {
  return { kind: 'symbols', symbols, bits, flags };
}

const META: Readonly<Record<string, Datatype>> = {
  iif: INTERFACE,
  oif: INTERFACE,
  iifname: INTERFACE,
  oifname: INTERFACE,
  l4proto: named(INET_PROTO),
  nfproto: named(NF_PROTO),
  protocol: named(ETHER_TYPE, 16),
  pkttype: named(PACKET_TYPE),
  mark: MARK,
  skuid: ID,
  skgid: ID,
};

const PAYLOAD: Readonly<Record<string, Datatype>> = {
  'ip saddr': { kind: 'address', family: 4 },
  'ip daddr': { kind: 'address', family: 4 },
  'ip protocol': named(INET_PROTO),
  'ip ttl': OCTET,
  'ip6 saddr': { kind: 'address', family: 6 },
  'ip6 daddr': { kind: 'address', family: 6 },
  'ip6 hoplimit': OCTET,
  'tcp sport': PORT,
  'tcp dport': PORT,
  'tcp flags': named(TCP_FLAGS, 8, true),
  'udp sport': PORT,
  'udp dport': PORT,
  'th sport': PORT,
  'th dport': PORT,
  'icmp type': named(ICMP_TYPE),
  'icmp code': named(ICMP_CODE),
  'icmpv6 type': named(ICMPV6_TYPE),
  'icmpv6 code': named(ICMPV6_CODE),
  'ether type': named(ETHER_TYPE, 16),
};

const SET_TYPE: Readonly<Record<string, Datatype>> = {
  ipv4_addr: { kind: 'address', family: 4 },
  ipv6_addr: { kind: 'address', family: 6 },
  ifname: INTERFACE,
  inet_service: PORT,
  inet_proto: named(INET_PROTO),
  mark: MARK,
  icmp_type: named(ICMP_TYPE),
  icmp_code: named(ICMP_CODE),
  icmpv6_type: named(ICMPV6_TYPE),
  icmpv6_code: named(ICMPV6_CODE),
  ether_type: named(ETHER_TYPE, 16),
  tcp_flag: named(TCP_FLAGS, 8, true),
  ct_state: named(CT_STATE, 32, true),
  ct_status: named(CT_STATUS, 32, true),
  ct_dir: named(CT_DIRECTION),
  fib_addrtype: named(FIB_TYPE, 32),
  pkt_type: named(PACKET_TYPE),
  nf_proto: named(NF_PROTO),
  uid: ID,
  gid: ID,
};

/** How the right side of a match on this selector is written; undefined for a selector outside the dialect. */
export function datatypeOf(selector: Selector): Datatype | undefined {
  switch (selector.kind) {
    case 'meta':
      return META[selector.key];
    case 'payload':
      return own(PAYLOAD, `${selector.protocol} ${selector.field}`);
    case 'ct':
      return CT[selector.key];
    case 'fib-type':
      return SET_TYPE['fib_addrtype'];
    case 'concat':
      return concatOf(selector.parts.map(datatypeOf));
    case 'socket-cgroup':
      return { kind: 'path' };
  }
}

const CT: Readonly<Record<string, Datatype>> = {
  mark: MARK,
  state: named(CT_STATE, 32, true),
  status: named(CT_STATUS, 32, true),
  direction: named(CT_DIRECTION),
};

function concatOf(parts: readonly (Datatype | undefined)[]): Datatype | undefined {
  const known = parts.filter((p) => p !== undefined);
  return known.length === parts.length ? { kind: 'concat', parts: known } : undefined;
}

/** How the elements of a set are written; undefined for a type outside the dialect. */
export function setDatatype(type: { readonly kind: 'type' | 'typeof'; readonly of: string }): Datatype | undefined {
  const parts = type.of.split(' . ');
  const types = parts.map((of) => (type.kind === 'type' ? own(SET_TYPE, of) : typeOfExpression(of)));
  return parts.length === 1 ? types[0] : concatOf(types);
}

function typeOfExpression(text: string): Datatype | undefined {
  if (text.startsWith('ct ')) return own(CT, text.slice('ct '.length));
  return own(META, text.startsWith('meta ') ? text.slice('meta '.length) : text) ?? own(PAYLOAD, text);
}

/** A table's own entry: names come from outside, and `constructor` is none of ours. */
function own(table: Readonly<Record<string, Datatype>>, key: string): Datatype | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** True when values of both types are written and compared alike. */
export function isSameType(a: Datatype | undefined, b: Datatype): boolean {
  if (a?.kind !== b.kind) return false;
  if (a.kind === 'address' && b.kind === 'address') return a.family === b.family;
  if (a.kind === 'symbols' && b.kind === 'symbols') return a.symbols === b.symbols;
  if (a.kind !== 'concat' || b.kind !== 'concat') return true;
  return (
    a.parts.length === b.parts.length &&
    a.parts.every((part, i) => {
      const other = b.parts[i];
      return other !== undefined && isSameType(part, other);
    })
  );
}

/** The text nft prints for a value of this type. */
export function printValue(type: Datatype, value: Value): string {
  switch (value.kind) {
    case 'string':
      return `"${value.text}"`;
    case 'address':
      return printAddress(value.address);
    case 'prefix': {
      const { family, first, length } = value.prefix;
      const text = printAddress({ family, value: first });
      return length === (family === 4 ? 32 : 128) ? text : `${text}/${length}`;
    }
    case 'address-range':
      return `${printAddress(value.first)}-${printAddress(value.last)}`;
    case 'number':
      return printNumber(type, value.value);
    case 'number-range':
      return `${printNumber(type, value.first)}-${printNumber(type, value.last)}`;
    case 'concat': {
      const types = type.kind === 'concat' ? type.parts : [];
      return value.parts.map((part, i) => printValue(types[i] ?? type, part)).join(' . ');
    }
  }
}

/** nft prints with glibc's inet_ntop(3), which writes `::a.b.c.d` for the IPv4-compatible range of RFC 4291 2.5.5.1. */
function printAddress(address: Address): string {
  const compatible = address.family === 6 && address.value >= 0x10000n && address.value < 1n << 32n;
  return compatible ? `::${formatAddress({ family: 4, value: address.value })}` : formatAddress(address);
}

function printNumber(type: Datatype, value: bigint): string {
  if (type.kind === 'mark') return `0x${value.toString(16).padStart(8, '0')}`;
  if (type.kind === 'symbols') {
    // Bits without one name are a hexadecimal number (datatype.c bitmask / integer printing).
    return symbolOf(type.symbols, value) ?? (type.flags ? `0x${value.toString(16)}` : value.toString());
  }
  return value.toString();
}

/** Reads one token as a value of this type; undefined when it is none, so that the statement stays unknown. */
export function parseValue(type: Datatype, token: Token): Value | undefined {
  if (token.kind === 'string') {
    return type.kind === 'interface' || type.kind === 'path' ? { kind: 'string', text: token.text } : undefined;
  }
  if (token.kind !== 'word') return undefined;
  switch (type.kind) {
    case 'address':
      return parseAddressValue(type.family, token.text);
    case 'symbols': {
      const value = numberOf(type.symbols, token.text) ?? parseNumber(token.text, type.bits);
      return value === undefined ? undefined : { kind: 'number', value };
    }
    case 'number':
      return parseNumbers(token.text, type.bits);
    case 'mark':
      return parseNumbers(token.text, 32);
    case 'concat':
      return undefined;
    case 'interface':
    case 'path': {
      // An index without its device, a cgroup that is gone: nft shows the bare number.
      const value = parseNumber(token.text, 64);
      return value === undefined ? undefined : { kind: 'number', value };
    }
  }
}

function parseAddressValue(family: 4 | 6, text: string): Value | undefined {
  const dash = text.indexOf('-');
  if (dash >= 0) {
    const first = parseAddress(text.slice(0, dash));
    const last = parseAddress(text.slice(dash + 1));
    if (first?.family !== family || last?.family !== family || first.value > last.value) return undefined;
    return { kind: 'address-range', first, last };
  }
  if (text.includes('/')) {
    const parsed = parsePrefix(text);
    if (parsed === undefined || parsed.hostBits || parsed.prefix.family !== family) return undefined;
    return { kind: 'prefix', prefix: parsed.prefix };
  }
  const address = parseAddress(text);
  return address?.family === family ? { kind: 'address', address } : undefined;
}

function parseNumbers(text: string, bits: number): Value | undefined {
  const dash = text.indexOf('-');
  if (dash < 0) {
    const value = parseNumber(text, bits);
    return value === undefined ? undefined : { kind: 'number', value };
  }
  const first = parseNumber(text.slice(0, dash), bits);
  const last = parseNumber(text.slice(dash + 1), bits);
  if (first === undefined || last === undefined || first > last) return undefined;
  return { kind: 'number-range', first, last };
}

/** Decimal or 0x-hexadecimal digits that fit into `bits` bits. */
export function parseNumber(text: string, bits: number): bigint | undefined {
  if (!/^(?:[0-9]{1,20}|0x[0-9a-f]{1,16})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value < 1n << BigInt(bits) ? value : undefined;
}
