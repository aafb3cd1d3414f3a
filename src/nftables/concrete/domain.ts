import { PORT_PROTOCOLS } from '../../net/field.ts';
import { internInterface } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import { matchBounds } from '../condition.ts';
import { type Datatype, datatypeOf } from '../datatype.ts';
import { type Bounds, tuplesOf } from '../operand.ts';
import type { Match, Operand, RewriteEffect, Selector, Table } from '../ruleset.ts';
import type { Domain } from '../walk.ts';
import { matchesCgroup } from './cgroup.ts';
import { addressTypes, type Links } from './links.ts';
import { rewritten } from './rewrite.ts';
import {
  ABSENT,
  ALL_VALUES,
  anything,
  CONNECTED,
  either,
  isAmong,
  type Key,
  type Known,
  known,
  where,
} from './values.ts';

/** One way in which the packet can be at this point of its walk. */
export interface State {
  readonly values: Readonly<Record<Key, Known>>;
  readonly cgroup: string | undefined;
  /** The packet has left the model: a statement nobody understands may have done anything to it. */
  readonly isLost: boolean;
  /** `notrack` was said before the connection was looked up. */
  readonly isUntracked: boolean;
  /** A NAT chain has set up a translation; the ones after it are not asked. */
  readonly isTranslated: boolean;
}

/** Where the chain stands, and what is known of the host. */
export interface Surroundings {
  readonly table: Table;
  /** `early`: no connection has been looked up yet; `perhaps`: it may have come along with the packet. */
  readonly tracking: 'early' | 'perhaps' | 'done';
  readonly links: Links | undefined;
  /** Whether some rule of the ruleset translates addresses. */
  readonly hasNat: boolean;
}

