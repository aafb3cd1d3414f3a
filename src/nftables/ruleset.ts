import type { Address } from '../net/address.ts';
import type { Prefix } from '../net/prefix.ts';
import type { Span } from '../source/span.ts';

/** Table families of nft(8). */
export type TableFamily = 'inet' | 'ip' | 'ip6' | 'arp' | 'bridge' | 'netdev';

/** Hooks of base chains, as nft(8) names them. */
export type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress';

/** What `nft -s list ruleset` shows: tables in the order of the listing. */
export interface Ruleset {
  readonly tables: readonly Table[];
}

/** One table. Spans are present on what was parsed and absent on what was rendered. */
export interface Table {
  readonly family: TableFamily;
  readonly name: string;
  /** `dormant`, `owner`, `persist`: a dormant table is listed but not in force. */
  readonly flags: readonly string[];
  readonly comment: string | undefined;
  readonly counters: readonly NamedCounter[];
  readonly sets: readonly NamedSet[];
  /** The maps among `others`, read; absent where nobody read them (rendered tables have none). */
  readonly maps?: readonly NamedMap[];
  /** True where only the JSON was listed and it has a `flags` key: nft 1.0.6 prints nonsense as its value. */
  readonly flagsUnread?: boolean;
  /** Maps, flowtables, ct helpers, quotas and whatever else a table may hold: kept as text. */
  readonly others: readonly OtherObject[];
  readonly chains: readonly Chain[];
  readonly span?: Span;
}

/** A named counter; its values are state, not rules, and are not kept. */
export interface NamedCounter {
  readonly name: string;
  readonly comment: string | undefined;
  readonly span?: Span;
}

/** A named set. */
export interface NamedSet {
  readonly name: string;
  /** `type X` or `typeof X` as written: `{ kind: 'type', of: 'ipv4_addr' }`. */
  readonly type: { readonly kind: 'type' | 'typeof'; readonly of: string };
  /** `interval`, `constant`, `dynamic`, `timeout`. */
  readonly flags: readonly string[];
  readonly comment: string | undefined;
  /** Further lines (`size 128`, `timeout 1h`, `auto-merge`) as written. */
  readonly options: readonly string[];
  /** In the order of the listing; empty = matches nothing. */
  readonly elements: readonly SetElement[];
  readonly span?: Span;
}

/** A named map: verdicts by key, or values (whose content nobody asks for). */
export interface NamedMap {
  readonly name: string;
  /** Of the keys, as in a named set. */
  readonly type: NamedSet['type'];
  /** As in a named set. */
  readonly flags: readonly string[];
  /** Undefined for a map to something other than verdicts. */
  readonly entries: readonly MapEntry[] | undefined;
}

/** What a verdict map does with packets of this key; an `unknown` statement is a verdict that was not understood. */
export interface MapEntry {
  readonly key: SetElement;
  readonly verdict: VerdictStatement | UnknownStatement;
}

/** A table object that has no model of its own. */
export interface OtherObject {
  /** First word of its header: `map`, `flowtable`, `ct helper`, `quota`… */
  readonly kind: string;
  readonly name: string;
  /** The lines between its braces, without indentation. */
  readonly lines: readonly string[];
  readonly span?: Span;
}

/** A chain: with `base` it is hooked into the packet path, without it is reached by jump or goto only. */
export interface Chain {
  readonly name: string;
  readonly comment: string | undefined;
  readonly base: BaseChain | undefined;
  readonly rules: readonly Rule[];
  readonly span?: Span;
}

/** How a chain hangs in the packet path. */
export interface BaseChain {
  readonly type: 'filter' | 'nat' | 'route';
  readonly hook: Hook;
  /** Lower runs earlier. */
  readonly priority: number;
  /** Verdict for packets that reach the end. */
  readonly policy: 'accept' | 'drop';
  /** Interfaces of a netdev (or inet ingress) chain; empty elsewhere. */
  readonly devices: readonly string[];
  /** `flags offload`: the network card runs the rules, and what it accepts or drops the kernel may never see. */
  readonly offload?: boolean;
}

/** One rule: statements from left to right; a match that fails ends the rule. */
export interface Rule {
  readonly statements: readonly Statement[];
  readonly comment: string | undefined;
  readonly handle?: number;
  readonly span?: Span;
}

/** One statement of a rule. */
export type Statement =
  | Match
  | { readonly kind: 'counter' /** Undefined for an anonymous one. */; readonly name: string | undefined }
  | VerdictStatement
  | { readonly kind: 'reject' /** Text after `with`. */; readonly with: string | undefined }
  | Log
  | Limit
  | SetMark
  | VerdictMap
  | Rewrite
  | Condition
  | UnknownStatement;

/** What ends a rule; `continue` goes on with the next one. */
export type VerdictStatement =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly kind: 'jump' | 'goto'; readonly target: string };

/** `selector op right`. A selector that has no value for a packet never matches, whatever the operator. */
export interface Match {
  readonly kind: 'match';
  readonly selector: Selector;
  /** With an `any-bit` right side `==` is nft's implicit test (some bit is set) and `!=` its `!` (none is). */
  readonly op: '==' | '!=' | '<' | '>' | '<=' | '>=';
  readonly right: Operand;
}

/** `selector vmap …`: the verdict of the packet's value; without one the rule ends like at a match that fails. */
export interface VerdictMap {
  readonly kind: 'vmap';
  readonly selector: Selector;
  /** The name of a map of the table, or the entries themselves. */
  readonly map: string | readonly MapEntry[];
  /** As nft prints it. */
  readonly text: string;
}

