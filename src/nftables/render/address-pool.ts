import type { Address, Family } from '../../net/address.ts';
import { AddressSet } from '../../net/address-set.ts';
import { type Prefix, prefixOf } from '../../net/prefix.ts';
import type { Match, NamedSet, Value } from '../ruleset.ts';
import { address, anyAddress } from './statements.ts';

/** The named address sets of one table; the same content under the same wish is one set. */
export class AddressPool {
  readonly #sets = new Map<string, NamedSet>();

  /** The sets, in the order in which they were first needed. */
  get sets(): readonly NamedSet[] {
    return [...this.#sets.values()];
  }

  /**
   * A match for the addresses of one family in `prefixes`: a literal where one block says it all, `meta nfproto` for
   * every address, otherwise a named set.
   * @param wish name of the set, used for this content unless another content has it: then with a number behind it
   * @returns undefined when there is no address of the family
   */
  match(family: Family, field: 'saddr' | 'daddr', prefixes: readonly Prefix[], wish: string): Match | undefined {
    const blocks = canonicalBlocks(family, prefixes);
    const [only] = blocks;
    if (only === undefined) return undefined;
    if (blocks.length === 1 && only.length === 0) return anyAddress(family);
    if (blocks.length === 1) return address(family, field, blockValue(only));
    return address(family, field, { kind: 'named-set', name: this.define(family, prefixes, wish) });
  }

  /** Defines a set with these addresses of one family, or finds it. @returns its name */
  define(family: Family, prefixes: readonly Prefix[], wish: string): string {
    const elements = canonicalBlocks(family, prefixes).map(blockValue);
    for (let n = 1; ; n++) {
      const name = n === 1 ? wish : `${wish}_${n}`;
      const known = this.#sets.get(name);
      if (known === undefined) {
        this.#sets.set(name, {
          name,
          type: { kind: 'type', of: family === 4 ? 'ipv4_addr' : 'ipv6_addr' },
          flags: ['interval'],
          comment: undefined,
          options: [],
          elements,
        });
        return name;
      }
      if (sameElements(known.elements, elements)) return name;
    }
  }
}

/** The fewest blocks of one family, ascending: what nft lists again without merging or splitting. */
export function canonicalBlocks(family: Family, prefixes: readonly Prefix[]): Prefix[] {
  return AddressSet.ofPrefixes(...prefixes.filter((p) => p.family === family)).toPrefixes();
}

/** Addresses as blocks of one. */
export function blocksOf(addresses: readonly Address[]): Prefix[] {
  return addresses.map(prefixOf);
}

function blockValue(block: Prefix): Value {
  const isSingle = block.length === (block.family === 4 ? 32 : 128);
  return isSingle
    ? { kind: 'address', address: { family: block.family, value: block.first } }
    : { kind: 'prefix', prefix: block };
}

function sameElements(a: NamedSet['elements'], b: readonly Value[]): boolean {
  const text = (elements: NamedSet['elements']) =>
    elements
      .map((e) =>
        e.kind === 'address' ? `${e.address.value}` : e.kind === 'prefix' ? `${e.prefix.first}/${e.prefix.length}` : '',
      )
      .join();
  return a.length === b.length && text(a) === text(b);
}
