import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatHujson } from '../../../src/tailnet/hujson/format.ts';
import { compiled } from '../../tailnet/support.ts';
import { devices, type Grant, grant, listOf, meaningFor, policyWith } from './worlds.ts';

const world = fc.tuple(devices(), listOf(grant));
const seeds = fc.array(fc.nat(), { minLength: 24, maxLength: 24 });

/** The same for every device, from either policy. */
function expectSameMeaning(
  list: ReturnType<typeof devices> extends fc.Arbitrary<infer D> ? D : never,
  a: string | object,
  b: string | object,
) {
  const [one, other] = [compiled(a, list), compiled(b, list)];
  for (const d of list) expect(meaningFor(other, d.id)).toEqual(meaningFor(one, d.id));
}

/** One grant for every source, destination and port entry. */
function split(grants: readonly Grant[]): Grant[] {
  return grants.flatMap((g) =>
    g.src.flatMap((src) => g.dst.flatMap((dst) => g.ip.map((ip) => ({ ...g, src: [src], dst: [dst], ip: [ip] })))),
  );
}

/** Grants that differ in their sources alone, as one. */
function merge(grants: readonly Grant[]): Grant[] {
  const rest = ({ dst, ip, via }: Grant) => JSON.stringify([dst, ip, via]);
  return [...Map.groupBy(grants, rest).values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, src: [...new Set(group.flatMap((g) => g.src))] }];
  });
}

/** Grants as the entries of `acls` that say the same; undefined where there are none. */
function legacy(grants: readonly Grant[]): object[] | undefined {
  if (grants.some((g) => g.via !== undefined || g.ip.some((ip) => ip.includes('icmp')))) return undefined;
  return grants.flatMap(({ src, dst, ip }) =>
    ip.map((entry) => {
      const [proto, ports] = entry.includes(':') ? entry.split(':') : [undefined, entry];
      return {
        action: 'accept',
        users: src,
        ports: dst.map((d) => `${d}:${ports}`),
        ...(proto === undefined ? {} : { proto }),
      };
    }),
  );
}

/** JSON with comments, trailing commas and keys in any case, as people write it; which of them is decided by `seeds`. */
function scribbled(value: unknown, next: () => number): string {
  const gap = () => ['', ' ', '\n', ' // why\n', '/* {"a": [1,] } */', '\t'][next() % 6] ?? '';
  const close = (items: readonly string[]) => (items.length > 0 && next() % 2 === 0 ? `,${gap()}` : '');
  if (Array.isArray(value)) {
    const items = value.map((v) => `${gap()}${scribbled(v, next)}${gap()}`);
    return `[${items.join(',')}${close(items)}]`;
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const items = Object.entries(value).map(([k, v]) => {
    const key = /^[a-z]+$/i.test(k) && next() % 3 === 0 ? k.toUpperCase() : k;
    return `${gap()}${JSON.stringify(key)}${gap()}:${gap()}${scribbled(v, next)}${gap()}`;
  });
  return `{${items.join(',')}${close(items)}}`;
}

function cycle(list: readonly number[]): () => number {
  let i = 0;
  return () => list[i++ % list.length] ?? 0;
}

describe('the meaning of a policy', () => {
  it('does not depend on the order of its grants, nor of the names in them', () => {
    fc.assert(
      fc.property(world, seeds, ([list, grants], order) => {
        const shuffled = <T>(items: readonly T[]): T[] => {
          const keyed = items.map((item, i) => ({ item, key: order[i] ?? 0 }));
          return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
        };
        const other = shuffled(grants).map((g) => ({
          ...g,
          src: shuffled(g.src),
          dst: shuffled(g.dst),
          ip: shuffled(g.ip),
        }));
        expectSameMeaning(list, policyWith(grants), policyWith(other));
      }),
      { numRuns: 60 },
    );
  });

  it('does not depend on how grants are split', () => {
    fc.assert(
      fc.property(world, ([list, grants]) => expectSameMeaning(list, policyWith(grants), policyWith(split(grants)))),
      { numRuns: 60 },
    );
  });

  it('does not depend on how grants are merged, or said twice', () => {
    fc.assert(
      fc.property(world, ([list, grants]) => {
        expectSameMeaning(list, policyWith(grants), policyWith(merge(split(grants))));
        expectSameMeaning(list, policyWith(grants), policyWith([...grants, ...grants]));
      }),
      { numRuns: 60 },
    );
  });

  it('is the same in the older spelling', () => {
    let compared = 0;
    fc.assert(
      fc.property(world, ([list, grants]) => {
        const acls = legacy(grants);
        if (acls === undefined) return;
        compared++;
        const { groups, tagOwners } = policyWith([]);
        expectSameMeaning(list, policyWith(grants), { groups, tagOwners, acls });
      }),
      { numRuns: 100 },
    );
    expect(compared).toBeGreaterThan(20);
  });

  it('survives printing: canonical, or as people write', () => {
    fc.assert(
      fc.property(world, seeds, ([list, grants], choices) => {
        const text = scribbled(policyWith(grants), cycle(choices));
        expectSameMeaning(list, policyWith(grants), text);
        expectSameMeaning(list, text, formatHujson(text));
      }),
      { numRuns: 60 },
    );
  });
});
