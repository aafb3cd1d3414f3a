import type { Family } from './address.ts';
import { AddressSet } from './address-set.ts';
import { diagramWeight, FALSE, type Node, reachable, sweep, TRUE, test } from './diagram.ts';
import { apply, clearApplyCaches, type Operation } from './diagram-apply.ts';
import { accepts, forgetLevels, forgetProtocol, unionAll, valuesAt } from './diagram-project.ts';
import { DOMAIN, FIELDS, type Field, ICMP_PROTOCOLS, PORT_PROTOCOLS } from './field.ts';
import { LEVEL_FIELDS, type LevelField, levelOf } from './field-level.ts';
import { IntervalSet } from './interval-set.ts';
import type { Packet } from './packet.ts';
import { type Box, boxesOf } from './packet-boxes.ts';
import { samplePacket } from './packet-sample.ts';
import { packetValue } from './packet-values.ts';
import { ID_LIMIT } from './partition.ts';

/** All sets in use, by their pair of diagrams. Weak: a set that nobody holds any more does not keep its nodes. */
const interned = new Map<number, WeakRef<PacketSet>>();

/** The tables are swept when they have grown to this weight; afterwards when it has doubled. */
const SWEEP_FROM = 1_000_000;
let sweepAt = SWEEP_FROM;
let nextId = 0;

/**
 * An immutable set of packets, in canonical form: two sets with the same packets are the same object, so `===` is
 * equality of meaning and a set can be the key of a Map.
 *
 * Fields that a packet does not have never tell sets apart. Ports exist for `PORT_PROTOCOLS`, type and code for
 * `ICMP_PROTOCOLS`; asking for some of them excludes every other protocol, and packets without them count as having any
 * value. An address belongs to one family.
 *
 * Memory: the nodes of the diagrams and their partitions live in tables shared by all sets. Sets are held weakly; when
 * the tables have doubled, what no living set reaches leaves them, together with the remembered results. So a process
 * that runs for long keeps what it uses, at most doubled, and nothing needs to be reset by hand. (The engine lets go of
 * sets only between jobs, so within one synchronous computation everything stays.)
 */
export class PacketSet {
  /** No packet. */
  static readonly none: PacketSet = PacketSet.#of(FALSE, FALSE);
  /** Every packet of both families. */
  static readonly all: PacketSet = PacketSet.#of(TRUE, TRUE);

  /** Unique among the sets in use; it makes structural comparison (of test libraries, say) tell sets apart. */
  readonly id: number;
  readonly #v4: Node;
  readonly #v6: Node;

  private constructor(v4: Node, v6: Node) {
    this.id = nextId++;
    this.#v4 = v4;
    this.#v6 = v6;
  }

