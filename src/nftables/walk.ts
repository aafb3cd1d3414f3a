import { datatypeOf } from './datatype.ts';
import { hidesFamily, impliedBy } from './implied.ts';
import { isFixed } from './operand.ts';
import {
  type Chain,
  findChain,
  type MapEntry,
  type Match,
  type RewriteEffect,
  type Rule,
  type SetElement,
  type Statement,
  type Table,
  type VerdictMap,
  type VerdictStatement,
} from './ruleset.ts';

/**
 * What a walk sends through a chain: packet sets with what the rules have changed about them, or one concrete packet in
 * all the ways it can be. Nothing here depends on which.
 */
export interface Domain<S> {
  readonly none: S;
  isEmpty(packets: S): boolean;
  union(parts: readonly S[]): S;
  /** Splits by a match: `yes` can match, `no` can fail to, and `open`, the part in both, may do either. */
  split(match: Match, packets: S): { readonly yes: S; readonly no: S; readonly open: S };
  /** The packets after a rewrite; `anything` is what a statement that nobody understands may have done. */
  rewrite(effect: RewriteEffect | { readonly kind: 'anything' }, packets: S): S;
}

/** Told of everything that can happen to packets in a base chain. Sets are never empty. */
export interface Observer<S> {
  /** These packets may end here with this verdict; `rule` is undefined for the chain's policy. */
  verdict(verdict: 'accept' | 'drop', packets: S, chain: Chain, rule: Rule | undefined): void;
  /** What these packets do here cannot be told. */
  unknown(packets: S, chain: Chain, rule: Rule, why: string): void;
}

/** nftables keeps this many return addresses (net/netfilter/nf_tables_core.c NFT_JUMP_STACK_SIZE). */
const MAX_DEPTH = 16;

/** Bound on visited rules for one base chain: texts can nest jumps so that walking them all never ends. */
const MAX_VISITS = 200_000;

/** Packets inside one rule, and those that have left it for the next rule or for the end of the chain. */
interface Flow<S> {
  inside: S;
  readonly skipped: S[];
  readonly returned: S[];
}

/** Where a rule stands. */
interface Place {
  readonly chain: Chain;
  readonly rule: Rule;
  readonly depth: number;
}

/** Sends packets through one base chain, following both outcomes wherever one match may go either way. */
export class Walk<S> {
  readonly #table: Table;
  readonly #domain: Domain<S>;
  readonly #observer: Observer<S>;
  #visits = 0;

  constructor(table: Table, domain: Domain<S>, observer: Observer<S>) {
    this.#table = table;
    this.#domain = domain;
    this.#observer = observer;
  }

