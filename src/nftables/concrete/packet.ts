import { parseAddress } from '../../net/address.ts';
import { internInterface, isInterfaceName, NO_INTERFACE } from '../../net/interface-id.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import type { Hook } from '../ruleset.ts';
import {
  CT_DIRECTION,
  CT_STATE,
  ICMP_TYPE,
  ICMPV6_TYPE,
  INET_PROTO,
  numberOf,
  type Symbols,
  TCP_FLAGS,
} from '../symbols.ts';
import { ABSENT, ALL_VALUES, anything, CONNECTED, type ConcretePacket, type Key, type Known, known } from './values.ts';

/** Any value, or none. */
const ANY = '?';

const HOOKS: readonly string[] = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting', 'egress'];
const KEYS: readonly string[] = [
  ...['hook', 'iif', 'oif', 'src', 'dst', 'proto', 'sport', 'dport', 'tcpFlags', 'icmpType', 'icmpCode'],
  ...['ctState', 'ctDirection', 'ctMark', 'mark', 'skuid', 'cgroup'],
];

/** A packet, or all that is wrong with it. */
export type ReadPacket = { readonly packet: ConcretePacket } | { readonly problems: readonly string[] };

/**
 * Reads one packet: `{hook, iif?, oif?, src, dst, proto, sport?, dport?, tcpFlags?, icmpType?, icmpCode?, ctState?,
 * ctDirection?, ctMark?, mark?, skuid?, cgroup?}`. A key that is absent says that the packet has no such value; `"?"`
 * says that it may have any.
 *
 * Some values the kernel never lacks, and then absence is read as what it can be there: without `ctState` a packet has
 * no connection, which rules see as `untracked` or `invalid`; `mark` is 0; a connection without a direction or a mark
 * has either one, or mark 0, or none; a hook that has no such interface gives the empty name.
 */
export function readPacket(json: unknown): ReadPacket {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { problems: ['it is no JSON object'] };
  const reader = new Reader(json as Readonly<Record<string, unknown>>);
  const packet = reader.read();
  return reader.problems.length > 0 ? { problems: reader.problems } : { packet };
}

class Reader {
  readonly problems: string[] = [];
  readonly #json: Readonly<Record<string, unknown>>;

  constructor(json: Readonly<Record<string, unknown>>) {
    this.#json = json;
    for (const key of Object.keys(json)) if (!KEYS.includes(key)) this.problems.push(`there is no key "${key}"`);
  }

  #get(key: string): unknown {
    return Object.hasOwn(this.#json, key) ? this.#json[key] : undefined;
  }

  read(): ConcretePacket {
    const hook = this.#get('hook');
    if (typeof hook !== 'string' || !HOOKS.includes(hook)) this.problems.push(`"hook" is none of ${HOOKS.join(', ')}`);
    const at = hook as Hook;
    const [src, dst, family] = this.#addresses();
    const proto = this.#number('proto', PROTOCOLS, 255) ?? this.#missing('proto');
    const ctState = this.#number('ctState', CT_STATE, 64);
    const isTracked = ctState?.values.overlaps(CONNECTED) === true;
    const ct = (key: Key, symbols: Symbols, last: number, unsaid: readonly bigint[]) =>
      this.#number(key, symbols, last) ??
      (isTracked ? { values: IntervalSet.points(...unsaid), absent: true } : ABSENT);
    const direction = ctState?.values.isSubsetOf(NEW) === true ? [0n] : [0n, 1n];
    const sport = this.#number('sport', [], 65535) ?? ABSENT;
    const isTcp = proto.values.contains(6n) && !sport.values.isEmpty();
    const cgroup = this.#get('cgroup');
    if (cgroup !== undefined && typeof cgroup !== 'string') this.problems.push('"cgroup" is no path');
    return {
      hook: at,
      cgroup: typeof cgroup === 'string' ? cgroup.replaceAll(/^\/+|\/+$/g, '') : undefined,
      values: {
        family,
        proto,
        src,
        dst,
        sport,
        dport: this.#number('dport', [], 65535) ?? ABSENT,
        icmpType: this.#number('icmpType', proto.values.contains(58n) ? ICMPV6_TYPE : ICMP_TYPE, 255) ?? ABSENT,
        icmpCode: this.#number('icmpCode', [], 255) ?? ABSENT,
        // A segment has flags, but who does not say which may not have thought of them.
        tcpFlags: this.#flags() ?? (isTcp ? anything('tcpFlags') : ABSENT),
        ctState: ctState ?? known(1n, 64n),
        ctDirection: ct('ctDirection', CT_DIRECTION, 1, direction),
        ctMark: ct('ctMark', [], 0xffffffff, [0n]),
        iif: this.#interface('iif', at !== 'output' && at !== 'postrouting' && at !== 'egress'),
        oif: this.#interface('oif', at !== 'input' && at !== 'prerouting' && at !== 'ingress'),
        skuid: this.#number('skuid', [], 0xffffffff) ?? ABSENT,
        mark: this.#number('mark', [], 0xffffffff) ?? known(0n),
      },
    };
  }

