import { PacketSet } from '../net/packet-set.ts';
import { type Condition, conditionOf } from './condition.ts';
import { type Chain, findChain, type Rule, type Statement, type Table } from './ruleset.ts';

/** Told of everything that can happen to packets in a base chain. Sets are never empty. */
export interface Observer {
  /** These packets may end here with this verdict; `rule` is undefined for the chain's policy. */
  verdict(verdict: 'accept' | 'drop', packets: PacketSet, chain: Chain, rule: Rule | undefined): void;
  /** What these packets do here cannot be told. */
  unknown(packets: PacketSet, chain: Chain, rule: Rule, why: string): void;
}

/** nftables keeps this many return addresses (net/netfilter/nf_tables_core.c NFT_JUMP_STACK_SIZE). */
const MAX_DEPTH = 16;

/** Bound on visited rules for one base chain: texts can nest jumps so that walking them all never ends. */
const MAX_VISITS = 200_000;

/** Sends packet sets through one base chain, following both outcomes wherever one match may go either way. */
export class Walk {
  readonly #table: Table;
  readonly #observer: Observer;
  readonly #conditions = new Map<Statement, Condition>();
  #visits = 0;

  constructor(table: Table, observer: Observer) {
    this.#table = table;
    this.#observer = observer;
  }

  /** Lets `packets` enter a base chain; every one of them ends in a verdict that the observer is told of. */
  enter(chain: Chain, packets: PacketSet): void {
    const rest = this.#chain(chain, packets, 1);
    if (!rest.isEmpty()) this.#observer.verdict(chain.base?.policy ?? 'accept', rest, chain, undefined);
  }

  /** @returns the packets that leave the chain without a verdict, at its end or by `return` */
  #chain(chain: Chain, packets: PacketSet, depth: number): PacketSet {
    let live = packets;
    const returned: PacketSet[] = [];
    for (const rule of chain.rules) {
      if (live.isEmpty()) break;
      live = this.#rule(chain, rule, live, depth, returned);
    }
    return PacketSet.unionAll([...returned, live]);
  }

  /** @returns the packets that go on to the next rule; those that leave the chain are added to `returned` */
  #rule(chain: Chain, rule: Rule, packets: PacketSet, depth: number, returned: PacketSet[]): PacketSet {
    if (++this.#visits > MAX_VISITS) {
      this.#anything(chain, rule, packets, 'too many jumps to follow them all');
      return packets;
    }
    const skipped: PacketSet[] = [];
    let inside = packets;
    for (const statement of rule.statements) {
      if (inside.isEmpty()) break;
      switch (statement.kind) {
        case 'match': {
          const condition = this.#condition(statement);
          skipped.push(inside.subtract(condition.sure));
          inside = inside.intersect(condition.possible);
          const open = inside.subtract(condition.sure);
          if (!open.isEmpty()) this.#observer.unknown(open, chain, rule, 'a condition outside of the packet model');
          break;
        }
        case 'limit':
          skipped.push(inside);
          this.#observer.unknown(inside, chain, rule, 'a rate limit');
          break;
        case 'counter':
        case 'log':
        case 'set-ct-mark':
          break;
        case 'accept':
          this.#observer.verdict('accept', inside, chain, rule);
          inside = PacketSet.none;
          break;
        case 'drop':
        case 'reject':
          this.#observer.verdict('drop', inside, chain, rule);
          inside = PacketSet.none;
          break;
        case 'return':
          returned.push(inside);
          inside = PacketSet.none;
          break;
        case 'jump':
          inside = this.#jump(chain, rule, statement.target, inside, depth);
          break;
        case 'goto':
          returned.push(this.#jump(chain, rule, statement.target, inside, depth));
          inside = PacketSet.none;
          break;
        case 'unknown':
          // It may be a match, a verdict, or a rewrite after which nothing read here holds for the packet.
          this.#anything(
            chain,
            rule,
            inside,
            `not understood: ${statement.text === '' ? '(not shown)' : statement.text}`,
          );
          skipped.push(inside);
          returned.push(inside);
          break;
      }
    }
    return PacketSet.unionAll([...skipped, inside]);
  }

  #jump(from: Chain, rule: Rule, target: string, packets: PacketSet, depth: number): PacketSet {
    const chain = findChain(this.#table, target);
    if (chain === undefined || depth >= MAX_DEPTH) {
      // Neither can be loaded, so the text is not what the kernel has.
      this.#anything(from, rule, packets, chain === undefined ? `no chain ${target}` : 'jumps too deep');
      return packets;
    }
    return this.#chain(chain, packets, depth + 1);
  }

  #anything(chain: Chain, rule: Rule, packets: PacketSet, why: string): void {
    this.#observer.unknown(packets, chain, rule, why);
    this.#observer.verdict('accept', packets, chain, rule);
    this.#observer.verdict('drop', packets, chain, rule);
  }

  #condition(match: Statement & { kind: 'match' }): Condition {
    let condition = this.#conditions.get(match);
    if (condition === undefined) {
      condition = conditionOf(match, this.#table);
      this.#conditions.set(match, condition);
    }
    return condition;
  }
}