  /** Must be the last step of an operation: it may sweep, after which only nodes of living sets are good. */
  static #of(v4: Node, v6: Node): PacketSet {
    const key = v4.id * ID_LIMIT + v6.id;
    const known = interned.get(key)?.deref();
    if (known !== undefined) return known;
    const set = new PacketSet(v4, v6);
    interned.set(key, new WeakRef(set));
    if (diagramWeight() + interned.size > sweepAt) {
      PacketSet.sweep();
    }
    return set;
  }

  /**
   * Gives back what only sets took that nobody holds any more. Happens by itself when the tables have doubled; a process
   * that runs for long may ask for it between rounds.
   */
  static sweep(): void {
    const roots: Node[] = [];
    for (const [key, reference] of interned) {
      const set = reference.deref();
      if (set === undefined) interned.delete(key);
      else roots.push(set.#v4, set.#v6);
    }
    clearApplyCaches();
    sweep(roots);
    sweepAt = Math.max(SWEEP_FROM, 2 * (diagramWeight() + interned.size));
  }

  /**
   * The packets whose every field has a value of the set given for it; fields left out may have any value.
   *
   * Values outside a field's domain match nothing. `src` and `dst` are numbers, read in each family's own range: give
   * `family` too, or use `addressesToPackets`, unless both are meant. `sport` and `dport` that are not the full range
   * leave protocols without ports out, `icmpType` and `icmpCode` all but ICMP and ICMPv6; so a box that asks for both
   * is empty.
   */
  static box(fields: Partial<Record<Field, IntervalSet>>): PacketSet {
    const narrowed = new Map<LevelField, IntervalSet>();
    for (const field of LEVEL_FIELDS) {
      const set = within(fields[field], DOMAIN[field]);
      if (set !== undefined && !set.equals(DOMAIN[field])) narrowed.set(field, set);
    }
    const only = (protocols: IntervalSet) =>
      narrowed.set('proto', (narrowed.get('proto') ?? DOMAIN.proto).intersect(protocols));
    if (narrowed.has('sport') || narrowed.has('dport')) only(PORT_PROTOCOLS);
    if (narrowed.has('icmpType') || narrowed.has('icmpCode')) only(ICMP_PROTOCOLS);
    const diagram = (family: Family): Node => {
      if (fields.family?.contains(BigInt(family)) === false) return FALSE;
      return LEVEL_FIELDS.reduceRight<Node>((node, field) => {
        const set = narrowed.get(field);
        return set === undefined ? node : test(levelOf(field, family), set, node);
      }, TRUE);
    };
    return PacketSet.#of(diagram(4), diagram(6));
  }

  /** The packets whose `field` is an address of `set`. */
  static ofAddresses(field: 'src' | 'dst', set: AddressSet): PacketSet {
    return PacketSet.#of(test(levelOf(field, 4), set.v4, TRUE), test(levelOf(field, 6), set.v6, TRUE));
  }

  /** The union of many sets; much faster than one `union` after the other. */
  static unionAll(sets: Iterable<PacketSet>): PacketSet {
    // All sets first: producing one may sweep, and only held sets keep their nodes.
    const held = [...new Set(sets)];
    return PacketSet.#of(unionAll(held.map((s) => s.#v4)), unionAll(held.map((s) => s.#v6)));
  }

  #apply(op: Operation, other: PacketSet): PacketSet {
    return PacketSet.#of(apply(op, this.#v4, other.#v4), apply(op, this.#v6, other.#v6));
  }

  /** The packets of either set. For many sets use `unionAll`: the results on the way to the last one are kept a while. */
  union(other: PacketSet): PacketSet {
    return this.#apply('union', other);
  }

  /** The packets of both sets. */
  intersect(other: PacketSet): PacketSet {
    return this.#apply('intersect', other);
  }

  /** The packets of this set that `other` does not have. */
  subtract(other: PacketSet): PacketSet {
    return this.#apply('subtract', other);
  }

  /** Every packet that is not in this set. */
  complement(): PacketSet {
    return PacketSet.all.subtract(this);
  }

  isEmpty(): boolean {
    return this === PacketSet.none;
  }

  equals(other: PacketSet): boolean {
    return this === other;
  }

  isSubsetOf(other: PacketSet): boolean {
    return this.subtract(other).isEmpty();
  }

  overlaps(other: PacketSet): boolean {
    return !this.intersect(other).isEmpty();
  }

  /** The packets of this set whose `field` has a value of `values`; reads `values` as `box` does. */
  restrict(field: Field, values: IntervalSet): PacketSet {
    return this.intersect(PacketSet.box({ [field]: values }));
  }

  /**
   * The packets that agree with some packet of this set on every other field that both of them have. Forgetting the
   * protocol carries ports from one protocol with ports to another, and lets any protocol without them pass; forgetting
   * the family lets any address of the other family pass, because an address says nothing across families. The result
   * always includes this set; for these two fields a second time may add more, for the others it changes nothing.
   */
  forget(field: Field): PacketSet {
    if (field === 'proto') return PacketSet.#of(forgetProtocol(this.#v4), forgetProtocol(this.#v6));
    if (field === 'family') {
      const anywhere4 = forgetLevels(this.#v4, [levelOf('src', 4), levelOf('dst', 4)]);
      const anywhere6 = forgetLevels(this.#v6, [levelOf('src', 6), levelOf('dst', 6)]);
      return PacketSet.#of(apply('union', this.#v4, anywhere6), apply('union', this.#v6, anywhere4));
    }
    return PacketSet.#of(forgetLevels(this.#v4, [levelOf(field, 4)]), forgetLevels(this.#v6, [levelOf(field, 6)]));
  }

  /**
   * The values of `field` in the packets of this set. Packets that do not have the field count as having any value, so
   * restrict to protocols with ports before asking for ports. For `src` and `dst` the numbers of both families are in
   * one set; `addresses` keeps them apart.
   */
  values(field: Field): IntervalSet {
    if (field === 'family') {
      return IntervalSet.points(...(this.#v4 === FALSE ? [] : [4n]), ...(this.#v6 === FALSE ? [] : [6n]));
    }
    return valuesAt(this.#v4, levelOf(field, 4)).union(valuesAt(this.#v6, levelOf(field, 6)));
  }

  /** The source or destination addresses of the packets of this set. */
  addresses(field: 'src' | 'dst'): AddressSet {
    return AddressSet.ofIntervals(valuesAt(this.#v4, levelOf(field, 4)), valuesAt(this.#v6, levelOf(field, 6)));
  }

  /**
   * True when the set has this packet; a packet with an address of the wrong family is in no set.
   * @throws RangeError when the packet names an impossible interface and the set decides on it
   */
  contains(p: Packet): boolean {
    if (p.src.family !== p.family || p.dst.family !== p.family) return false;
    return accepts(p.family === 4 ? this.#v4 : this.#v6, (level) => packetValue(p, level));
  }

  /**
   * One packet of the set, always the same for the same set and wishes; undefined for the empty set.
   * @param prefer values to take where the set has a packet with them, in order; fields earlier in decision order come
   * first. Without wishes: IPv4, TCP, lowest addresses, source port 40000, destination port 443, a new connection, no
   * interface, no socket, no mark, each where the set allows it.
   */
  sample(prefer: Partial<Record<Field, readonly bigint[]>> = {}): Packet | undefined {
    let set: PacketSet = this;
    for (const field of FIELDS) {
      for (const value of prefer[field] ?? []) {
        const narrowed = set.restrict(field, IntervalSet.point(value));
        if (narrowed.isEmpty()) continue;
        set = narrowed;
        break;
      }
    }
    if (set.#v4 !== FALSE) return samplePacket(set.#v4, 4);
    return set.#v6 === FALSE ? undefined : samplePacket(set.#v6, 6);
  }

  /**
   * Disjoint boxes that together are this set, IPv4 first, in a stable order.
   * @param limit stop after this many; a caller that gives one must not take what comes for the whole set
   */
  *boxes(limit = Number.POSITIVE_INFINITY): Generator<Box> {
    let left = limit;
    for (const [root, family] of [
      [this.#v4, 4],
      [this.#v6, 6],
    ] as const) {
      for (const box of boxesOf(root, family)) {
        if (left-- <= 0) return;
        yield box;
      }
    }
  }

  /** How many decision nodes the set needs; a measure of its size in memory. */
  get nodeCount(): number {
    return reachable([this.#v4, this.#v6]).size;
  }
}

/** `set` cut to the domain, and itself where nothing is cut, since what is known of a set is known of the object. */
function within(set: IntervalSet | undefined, domain: IntervalSet): IntervalSet | undefined {
  return set?.isSubsetOf(domain) ? set : set?.intersect(domain);
}

/** The packets whose `field` is an address of `set`, each in its own family. */
export function addressesToPackets(field: 'src' | 'dst', set: AddressSet): PacketSet {
  return PacketSet.ofAddresses(field, set);
}
