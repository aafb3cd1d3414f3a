import { inspect, isDeepStrictEqual } from 'node:util';
import * as rpc from '@pulumi/pulumi/runtime/rpc.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PropertyObject, PropertyValue } from '../../../infra/grpc/property-value.ts';
import {
  hasUnknowns,
  isPropertyObject,
  ResourceReference,
  Secret,
  Unknown,
  withoutSecrets,
} from '../../../infra/grpc/property-value.ts';
import { structMessages } from '../../../infra/grpc/proto.ts';
import { fromStruct, toStruct, WIRE_SENTINELS } from '../../../infra/grpc/struct.ts';

const roundTrip = (properties: PropertyObject) =>
  fromStruct(structMessages.Struct.deserializeBinary(toStruct(properties).serializeBinary()));

describe('the wire sentinels are the SDK’s own', () => {
  test.each([
    ['signatureKey', WIRE_SENTINELS.signatureKey, rpc.specialSigKey],
    ['secret', WIRE_SENTINELS.secret, rpc.specialSecretSig],
    ['resource', WIRE_SENTINELS.resource, rpc.specialResourceSig],
    ['output', WIRE_SENTINELS.output, rpc.specialOutputValueSig],
    ['asset', WIRE_SENTINELS.asset, rpc.specialAssetSig],
    ['archive', WIRE_SENTINELS.archive, rpc.specialArchiveSig],
    ['unknown', WIRE_SENTINELS.unknown, rpc.unknownValue],
  ])('%s', (_, ours, theirs) => {
    expect(ours).toBe(theirs);
  });
});

describe('marshalling', () => {
  const scalar: fc.Arbitrary<PropertyValue> = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
    fc.string(),
    fc
      .constantFrom(...(['boolean', 'number', 'string', 'array', 'asset', 'archive', 'object'] as const))
      .map((kind) => new Unknown(kind)),
  );
  const { value } = fc.letrec<{ value: PropertyValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 4 }),
      fc
        .dictionary(
          fc.oneof(
            fc.string().filter((name) => name !== '__proto__'),
            fc.constantFrom('value', 'constructor', 'toString'),
          ),
          tie('value'),
          {
            maxKeys: 4,
          },
        )
        .map((o) => Object.fromEntries(Object.entries(o))),
      tie('value').map((v) => new Secret(v)),
      tie('value').map((v) => new ResourceReference('urn:pulumi:a::b::c::d', v, undefined)),
    ),
  }));

  test('what goes in comes out', () => {
    fc.assert(
      fc.property(value, (v) => {
        // Not toStrictEqual, which stumbles over properties named `constructor`.
        expect(isDeepStrictEqual(roundTrip({ v }), { v })).toBe(true);
      }),
    );
  });

  test('a property named __proto__ is refused, at any depth, instead of lost', () => {
    expect(() => toStruct({ a: [JSON.parse('{"__proto__": 1}')] })).toThrow("property '__proto__'");
  });

  test('the SDK reads what we write', () => {
    const struct = toStruct({ s: new Secret('k'), u: new Unknown(), list: [1, 'a', null] });
    expect(rpc.deserializeProperties(struct, true)).toMatchObject({
      s: { [rpc.specialSigKey]: rpc.specialSecretSig, value: 'k' },
      u: { __pulumiUnknown: true },
      list: [1, 'a', null],
    });
  });

  test('outputs become their value: unknown without one, secret if marked', () => {
    const output = (fields: PropertyObject) => ({ [WIRE_SENTINELS.signatureKey]: WIRE_SENTINELS.output, ...fields });
    const back = fromStruct(
      toStruct({ plain: output({ value: 'x' }), none: output({}), hidden: output({ value: 'x', secret: true }) }),
    );
    expect(back).toStrictEqual({ plain: 'x', none: new Unknown(), hidden: new Secret('x') });
  });

  test.each([
    ['asset', { [WIRE_SENTINELS.signatureKey]: WIRE_SENTINELS.asset, text: 'x' }],
    ['archive', { [WIRE_SENTINELS.signatureKey]: WIRE_SENTINELS.archive, path: 'x' }],
    ['unknown signature', { [WIRE_SENTINELS.signatureKey]: 'ffffffffffffffffffffffffffffffff' }],
    ['resource reference without urn', { [WIRE_SENTINELS.signatureKey]: WIRE_SENTINELS.resource }],
  ])('%s is refused with its path', (_, bad) => {
    expect(() => fromStruct(toStruct({ a: { b: [1, bad] } }))).toThrow("property 'a.b[1]'");
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])('%s is refused: JSON has no word for it', (n) => {
    expect(() => toStruct({ n })).toThrow("property 'n'");
  });
});

describe('values', () => {
  test('a secret prints as [secret], at any depth and by every way of printing', () => {
    const holder = { a: [new Secret('hunter2')] };
    for (const text of [JSON.stringify(holder), inspect(holder, { depth: 9 }), `${new Secret('hunter2')}`]) {
      expect(text).toContain('[secret]');
      expect(text).not.toContain('hunter2');
    }
  });

  test('withoutSecrets opens nested secrets and leaves the rest', () => {
    expect(withoutSecrets({ a: new Secret([new Secret(1)]), b: new Unknown(), c: 'x' })).toStrictEqual({
      a: [1],
      b: new Unknown(),
      c: 'x',
    });
  });

  test('hasUnknowns looks inside lists, objects and secrets', () => {
    expect(hasUnknowns({ a: [{ b: new Secret(new Unknown()) }] })).toBe(true);
    expect(hasUnknowns({ a: [{ b: new Secret('04da6b54') }] })).toBe(false);
  });

  test('isPropertyObject is false for everything special', () => {
    const special = [
      null,
      [],
      'x',
      new Secret({}),
      new Unknown(),
      new ResourceReference('u', undefined, undefined),
      undefined,
    ];
    expect(special.map(isPropertyObject)).toEqual(special.map(() => false));
    expect(isPropertyObject({})).toBe(true);
  });
});
