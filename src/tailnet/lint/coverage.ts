import { AddressSet } from '../../net/address-set.ts';
import { PacketSet } from '../../net/packet-set.ts';
import { parsePrefix } from '../../net/prefix.ts';
import { type Resolved, Resolver } from '../compile/resolver.ts';
import type { ResolvedTarget } from '../compile/rules.ts';
import { rulePackets } from '../filter.ts';
import type { Policy, PolicyRule } from '../policy/policy.ts';
import { sampleDevices } from './sample-devices.ts';

/** What something admits: at least `sure`, at most `upper`. */
export interface Admitted {
  readonly sure: PacketSet;
  readonly upper: PacketSet;
}

/** Something that admits nothing beyond what the others do. */
export interface Covered {
  readonly index: number;
  /** One other that admits all of it, else those that do so together. */
  readonly by: readonly number[];
}

const NOTHING: Admitted = { sure: PacketSet.none, upper: PacketSet.none };

/** Addresses that stand for `autogroup:self` and for `autogroup:internet`, which mean something else on each device. */
const SELF = marker('240.0.0.1/32', '3fff:ffff::1/128');
const INTERNET = marker('240.0.0.2/32', '3fff:ffff::2/128');

function marker(...texts: readonly string[]): AddressSet {
  return AddressSet.ofPrefixes(...texts.flatMap((t) => parsePrefix(t)?.prefix ?? []));
}

/** A destination with what it is known by. */
interface Destination extends ResolvedTarget {
  /** Whether it is known what it means. */
  readonly isSure: boolean;
}

/** The rules of a policy as sets of packets over one device of every kind, so that inclusion holds on every tailnet. */
export class RuleCoverage {
  readonly #resolver: Resolver;

  constructor(policy: Policy) {
    this.#resolver = new Resolver(policy, sampleDevices(policy));
  }

  /**
   * What a whole rule admits of the sources that meet its posture. Via grants choose among routers, so nothing is said of
   * their packets.
   */
  rule(rule: PolicyRule): Admitted {
    return rule.via.length === 0 && rule.hasIp
      ? admitted(rule, this.#sources(rule), this.#destinations(rule).flat())
      : NOTHING;
  }

  /** Whether there are addresses on both sides, but none of one family. */
  isEmptyByFamily(rule: PolicyRule): boolean {
    const families = (sets: readonly AddressSet[]) => ({
      v4: sets.some((s) => !s.v4.isEmpty()),
      v6: sets.some((s) => !s.v6.isEmpty()),
    });
    const from = families(this.#sources(rule).map((s) => s.addresses));
    const to = families(
      this.#destinations(rule)
        .flat()
        .map((t) => destination(t.name)),
    );
    return (from.v4 || from.v6) && (to.v4 || to.v6) && !(from.v4 && to.v4) && !(from.v6 && to.v6);
  }

  /** What each entry of one side of a rule admits by itself, in the order of the file. */
  entries(rule: PolicyRule, side: 'src' | 'dst'): readonly Admitted[] {
    const src = this.#sources(rule);
    const dst = this.#destinations(rule);
    return side === 'src'
      ? src.map((name) => admitted(rule, [name], dst.flat()))
      : dst.map((targets) => admitted(rule, src, targets));
  }

  /** Whether two entries of one side have addresses in common: else none of them is part of others. */
  hasOverlap(rule: PolicyRule, side: 'src' | 'dst'): boolean {
    const sets =
      side === 'src'
        ? this.#sources(rule).map((s) => s.addresses)
        : this.#destinations(rule).map((d) => unionOf(d.map((t) => destination(t.name))));
    let sum = AddressSet.empty;
    return sets.some((set) => {
      const isKnown = set.overlaps(sum);
      sum = sum.union(set);
      return isKnown;
    });
  }

  #sources(rule: PolicyRule): readonly Resolved[] {
    return rule.src.map((ref) => this.#resolver.resolve(ref));
  }

  #destinations(rule: PolicyRule): readonly (readonly Destination[])[] {
    return rule.dst.map((t) =>
      this.#resolver.resolveDestination(t).map((name) => {
        const isPlace = t.selector.kind === 'internet' || t.selector.kind === 'self';
        return { name, ip: t.ip, isSure: (name.exact || isPlace) && t.ip.every((i) => i.validated) };
      }),
    );
  }
}

function admitted(rule: PolicyRule, src: readonly Resolved[], dst: readonly Destination[]): Admitted {
  const upper = packets(src, dst);
  const isAccepted = rule.section === 'grants' || rule.action?.text === 'accept';
  if (!isAccepted || rule.unknownKeys.length + rule.faults.length > 0) return { sure: PacketSet.none, upper };
  const sureSrc = src.filter((s) => s.exact);
  const sureDst = dst.filter((d) => d.isSure);
  const isSure = sureSrc.length === src.length && sureDst.length === dst.length;
  return { sure: isSure ? upper : packets(sureSrc, sureDst), upper };
}

function packets(src: readonly Resolved[], dst: readonly ResolvedTarget[]): PacketSet {
  const from = unionOf(src.map((s) => s.addresses));
  return PacketSet.unionAll(
    dst.flatMap(({ name, ip }) =>
      ip.map(({ protocols, ports }) =>
        rulePackets({ src: from, dst: [{ addresses: destination(name), ports }], protocols }),
      ),
    ),
  );
}

function unionOf(sets: readonly AddressSet[]): AddressSet {
  return sets.reduce((sum, set) => sum.union(set), AddressSet.empty);
}

function destination(name: Resolved): AddressSet {
  switch (name.selector.kind) {
    case 'any':
      return AddressSet.all;
    case 'self':
      return SELF;
    case 'internet':
      return INTERNET;
    case 'member':
      return name.addresses.union(SELF);
    default:
      return name.addresses.subtract(SELF).subtract(INTERNET);
  }
}

/**
 * Those of a list that could go without anything being lost. Of two that admit the same the later one goes. All that are
 * returned could go at once.
 */
export function coveredOnes(list: readonly Admitted[]): Covered[] {
  const covered: Covered[] = [];
  const gone = new Set<number>();
  for (let i = list.length - 1; i >= 0; i--) {
    const by = coversOf(list, i, gone);
    if (by === undefined) continue;
    gone.add(i);
    covered.push({ index: i, by });
  }
  return covered.reverse();
}

/**
 * Others that admit all that entry `i` may: one alone if there is one, else several; undefined if something is left over.
 * Goes by packets that are left: most entries have one that no other admits, which is seen without building a union.
 */
function coversOf(list: readonly Admitted[], i: number, gone: ReadonlySet<number>): readonly number[] | undefined {
  const upper = list[i]?.upper ?? PacketSet.none;
  let left = upper;
  const by: number[] = [];
  while (!left.isEmpty()) {
    const packet = left.sample();
    if (packet === undefined) return undefined;
    const able = list.flatMap((other, j) =>
      j !== i && !gone.has(j) && other.sure.contains(packet) ? [{ j, other }] : [],
    );
    const [first] = able;
    if (first === undefined) return undefined;
    const alone = able.find(({ other }) => upper.isSubsetOf(other.sure));
    if (alone !== undefined) return [alone.j];
    left = left.subtract(first.other.sure);
    by.push(first.j);
  }
  return by.length === 0 ? undefined : by.sort((a, b) => a - b);
}
