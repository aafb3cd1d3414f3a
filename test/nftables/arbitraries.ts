import fc from 'fast-check';
import { CT, type CtState, type Packet } from '../../src/net/packet.ts';
import type {
  Chain,
  Hook,
  Match,
  NamedSet,
  Operand,
  Rule,
  Ruleset,
  Statement,
  Value,
} from '../../src/nftables/ruleset.ts';
import { addr, block } from './plans.ts';

/** A small universe: every value of a rule is a value, or a neighbour of a value, of some packet. */
const V4 = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '100.64.0.10'];
const V6 = ['fd00::1', 'fd00::2', 'fd7a:115c:a1e0::a'];
const PORTS = [22, 23, 443, 444, 11434];
const INTERFACES = ['eth0', 'eth1', 'lo', 'tailscale0'];
const UIDS = [0, 1000];
const MARKS = [0, 0x80000, 0x40000, 0x1080000];

export const arbPacket: fc.Arbitrary<Packet> = fc
  .record({
    family: fc.constantFrom(4 as const, 6 as const),
    proto: fc.constantFrom(6, 6, 17, 1, 58, 47),
    src: fc.nat(3),
    dst: fc.nat(3),
    sport: fc.constantFrom(...PORTS),
    dport: fc.constantFrom(...PORTS),
    icmpType: fc.constantFrom(2, 3, 128, 135, 136),
    icmpCode: fc.constantFrom(0, 4),
    ct: fc.constantFrom<CtState>(...Object.values(CT)),
    iif: fc.constantFrom(undefined, ...INTERFACES),
    oif: fc.constantFrom(undefined, ...INTERFACES),
    uid: fc.constantFrom(undefined, ...UIDS),
    mark: fc.constantFrom(...MARKS),
  })
  .map(({ family, proto, src, dst, sport, dport, icmpType, icmpCode, ct, iif, oif, uid, mark }) => {
    const pool = family === 4 ? V4 : V6;
    const address = (n: number) => addr(pool[n % pool.length] ?? '');
    return {
      family,
      proto,
      src: address(src),
      dst: address(dst),
      ...(proto === 6 || proto === 17 ? { sport, dport } : {}),
      ...(proto === 1 || proto === 58 ? { icmpType, icmpCode } : {}),
      ct,
      ...(iif === undefined ? {} : { iif }),
      ...(oif === undefined ? {} : { oif }),
      ...(uid === undefined ? {} : { uid }),
      mark,
    };
  });

const number = (n: number): Value => ({ kind: 'number', value: BigInt(n) });
const op = fc.constantFrom<'==' | '!='>('==', '==', '!=');

const arbPort: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom(...PORTS).map(number),
  fc.constant<Value>({ kind: 'number-range', first: 23n, last: 443n }),
);

const arbAddress = (family: 4 | 6): fc.Arbitrary<Value> =>
  fc.oneof(
    fc.constantFrom(...(family === 4 ? V4 : V6)).map((a): Value => ({ kind: 'address', address: addr(a) })),
    fc.constantFrom<Value>(
      { kind: 'prefix', prefix: block(family === 4 ? '10.0.0.0/24' : 'fd00::/64') },
      {
        kind: 'address-range',
        first: addr(family === 4 ? '10.0.0.2' : 'fd00::2'),
        last: addr(family === 4 ? '10.0.1.3' : 'fd00::7'),
      },
    ),
  );

const arbInterface = fc.constantFrom(...INTERFACES).map((text): Value => ({ kind: 'string', text }));

/** One value or an anonymous set of several. */
const operand = (value: fc.Arbitrary<Value>): fc.Arbitrary<Operand> =>
  fc.oneof(
    { weight: 3, arbitrary: value },
    {
      weight: 1,
      arbitrary: fc
        .array(value, { minLength: 2, maxLength: 3 })
        .map((elements): Operand => ({ kind: 'set', elements })),
    },
  );

