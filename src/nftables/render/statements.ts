import { IntervalSet } from '../../net/interval-set.ts';
import type { Match, NamedSet, Operand, Rule, Selector, Statement, Value } from '../ruleset.ts';
import { CT_DIRECTION, CT_STATE, numberOf, type Symbols } from '../symbols.ts';

/** One rule from its statements. */
export function rule(statements: readonly Statement[], comment?: string): Rule {
  return { statements, comment };
}

function match(selector: Selector, right: Operand, op: Match['op'] = '=='): Match {
  return { kind: 'match', selector, op, right };
}

/** `iifname "eth0"`, `oifname "eth0"`. */
export function onInterface(key: 'iifname' | 'oifname', name: string): Match {
  return match({ kind: 'meta', key }, { kind: 'string', text: name });
}

/** `iifname @links`, `oifname @links`. */
export function onInterfaces(key: 'iifname' | 'oifname', set: string): Match {
  return match({ kind: 'meta', key }, { kind: 'named-set', name: set });
}

/** `iif "lo"`, `oif "lo"`: the one device whose index never changes. */
export function onLoopback(key: 'iif' | 'oif'): Match {
  return match({ kind: 'meta', key }, { kind: 'string', text: 'lo' });
}

/** `ip saddr …`, `ip6 daddr …`. */
export function address(family: 4 | 6, field: 'saddr' | 'daddr', right: Operand): Match {
  return match({ kind: 'payload', protocol: family === 4 ? 'ip' : 'ip6', field }, right);
}

/** `meta nfproto ipv4`: any address of a family. */
export function anyAddress(family: 4 | 6): Match {
  return match({ kind: 'meta', key: 'nfproto' }, { kind: 'number', value: family === 4 ? 2n : 10n });
}

/** `tcp dport …`: one port, one range, or an anonymous set of both. */
export function ports(protocol: 'tcp' | 'udp', field: 'sport' | 'dport', set: IntervalSet): Match {
  const values = set.intervals.map(
    ([first, last]): Value =>
      first === last ? { kind: 'number', value: first } : { kind: 'number-range', first, last },
  );
  const [only] = values;
  const right: Operand = only !== undefined && values.length === 1 ? only : { kind: 'set', elements: values };
  return match({ kind: 'payload', protocol, field }, right);
}

/** `tcp sport 443` and the like. */
export function port(protocol: 'tcp' | 'udp', field: 'sport' | 'dport', ...numbers: readonly number[]): Match {
  return ports(protocol, field, IntervalSet.of(...numbers.map((n) => [BigInt(n), BigInt(n)] as const)));
}

/** `ct direction original`, `ct direction reply`. */
export function direction(name: 'original' | 'reply'): Match {
  return match({ kind: 'ct', key: 'direction' }, { kind: 'number', value: symbol(CT_DIRECTION, name) });
}

/** `ct state established,new`. */
export function state(...names: readonly ('established' | 'new' | 'related')[]): Match {
  const bits = names.map((n) => symbol(CT_STATE, n)).sort((a, b) => Number(a - b));
  return match({ kind: 'ct', key: 'state' }, { kind: 'any-bit', bits });
}

/** `icmpv6 type { a, b }`, `icmp code frag-needed`: by name, printed in ascending order. */
export function icmp(
  protocol: 'icmp' | 'icmpv6',
  field: 'type' | 'code',
  symbols: Symbols,
  ...names: readonly string[]
): Match {
  const values = names.map((n) => symbol(symbols, n)).sort((a, b) => Number(a - b));
  const elements = values.map((value): Value => ({ kind: 'number', value }));
  const [only] = elements;
  const right: Operand = only !== undefined && elements.length === 1 ? only : { kind: 'set', elements };
  return match({ kind: 'payload', protocol, field }, right);
}

/** `ip6 hoplimit N`. */
export function hopLimit(value: bigint): Match {
  return match({ kind: 'payload', protocol: 'ip6', field: 'hoplimit' }, { kind: 'number', value });
}

/** `ether type arp`. */
export function etherType(value: bigint): Match {
  return match({ kind: 'payload', protocol: 'ether', field: 'type' }, { kind: 'number', value });
}

/** `meta skuid N`. */
export function socketOwner(uid: bigint): Match {
  return match({ kind: 'meta', key: 'skuid' }, { kind: 'number', value: uid });
}

/** `meta skuid != N`: sockets of others; packets without a socket do not match. */
export function notSocketOwner(uid: bigint): Match {
  return match({ kind: 'meta', key: 'skuid' }, { kind: 'number', value: uid }, '!=');
}

/** `meta skuid 1000`, `meta skuid { 1000, 1001 }`. */
export function socketOwners(uids: readonly number[]): Match {
  const elements = [...new Set(uids)]
    .sort((a, b) => a - b)
    .map((uid): Value => ({ kind: 'number', value: BigInt(uid) }));
  const [only] = elements;
  const right: Operand = only !== undefined && elements.length === 1 ? only : { kind: 'set', elements };
  return match({ kind: 'meta', key: 'skuid' }, right);
}

/** `socket cgroupv2 level N "path"`. */
export function cgroup(level: number, path: string): Match {
  return match({ kind: 'socket-cgroup', level }, { kind: 'string', text: path });
}

/** `meta mark & mask == value`, `ct mark & mask == value`. */
export function masked(kind: 'meta' | 'ct', mask: bigint, value: bigint): Match {
  const selector: Selector = kind === 'meta' ? { kind, key: 'mark', mask } : { kind, key: 'mark', mask };
  return match(selector, { kind: 'number', value });
}

export const ACCEPT: Statement = { kind: 'accept' };
export const DROP: Statement = { kind: 'drop' };
export const RETURN: Statement = { kind: 'return' };

/** `counter`, `counter name "x"`. */
export function counter(name?: string): Statement {
  return { kind: 'counter', name };
}

export function jump(target: string): Statement {
  return { kind: 'jump', target };
}

export function goto(target: string): Statement {
  return { kind: 'goto', target };
}

/** Order of interface names in nft's sets: as little-endian numbers, so by length, then from the last character. */
export function compareInterfaceNames(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = a.length - 1; i >= 0; i--) {
    const difference = a.charCodeAt(i) - b.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A set of interface names, in nft's order. */
export function interfaceSet(name: string, names: Iterable<string>): NamedSet {
  const sorted = [...new Set(names)].sort(compareInterfaceNames);
  return {
    name,
    type: { kind: 'type', of: 'ifname' },
    flags: [],
    comment: undefined,
    options: [],
    elements: sorted.map((text) => ({ kind: 'string', text })),
  };
}

function symbol(symbols: Symbols, name: string): bigint {
  const value = numberOf(symbols, name);
  if (value === undefined) throw new RangeError(`no such name: ${name}`);
  return value;
}
