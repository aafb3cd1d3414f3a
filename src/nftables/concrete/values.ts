import { DOMAIN } from '../../net/field.ts';
import { IntervalSet } from '../../net/interval-set.ts';
import type { Hook } from '../ruleset.ts';

/** What a concrete packet can carry. `ctState` and `tcpFlags` are bits as in `symbols.ts`, `family` is 4 or 6. */
export type Key =
  | 'family'
  | 'proto'
  | 'src'
  | 'dst'
  | 'sport'
  | 'dport'
  | 'icmpType'
  | 'icmpCode'
  | 'tcpFlags'
  | 'ctState'
  | 'ctDirection'
  | 'ctMark'
  | 'iif'
  | 'oif'
  | 'skuid'
  | 'mark';

/** What is known of one value: it is one of `values`, or, if `absent`, the packet has none. */
export interface Known {
  readonly values: IntervalSet;
  readonly absent: boolean;
}

/** A packet at one hook. */
export interface ConcretePacket {
  readonly hook: Hook;
  readonly values: Readonly<Record<Key, Known>>;
  /** Path of the sender's control group, undefined for none, `?` for any. */
  readonly cgroup: string | undefined;
}

/** All values of a key. */
export const ALL_VALUES: Readonly<Record<Key, IntervalSet>> = {
  family: DOMAIN.family,
  proto: DOMAIN.proto,
  src: DOMAIN.src,
  dst: DOMAIN.dst,
  sport: DOMAIN.sport,
  dport: DOMAIN.dport,
  icmpType: DOMAIN.icmpType,
  icmpCode: DOMAIN.icmpCode,
  tcpFlags: IntervalSet.of([0n, 255n]),
  ctState: IntervalSet.points(1n, 2n, 4n, 8n, 64n),
  ctDirection: IntervalSet.of([0n, 1n]),
  ctMark: DOMAIN.mark,
  iif: DOMAIN.iif,
  oif: DOMAIN.oif,
  skuid: IntervalSet.of([0n, (1n << 32n) - 1n]),
  mark: DOMAIN.mark,
};

/** Values of `ctState` of packets that have a connection. */
export const CONNECTED: IntervalSet = IntervalSet.points(2n, 4n, 8n);

/** The value is there and one of these. */
export function known(...values: readonly bigint[]): Known {
  return { values: IntervalSet.points(...values), absent: false };
}

/** There is no value. */
export const ABSENT: Known = { values: IntervalSet.empty, absent: true };

/** Nothing is known. */
export function anything(key: Key): Known {
  return { values: ALL_VALUES[key], absent: true };
}

/** The value of a key where some condition holds for sure, perhaps or not at all: elsewhere there is none. */
export function where(value: Known, holds: 'yes' | 'maybe' | 'no'): Known {
  if (holds === 'no') return ABSENT;
  return holds === 'yes' ? value : { ...value, absent: true };
}

/** Whether a value is one of these. */
export function isAmong(value: Known, wanted: IntervalSet): 'yes' | 'maybe' | 'no' {
  if (!value.values.overlaps(wanted)) return 'no';
  return !value.absent && value.values.isSubsetOf(wanted) ? 'yes' : 'maybe';
}

/** What is known when a value is this or that. */
export function either(a: Known, b: Known): Known {
  return { values: a.values.union(b.values), absent: a.absent || b.absent };
}