function onSelector(selector: Match['selector'], right: fc.Arbitrary<Operand>): fc.Arbitrary<Match> {
  return fc.record({ op, right }).map((m): Match => ({ kind: 'match', selector, ...m }));
}

const states = fc.subarray([1n, 2n, 4n, 8n, 64n], { minLength: 1, maxLength: 3 });
const ref = (name: string) => fc.constant<Operand>({ kind: 'named-set', name });

/** Matches that the packet model decides. */
export const arbKnownMatch: fc.Arbitrary<Match> = fc.oneof(
  ...(['tcp', 'udp'] as const).flatMap((protocol) =>
    ['sport', 'dport'].map((field) => onSelector({ kind: 'payload', protocol, field }, operand(arbPort))),
  ),
  ...(['saddr', 'daddr'] as const).flatMap((field) => [
    onSelector({ kind: 'payload', protocol: 'ip', field }, fc.oneof(operand(arbAddress(4)), ref('v4'))),
    onSelector({ kind: 'payload', protocol: 'ip6', field }, fc.oneof(operand(arbAddress(6)), ref('v6'), ref('none6'))),
  ]),
  ...(['iif', 'oif', 'iifname', 'oifname'] as const).map((key) =>
    onSelector(
      { kind: 'meta', key },
      key.endsWith('name') ? fc.oneof(operand(arbInterface), ref('links')) : operand(arbInterface),
    ),
  ),
  onSelector({ kind: 'meta', key: 'skuid' }, operand(fc.constantFrom(...UIDS).map(number))),
  onSelector({ kind: 'meta', key: 'l4proto' }, operand(fc.constantFrom(1, 6, 17, 58).map(number))),
  onSelector({ kind: 'meta', key: 'nfproto' }, fc.constantFrom(number(2), number(10))),
  onSelector({ kind: 'meta', key: 'mark' }, operand(fc.constantFrom(...MARKS).map(number))),
  onSelector({ kind: 'meta', key: 'mark', mask: 0xff0000n }, fc.constantFrom(number(0x80000), number(0), number(1))),
  onSelector({ kind: 'ct', key: 'direction' }, fc.constantFrom(number(0), number(1))),
  states.map(
    (bits): Match => ({
      kind: 'match',
      selector: { kind: 'ct', key: 'state' },
      op: '==',
      right: { kind: 'any-bit', bits },
    }),
  ),
  fc
    .constantFrom(8, 2)
    .map((n): Match => ({ kind: 'match', selector: { kind: 'ct', key: 'state' }, op: '!=', right: number(n) })),
  onSelector(
    { kind: 'payload', protocol: 'icmpv6', field: 'type' },
    operand(fc.constantFrom(2, 128, 135, 136).map(number)),
  ),
  onSelector({ kind: 'payload', protocol: 'icmp', field: 'code' }, operand(fc.constantFrom(0, 4).map(number))),
  fc.constantFrom<Match['op']>('<', '>', '<=', '>=').map(
    (o): Match => ({
      kind: 'match',
      selector: { kind: 'payload', protocol: 'tcp', field: 'dport' },
      op: o,
      right: number(443),
    }),
  ),
);

/** Statements about which the packet model knows only a part. */
export const arbUnknownMatch: fc.Arbitrary<Statement> = fc.oneof(
  onSelector({ kind: 'payload', protocol: 'ip6', field: 'hoplimit' }, fc.constant(number(255))),
  onSelector({ kind: 'ct', key: 'mark', mask: 0x1000000n }, fc.constant(number(0x1000000))),
  onSelector({ kind: 'payload', protocol: 'th', field: 'dport' }, operand(arbPort)),
  fc.constant<Statement>({
    kind: 'match',
    selector: { kind: 'socket-cgroup', level: 1 },
    op: '==',
    right: { kind: 'string', text: 'cordon.slice' },
  }),
  fc.constant<Statement>({ kind: 'limit', over: false, rate: 5, unit: 'minute', burst: 10 }),
);