/** A statement that changes the packet, or what is known of it, and lets the rule go on or end it with an accept. */
export interface Rewrite {
  readonly kind: 'rewrite';
  readonly effect: RewriteEffect;
  /** As nft prints it. */
  readonly text: string;
}

export type RewriteEffect =
  /** `meta mark set …`, `ct mark set …`; without a value it can be any. */
  | { readonly kind: 'mark'; readonly of: MarkKind; readonly value: MarkValue | undefined }
  /** `dnat`, `redirect` (destination) or `snat`, `masquerade` (source): addresses and ports change, the chain accepts. */
  | {
      readonly kind: 'nat';
      readonly side: 'src' | 'dst';
      /** Packets of the other family go on unchanged (nft_nat.c nft_nat_inet_eval). */
      readonly family?: 4 | 6;
    }
  /** `ip daddr set …` and the like. */
  | { readonly kind: 'payload'; readonly protocol: string; readonly field: string }
  | { readonly kind: 'notrack' }
  /** Something that no match of the model looks at (`meta priority set`, `ct helper set`, `tcp option maxseg size set`). */
  | { readonly kind: 'aside' };

export type MarkKind = 'meta mark' | 'ct mark';

/** `(base & and) ^ xor`, where `base` is a mark of the packet or 0. */
export interface MarkValue {
  readonly base: MarkKind | undefined;
  readonly and: bigint;
  readonly xor: bigint;
}

/** A match that is not modelled: it may hold or not, and does nothing else. */
export interface Condition {
  readonly kind: 'condition';
  /** As listed. */
  readonly text: string;
}

/** What a match looks at. */
export type Selector =
  | { readonly kind: 'meta'; readonly key: MetaKey; readonly mask?: bigint }
  | {
      readonly kind: 'payload';
      readonly protocol: PayloadProtocol;
      readonly field: string;
      readonly mask?: bigint;
    }
  | { readonly kind: 'ct'; readonly key: 'state' | 'direction' | 'status' }
  /** `fib daddr type`; flags in nft's order (`daddr`, `iif`…). */
  | { readonly kind: 'fib-type'; readonly flags: readonly string[] }
  | { readonly kind: 'concat'; readonly parts: readonly Selector[] }
  | { readonly kind: 'ct'; readonly key: 'mark'; readonly mask?: bigint }
  /** The level is undefined where only the JSON was listed, which loses it. */
  | { readonly kind: 'socket-cgroup'; readonly level: number | undefined };

export type MetaKey =
  | 'iif'
  | 'oif'
  | 'iifname'
  | 'oifname'
  | 'l4proto'
  | 'nfproto'
  | 'protocol'
  | 'mark'
  | 'skuid'
  | 'skgid'
  | 'pkttype';

export type PayloadProtocol = 'ip' | 'ip6' | 'tcp' | 'udp' | 'th' | 'icmp' | 'icmpv6' | 'ether';

/** The right side of a match. */
export type Operand =
  | Value
  | { readonly kind: 'set'; readonly elements: readonly Value[] }
  | { readonly kind: 'named-set'; readonly name: string }
  /** `ct state established,new`: any of the bits; bits as in `symbols.ts` CT_STATE. */
  | { readonly kind: 'any-bit'; readonly bits: readonly bigint[] };

/** One value or one interval of values, in the selector's own type. */
export type Value =
  | { readonly kind: 'number'; readonly value: bigint }
  | { readonly kind: 'number-range'; readonly first: bigint; readonly last: bigint }
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'prefix'; readonly prefix: Prefix }
  | { readonly kind: 'address-range'; readonly first: Address; readonly last: Address }
  /** An interface name or a path, without its quotes; a trailing `*` of a name is a wildcard. */
  | { readonly kind: 'string'; readonly text: string }
  /** A value for each part of a concatenation. */
  | { readonly kind: 'concat'; readonly parts: readonly Value[] };

/** An element of a named set; what has a timeout, a counter or an unread shape is `unknown`. */
export type SetElement = Value | { readonly kind: 'unknown'; readonly text: string };

export interface Log {
  readonly kind: 'log';
  readonly prefix: string | undefined;
  readonly group: number | undefined;
  /** Further options (`level info flags all`) as written. */
  readonly options: string | undefined;
}

/** `limit rate N/unit burst B packets`: matches as long as the rate holds (`over`: as long as it does not). */
export interface Limit {
  readonly kind: 'limit';
  readonly over: boolean;
  readonly rate: number;
  readonly unit: 'second' | 'minute' | 'hour' | 'day' | 'week';
  readonly burst: number | undefined;
}

/** `ct mark set ct mark | bits`: remembers something about the connection. */
export interface SetMark {
  readonly kind: 'set-ct-mark';
  /** Bits that are added to the mark. */
  readonly or: bigint;
}

/** A statement nobody here understands: it may match or not, end the rule with any verdict, or rewrite the packet. */
export interface UnknownStatement {
  readonly kind: 'unknown';
  /** As listed; empty where nft printed nothing (a statement it cannot show leaves only a blank). */
  readonly text: string;
}

/** The name of every table of ours. */
export const OWN_TABLE = 'cordon';

/** True for `inet cordon` and `netdev cordon`: all that cordon ever writes. */
export function isOwnTable(table: { readonly family: string; readonly name: string }): boolean {
  return table.name === OWN_TABLE && (table.family === 'inet' || table.family === 'netdev');
}

/** The chain of this name, or undefined when the table has none. */
export function findChain(table: Table, name: string): Chain | undefined {
  return table.chains.find((c) => c.name === name);
}