/** Walks one packet through the rules of one base chain, in every way it can be. */
export class ConcreteDomain implements Domain<readonly State[]> {
  readonly none: readonly State[] = [];
  readonly #around: Surroundings;
  readonly #bounds = new Map<Match, Bounds>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  isEmpty(states: readonly State[]): boolean {
    return states.length === 0;
  }

  union(parts: readonly (readonly State[])[]): readonly State[] {
    const all = parts.flat();
    if (all.length < 2) return all;
    return [...new Map(all.map((state) => [stateKey(state), state])).values()];
  }

  split(match: Match, states: readonly State[]) {
    const yes: State[] = [];
    const no: State[] = [];
    const open: State[] = [];
    for (const state of states) {
      const answer = this.#answer(match, state);
      if (answer !== 'no') yes.push(state);
      if (answer !== 'yes') no.push(state);
      if (answer === 'maybe') open.push(state);
    }
    return { yes, no, open };
  }

  rewrite(effect: RewriteEffect | { readonly kind: 'anything' }, states: readonly State[]): readonly State[] {
    const { tracking } = this.#around;
    return this.union([states.map((state) => rewritten(effect, state, tracking))]);
  }

  #answer(match: Match, state: State): 'yes' | 'maybe' | 'no' {
    const { selector } = match;
    if (selector.kind === 'socket-cgroup') return matchesCgroup(match, selector.level, state);
    const type = datatypeOf(selector);
    if (type === undefined) return 'maybe';
    if (selector.kind === 'concat') return this.#tuple(match, selector.parts, type, state);
    const value = this.#read(selector, state);
    if (value.values.isEmpty()) return 'no';
    if (selector.kind === 'ct' && selector.key === 'status') return this.#status(match, state);
    return within(value, this.#boundsOf(match, selector, type));
  }

  /** The first packet of a connection has none of these bits, unless a rule translates it. */
  #status({ op, right }: Match, state: State): 'maybe' | 'no' {
    const isFirst = isAmong(state.values.ctState, IntervalSet.point(8n)) === 'yes';
    if (!isFirst || this.#around.hasNat || op !== '==' || right.kind !== 'any-bit') return 'maybe';
    return right.bits.every((bit) => FIRST_LACKS.includes(bit)) ? 'no' : 'maybe';
  }

  #boundsOf(match: Match, selector: Selector, type: Datatype): Bounds {
    const found =
      this.#bounds.get(match) ?? matchBounds(this.#named(match), type, this.#around.table, domainOf(selector, type));
    this.#bounds.set(match, found);
    return found;
  }

  /** An interface's index as its name, where the host's links are known. */
  #named(match: Match): Match {
    const { selector, right } = match;
    if (selector.kind !== 'meta' || (selector.key !== 'iif' && selector.key !== 'oif') || right.kind !== 'number')
      return match;
    const link = this.#around.links?.links.find((l) => l.index !== undefined && BigInt(l.index) === right.value);
    const named: Operand = link === undefined ? right : { kind: 'string', text: link.name };
    return { ...match, right: named };
  }

  #tuple(match: Match, parts: readonly Selector[], type: Datatype, state: State): 'yes' | 'maybe' | 'no' {
    const values = parts.map((part) => this.#part(part, state));
    if (values.some((v) => v.values.isEmpty())) return 'no';
    const isThere = values.every((v) => !v.absent);
    const domains = parts.map((part) => domainOf(part, datatypeOf(part) ?? { kind: 'number', bits: 128 }));
    const isPlain = type.kind === 'concat' && (match.op === '==' || match.op === '!=');
    const tuples = isPlain ? tuplesOf(match.right, type, this.#around.table, domains) : undefined;
    if (tuples === undefined) return 'maybe';
    let isIn: 'yes' | 'maybe' | 'no' = 'no';
    for (const tuple of tuples) {
      const answers = values.map((value, i) => {
        const bounds = tuple[i] ?? { sure: IntervalSet.empty, possible: ALL_VALUES.dst };
        return within({ ...value, absent: false }, bounds);
      });
      if (answers.includes('no')) continue;
      isIn = answers.includes('maybe') ? 'maybe' : 'yes';
      if (isIn === 'yes') break;
    }
    const flipped = match.op === '==' ? isIn : isIn === 'yes' ? 'no' : isIn === 'no' ? 'yes' : 'maybe';
    return flipped === 'yes' && !isThere ? 'maybe' : flipped;
  }

  #part(part: Selector, state: State): Known {
    if (part.kind !== 'socket-cgroup' && part.kind !== 'concat') return this.#read(part, state);
    return { values: ALL_VALUES.dst, absent: true };
  }

  #read(selector: Exclude<Selector, { kind: 'socket-cgroup' | 'concat' }>, state: State): Known {
    const { values } = state;
    switch (selector.kind) {
      case 'meta':
        return readMeta(selector.key, values);
      case 'payload':
        return readPayload(selector.protocol, selector.field, values, this.#around.table);
      case 'ct':
        return this.#connection(selector.key, state);
      case 'fib-type':
        return this.#addressType(selector.flags, state);
    }
  }

  #connection(key: 'state' | 'direction' | 'status' | 'mark', state: State): Known {
    const real = { state: state.values.ctState, direction: state.values.ctDirection, mark: state.values.ctMark };
    if (state.isUntracked) return key === 'state' ? known(64n) : ABSENT;
    const isConnected = isAmong(state.values.ctState, CONNECTED);
    const value =
      key === 'status'
        ? where({ values: domainOf({ kind: 'ct', key }, { kind: 'number', bits: 32 }), absent: false }, isConnected)
        : real[key];
    if (this.#around.tracking === 'done') return value;
    // Nothing has looked the connection up: the state reads as invalid, the rest is not there (nft_ct.c).
    const early = key === 'state' ? known(1n) : ABSENT;
    // Only `notrack` can have been said already.
    const isOpen = this.#around.tracking === 'perhaps' || state.values.ctState.values.contains(64n);
    return isOpen ? either(early, value) : early;
  }

  #addressType(flags: readonly string[], { values }: State): Known {
    const address = values[flags.includes('saddr') ? 'src' : 'dst'];
    const [point, ...more] = address.values.intervals;
    const family = values.family.values.contains(4n) ? 4 : 6;
    const isOne = point !== undefined && more.length === 0 && point[0] === point[1] && !address.absent;
    const isPlain = flags.length === 1 && values.family.values.size() === 1n;
    // With an interface the answer is about that link alone.
    if (!isOne || !isPlain || this.#around.links === undefined)
      return { values: IntervalSet.of([0n, 255n]), absent: false };
    return { values: addressTypes(this.#around.links, family, point[0]), absent: false };
  }
}

/** `ct status` expected, seen-reply, assured, snat, dnat, dying (symbols.ts CT_STATUS). */
const FIRST_LACKS: readonly bigint[] = [0x01n, 0x02n, 0x04n, 0x10n, 0x20n, 0x200n];

function within(value: Known, { sure, possible }: Bounds): 'yes' | 'maybe' | 'no' {
  if (!value.values.overlaps(possible)) return 'no';
  return !value.absent && value.values.isSubsetOf(sure) ? 'yes' : 'maybe';
}

function stateKey(state: State): string {
  const values = Object.values(state.values).map((v) => `${v.values.toString()}${v.absent ? '?' : ''}`);
  return [...values, state.isLost, state.isUntracked, state.isTranslated].join('|');
}

/** All values a selector can have, by which a negation is the rest. */
function domainOf(selector: Selector, type: Datatype): IntervalSet {
  if (selector.kind === 'ct' && selector.key === 'state') return ALL_VALUES.ctState;
  switch (type.kind) {
    case 'interface':
      return ALL_VALUES.iif;
    case 'address':
      return IntervalSet.of([0n, (1n << (type.family === 4 ? 32n : 128n)) - 1n]);
    case 'number':
    case 'symbols':
      return IntervalSet.of([0n, (1n << BigInt(type.bits)) - 1n]);
    case 'mark':
      return ALL_VALUES.mark;
    case 'path':
    case 'concat':
      return IntervalSet.empty;
  }
}

function mapped(value: Known, pairs: readonly (readonly [bigint, bigint])[]): Known {
  const values = pairs.flatMap(([from, to]) => (value.values.contains(from) ? [to] : []));
  return { values: IntervalSet.points(...values), absent: value.absent };
}

function readMeta(key: Extract<Selector, { kind: 'meta' }>['key'], values: State['values']): Known {
  switch (key) {
    case 'iif':
    case 'iifname':
      return values.iif;
    case 'oif':
    case 'oifname':
      return values.oif;
    case 'l4proto':
      return values.proto;
    case 'nfproto':
      return mapped(values.family, [
        [4n, 2n],
        [6n, 10n],
      ]);
    case 'protocol':
      return mapped(values.family, ETHER_TYPES);
    case 'mark':
    case 'skuid':
      return values[key];
    case 'skgid':
      return values.skuid.values.isEmpty() ? ABSENT : { values: ALL_VALUES.skuid, absent: values.skuid.absent };
    case 'pkttype':
      return { values: IntervalSet.of([0n, 255n]), absent: false };
  }
}

const ETHER_TYPES = [
  [4n, 0x0800n],
  [6n, 0x86ddn],
] as const;

const HEADERS: Readonly<Record<string, readonly [family: bigint | undefined, proto: bigint]>> = {
  tcp: [undefined, 6n],
  udp: [undefined, 17n],
  icmp: [4n, 1n],
  icmpv6: [6n, 58n],
};

const TRANSPORT_KEYS: Readonly<Record<string, Key>> = {
  sport: 'sport',
  dport: 'dport',
  flags: 'tcpFlags',
  type: 'icmpType',
  code: 'icmpCode',
};

function readPayload(protocol: string, field: string, values: State['values'], table: Table): Known {
  if (protocol === 'ether') {
    return table.family === 'netdev' ? mapped(values.family, ETHER_TYPES) : { values: ALL_VALUES.dst, absent: true };
  }
  if (protocol === 'ip' || protocol === 'ip6') {
    const isFamily = isAmong(values.family, IntervalSet.point(protocol === 'ip' ? 4n : 6n));
    if (field === 'saddr') return where(values.src, isFamily);
    if (field === 'daddr') return where(values.dst, isFamily);
    if (field === 'protocol') return where(values.proto, isFamily);
    return where({ values: ALL_VALUES.dst, absent: false }, isFamily);
  }
  const key = TRANSPORT_KEYS[field];
  if (key === undefined) return { values: ALL_VALUES.dst, absent: true };
  const header = HEADERS[protocol];
  // `th`: two bytes of whatever follows the network header, unless a test of the protocol came first.
  if (header === undefined) {
    const isPorts = isAmong(values.proto, PORT_PROTOCOLS);
    return isPorts === 'yes' ? values[key] : either(isPorts === 'no' ? ABSENT : values[key], anything(key));
  }
  const [family, proto] = header;
  const hasFamily = family === undefined ? 'yes' : isAmong(values.family, IntervalSet.point(family));
  return where(where(values[key], isAmong(values.proto, IntervalSet.point(proto))), hasFamily);
}

/** True for packets that came in on, or leave by, the loopback device. */
export function isOnLoopback(value: Known): 'yes' | 'maybe' | 'no' {
  return isAmong(value, IntervalSet.point(internInterface('lo')));
}