const neutral = fc.constantFrom<Statement>(
  { kind: 'counter', name: undefined },
  { kind: 'counter', name: 'hits' },
  { kind: 'log', prefix: 'x ', group: 77, options: undefined },
  // Another bit than the one that is asked for above: the oracle has no connection marks.
  { kind: 'set-ct-mark', or: 0x2000000n },
);

function arbRule(match: fc.Arbitrary<Statement>, targets: readonly string[]): fc.Arbitrary<Rule> {
  const verdicts: Statement[] = [{ kind: 'accept' }, { kind: 'accept' }, { kind: 'drop' }, { kind: 'return' }];
  for (const target of targets) verdicts.push({ kind: 'jump', target }, { kind: 'goto', target });
  return fc
    .record({
      conditions: fc.array(match, { maxLength: 3 }),
      also: fc.option(neutral, { nil: undefined }),
      verdict: fc.option(fc.constantFrom(...verdicts), { nil: undefined, freq: 8 }),
      comment: fc.option(fc.constantFrom('flow:a', 'flow:a/reply'), { nil: undefined }),
    })
    .filter((r) => r.conditions.length > 0 || r.also !== undefined || r.verdict !== undefined)
    .map(
      ({ conditions, also, verdict, comment }): Rule => ({
        statements: [...conditions, ...(also === undefined ? [] : [also]), ...(verdict === undefined ? [] : [verdict])],
        comment,
      }),
    );
}

const set = (name: string, of: string, elements: readonly Value[], flags: readonly string[] = []): NamedSet => ({
  name,
  type: { kind: 'type', of },
  flags,
  comment: undefined,
  options: [],
  elements,
});

const SETS: readonly NamedSet[] = [
  set('links', 'ifname', [
    { kind: 'string', text: 'eth0' },
    { kind: 'string', text: 'tailscale0' },
  ]),
  set(
    'v4',
    'ipv4_addr',
    [
      { kind: 'address', address: addr('10.0.0.2') },
      { kind: 'prefix', prefix: block('100.64.0.0/10') },
    ],
    ['interval'],
  ),
  set('v6', 'ipv6_addr', [{ kind: 'address', address: addr('fd00::1') }], ['interval']),
  set('none6', 'ipv6_addr', [], ['interval']),
];

/** Rulesets of one or two own tables' worth of chains: bases at `hook`, and chains that only jump downwards. */
export function arbRuleset(hook: Hook, match: fc.Arbitrary<Statement>): fc.Arbitrary<Ruleset> {
  const chain = (name: string, targets: readonly string[], base?: Chain['base']): fc.Arbitrary<Chain> =>
    fc
      .array(arbRule(match, targets), { maxLength: 4 })
      .map((rules): Chain => ({ name, comment: undefined, base, rules }));
  const base = (name: string, priority: number) =>
    fc
      .constantFrom<'accept' | 'drop'>('accept', 'drop')
      .chain((policy) => chain(name, ['a', 'b', 'c'], { type: 'filter', hook, priority, policy, devices: [] }));
  return fc
    .record({
      a: chain('a', ['b', 'c']),
      b: chain('b', ['c']),
      c: chain('c', []),
      first: base('first', 300),
      second: fc.option(base('second', 400), { nil: undefined, freq: 2 }),
      dormant: fc.option(fc.constant('dormant'), { nil: undefined, freq: 1 }),
    })
    .map(
      ({ a, b, c, first, second, dormant }): Ruleset => ({
        tables: [
          {
            family: 'inet',
            name: 'cordon',
            flags: dormant === undefined || first.rules.length > 1 ? [] : [dormant],
            comment: 'x',
            counters: [{ name: 'hits', comment: undefined }],
            sets: SETS,
            others: [],
            chains: [a, b, c, first, ...(second === undefined ? [] : [second])],
          },
        ],
      }),
    );
}