  /** Lets `packets` enter a base chain; every one of them ends in a verdict that the observer is told of. */
  enter(chain: Chain, packets: S): void {
    const rest = this.#chain(chain, packets, 1);
    if (!this.#domain.isEmpty(rest)) this.#observer.verdict(chain.base?.policy ?? 'accept', rest, chain, undefined);
  }

  /** @returns the packets that leave the chain without a verdict, at its end or by `return` */
  #chain(chain: Chain, packets: S, depth: number): S {
    let live = packets;
    const returned: S[] = [];
    for (const rule of chain.rules) {
      if (this.#domain.isEmpty(live)) break;
      const flow: Flow<S> = { inside: live, skipped: [], returned };
      live = this.#rule({ chain, rule, depth }, flow);
    }
    return this.#domain.union([...returned, live]);
  }

  /** @returns the packets that go on to the next rule */
  #rule(place: Place, flow: Flow<S>): S {
    if (++this.#visits > MAX_VISITS) {
      return this.#anything(place, flow.inside, 'too many jumps to follow them all');
    }
    for (const statement of place.rule.statements) {
      if (this.#domain.isEmpty(flow.inside)) break;
      this.#statement(place, statement, flow);
    }
    return this.#domain.union([...flow.skipped, flow.inside]);
  }

  #statement(place: Place, statement: Statement, flow: Flow<S>): void {
    for (const implied of impliedBy(statement)) {
      const { yes, no } = this.#domain.split(implied, flow.inside);
      flow.skipped.push(no);
      flow.inside = yes;
      if (this.#domain.isEmpty(yes)) return;
    }
    switch (statement.kind) {
      case 'match': {
        const { yes, no, open } = this.#domain.split(statement, flow.inside);
        if (!this.#domain.isEmpty(open)) this.#unknown(place, open, 'a condition outside of the packet model');
        flow.skipped.push(no);
        flow.inside = yes;
        return;
      }
      case 'limit':
      case 'condition':
        flow.skipped.push(flow.inside);
        this.#unknown(
          place,
          flow.inside,
          statement.kind === 'limit' ? 'a rate limit' : `not modelled: ${statement.text}`,
        );
        return;
      case 'counter':
      case 'log':
        return;
      case 'set-ct-mark': {
        const value = { base: 'ct mark', and: ~statement.or & 0xffffffffn, xor: statement.or } as const;
        flow.inside = this.#domain.rewrite({ kind: 'mark', of: 'ct mark', value }, flow.inside);
        return;
      }
      case 'rewrite':
        flow.inside = this.#domain.rewrite(statement.effect, flow.inside);
        // The translation is set up and the chain is done with the packet (nft_nat.c nft_nat_eval, nf_nat_setup_info).
        if (statement.effect.kind === 'nat') this.#verdict(place, { kind: 'accept' }, flow);
        return;
      case 'vmap':
        this.#verdictMap(place, statement, flow);
        return;
      case 'reject':
        if (hidesFamily(statement.with, place.rule, this.#table)) {
          flow.skipped.push(flow.inside);
          this.#unknown(place, flow.inside, 'nft does not show whether this reset is for one family only');
        }
        this.#verdict(place, { kind: 'drop' }, flow);
        return;
      case 'unknown':
        this.#unread(place, statement.text, flow);
        return;
      default:
        this.#verdict(place, statement, flow);
    }
  }

  /** Ends the rule for all packets inside. */
  #verdict(place: Place, verdict: VerdictStatement | { readonly kind: 'drop' }, flow: Flow<S>): void {
    const packets = flow.inside;
    flow.inside = this.#domain.none;
    switch (verdict.kind) {
      case 'accept':
      case 'drop':
        this.#observer.verdict(verdict.kind, packets, place.chain, place.rule);
        return;
      case 'return':
        flow.returned.push(packets);
        return;
      case 'continue':
        flow.skipped.push(packets);
        return;
      case 'jump':
        flow.inside = this.#jump(place, verdict.target, packets);
        return;
      case 'goto':
        flow.returned.push(this.#jump(place, verdict.target, packets));
        return;
    }
  }

  /** The verdict of the entry for the packet's value; without an entry the rule ends (nft_lookup.c nft_lookup_eval). */
  #verdictMap(place: Place, statement: VerdictMap, flow: Flow<S>): void {
    const entries = this.#entriesOf(statement);
    if (entries === undefined) {
      this.#unread(place, `the content of ${statement.text}`, flow);
      return;
    }
    const inside: S[] = [];
    let rest = flow.inside;
    for (const { key, verdict } of entries) {
      if (this.#domain.isEmpty(rest)) break;
      const { yes, no, open } = this.#domain.split(keyMatch(statement, key), rest);
      if (!this.#domain.isEmpty(open)) this.#unknown(place, open, 'a condition outside of the packet model');
      flow.inside = yes;
      if (!this.#domain.isEmpty(yes)) {
        if (verdict.kind === 'unknown') this.#unread(place, verdict.text, flow);
        else this.#verdict(place, verdict, flow);
        inside.push(flow.inside);
      }
      rest = no;
    }
    flow.skipped.push(rest);
    flow.inside = this.#domain.union(inside);
  }

  #entriesOf({ map, selector }: VerdictMap): readonly MapEntry[] | undefined {
    if (typeof map !== 'string') return map;
    const named = this.#table.maps?.find((m) => m.name === map);
    const type = datatypeOf(selector);
    return named === undefined || type === undefined || !isFixed(named, type, this.#table) ? undefined : named.entries;
  }

  /** It may be a match, a verdict, or a rewrite after which nothing read here holds for the packet. */
  #unread(place: Place, text: string, flow: Flow<S>): void {
    flow.inside = this.#anything(place, flow.inside, `not understood: ${text === '' ? '(not shown)' : text}`);
    flow.skipped.push(flow.inside);
    flow.returned.push(flow.inside);
  }

  #jump(place: Place, target: string, packets: S): S {
    const chain = findChain(this.#table, target);
    // Neither can be loaded, so the text is not what the kernel has.
    if (chain === undefined) return this.#anything(place, packets, `no chain ${target}`);
    if (place.depth >= MAX_DEPTH) return this.#anything(place, packets, 'jumps too deep');
    return this.#chain(chain, packets, place.depth + 1);
  }

  #anything({ chain, rule }: Place, packets: S, why: string): S {
    this.#observer.unknown(packets, chain, rule, why);
    const after = this.#domain.rewrite({ kind: 'anything' }, packets);
    this.#observer.verdict('accept', after, chain, rule);
    this.#observer.verdict('drop', after, chain, rule);
    return after;
  }

  #unknown({ chain, rule }: Place, packets: S, why: string): void {
    this.#observer.unknown(packets, chain, rule, why);
  }
}

const keyMatches = new WeakMap<SetElement, Match>();

/** The match that an entry of a verdict map amounts to; the same one each time, so that a domain can remember it. */
function keyMatch({ selector }: VerdictMap, key: SetElement): Match {
  const known = keyMatches.get(key);
  if (known?.selector === selector) return known;
  const right: Match['right'] =
    key.kind === 'unknown' ? { kind: 'named-set', name: '' } : { kind: 'set', elements: [key] };
  const match: Match = { kind: 'match', selector, op: '==', right };
  keyMatches.set(key, match);
  return match;
}