  #missing(key: string): Known {
    if (this.#get(key) === undefined) this.problems.push(`"${key}" is missing`);
    return ABSENT;
  }

  #addresses(): readonly [src: Known, dst: Known, family: Known] {
    const read = (['src', 'dst'] as const).map((key) => {
      const value = this.#get(key);
      if (value === ANY) return undefined;
      const address = typeof value === 'string' ? parseAddress(value) : undefined;
      if (address === undefined) this.problems.push(`"${key}" is no IPv4 or IPv6 address`);
      return address;
    });
    const families = new Set(read.flatMap((a) => (a === undefined ? [] : [a.family])));
    if (families.size > 1) this.problems.push('"src" and "dst" are of two families');
    const [family] = families;
    const any = family === 4 ? IntervalSet.of([0n, 0xffffffffn]) : ALL_VALUES.src;
    const value = (i: number): Known => {
      const address = read[i];
      return address === undefined ? { values: any, absent: false } : known(address.value);
    };
    return [value(0), value(1), family === undefined ? known(4n, 6n) : known(BigInt(family))];
  }

  /** A number, a name of it, or `?`; undefined when the key is absent or wrong (then there is a problem). */
  #number(key: Key, names: Symbols, last: number): Known | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (value === ANY) return anything(key);
    const number = typeof value === 'string' ? (numberOf(names, value) ?? digits(value)) : integer(value);
    if (number !== undefined && number >= 0n && number <= BigInt(last) && isPossible(key, number)) return known(number);
    this.problems.push(`"${key}" is ${JSON.stringify(value)}`);
    return undefined;
  }

  /** `"syn"`, `"syn,ack"`, `["syn", "ack"]` or a number. */
  #flags(): Known | undefined {
    const value = this.#get('tcpFlags');
    if (typeof value === 'number' || value === undefined || value === ANY) return this.#number('tcpFlags', [], 255);
    const list: readonly unknown[] = Array.isArray(value) ? value : String(value).split(/[,|]/);
    const bits = list.map((f) => (typeof f === 'string' ? flagBit(f.trim()) : undefined));
    const sum = bits.reduce<bigint | undefined>(
      (all, b) => (all === undefined || b === undefined ? undefined : all | b),
      0n,
    );
    if (sum === undefined) this.problems.push(`"tcpFlags" is ${JSON.stringify(value)}`);
    return sum === undefined ? undefined : known(sum);
  }

  /** @param isThere whether the hook always has such an interface */
  #interface(key: 'iif' | 'oif', isThere: boolean): Known {
    const value = this.#get(key);
    // Without an interface rules see the empty name (nft_meta.c nft_meta_store_ifname).
    if (value === undefined)
      return isThere ? { values: IntervalSet.point(NO_INTERFACE), absent: true } : known(NO_INTERFACE);
    if (value === ANY) return { values: ALL_VALUES[key], absent: false };
    if (typeof value === 'string' && isInterfaceName(value)) return known(internInterface(value));
    this.problems.push(`"${key}" is no interface name`);
    return ABSENT;
  }
}

const NEW = IntervalSet.point(8n);

const PROTOCOLS: Symbols = [...INET_PROTO, ['icmpv6', 58]];

function isPossible(key: Key, number: bigint): boolean {
  return key !== 'ctState' || ALL_VALUES.ctState.contains(number);
}

function integer(value: unknown): bigint | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

function digits(text: string): bigint | undefined {
  return /^(0x[0-9a-fA-F]{1,8}|[0-9]{1,10})$/.test(text) ? BigInt(text) : undefined;
}

function flagBit(name: string): bigint | undefined {
  return name === '' ? 0n : numberOf(TCP_FLAGS, name === 'ece' ? 'ecn' : name);
}
