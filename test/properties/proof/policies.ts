import fc from 'fast-check';
import { device } from '../../support/compare.ts';

/** Devices of a tiny tailnet: two of one tag, one of another, two of each of two users, and a router. */
export const DEVICES: readonly object[] = [
  device('web1', ['tag:web'], 10),
  device('web2', ['tag:web'], 11),
  device('db', ['tag:db'], 20),
  device('alice1', [], 30, { user: 'alice@example.com' }),
  device('alice2', [], 31, { user: 'alice@example.com' }),
  device('bob1', [], 40, { user: 'bob@example.com' }),
  device('bob2', [], 41, { user: 'bob@example.com' }),
  device('router', ['tag:router'], 50, { advertisedRoutes: ['10.9.0.0/24'], enabledRoutes: ['10.9.0.0/24'] }),
];

const src = fc.constantFrom(
  'tag:web',
  'tag:db',
  'alice@example.com',
  'autogroup:member',
  'group:two',
  '*',
  '100.64.0.11',
  '10.9.0.0/24',
);
const dst = fc.constantFrom(
  'tag:web',
  'tag:db',
  'tag:router',
  'bob@example.com',
  'autogroup:member',
  '*',
  '100.64.0.31',
  '10.9.0.0/25',
);
const ip = fc.constantFrom('tcp:22', 'tcp:22-23', 'udp:53', '80', '*', 'icmp:*');

/** A grant over the tiny tailnet; `autogroup:self` only where the API takes it. */
export const grant: fc.Arbitrary<object> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      src: fc.uniqueArray(src, { minLength: 1, maxLength: 2 }),
      dst: fc.uniqueArray(dst, { minLength: 1, maxLength: 2 }),
      ip: fc.uniqueArray(ip, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      src: fc.constant(['autogroup:member']),
      dst: fc.constant(['autogroup:self']),
      ip: fc.tuple(ip),
    }),
  },
);

export const grants: fc.Arbitrary<object[]> = fc.array(grant, { maxLength: 4 });

/** Two lists that have most of their grants in common: what real changes look like. */
export const similarGrants: fc.Arbitrary<readonly [object[], object[]]> = fc
  .tuple(
    grants,
    fc.array(grant, { maxLength: 2 }),
    fc.array(fc.nat(), { maxLength: 2 }),
    fc.array(fc.nat(), { maxLength: 2 }),
  )
  .map(([common, more, dropA, dropB]) => {
    const without = (list: object[], drops: readonly number[]) =>
      list.filter((_, i) => !drops.some((d) => list.length > 0 && d % list.length === i));
    return [without(common, dropA), [...without(common, dropB), ...more]] as const;
  });

/** The policy text with these grants. */
export function policyText(list: readonly object[]): string {
  return JSON.stringify({
    groups: { 'group:two': ['alice@example.com', 'bob@example.com'] },
    tagOwners: { 'tag:web': [], 'tag:db': [], 'tag:router': [] },
    grants: list,
  });
}
