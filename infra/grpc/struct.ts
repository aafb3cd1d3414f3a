import type { Struct, Value } from 'google-protobuf/google/protobuf/struct_pb.js';
import { ProviderError, status } from './errors.ts';
import type { PropertyObject, PropertyValue, UnknownKind } from './property-value.ts';
import { isPropertyObject, ResourceReference, Secret, Unknown } from './property-value.ts';
import { structMessages } from './proto.ts';

/*
 * Property marshalling of the plugin protocol: google.protobuf.Struct, with objects that carry a signature key for what
 * JSON cannot say, and fixed strings for unknown values (pulumi sdk/go/common/resource/plugin/rpc.go: MarshalPropertyValue,
 * UnmarshalPropertyValue; sdk/go/common/resource/properties.go: SigKey and the signatures).
 */
const SIGNATURE_KEY = '4dabf18193072939515e22adb298388d';
const SIGNATURES = {
  secret: '1b47061264138c4ac30d75fd1eb44270',
  resource: '5cf8f73096256a8f31e491e813e4eb8e',
  output: 'd0e6a833031e9bbcd3f4e8bde6ca49a4',
  asset: 'c44067f5952c0a294b673a41bacd8c17',
  archive: '0def7320c3a5731c473e5ecbe6d01bc7',
} as const;
const UNKNOWN_TEXT: Record<UnknownKind, string> = {
  boolean: '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7',
  number: '3eeb2bf0-c639-47a8-9e75-3b44932eb421',
  string: '04da6b54-80e4-46f7-96ec-b56ff0331ba9',
  array: '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2',
  asset: '030794c1-ac77-496b-92df-f27374a8bd58',
  archive: 'e48ece36-62e2-4504-bad9-02848725956a',
  object: 'dd056dcd-154b-4c76-9bd3-c8f88648b5ff',
};
const UNKNOWN_KINDS = new Map(Object.entries(UNKNOWN_TEXT).map(([kind, text]) => [text, kind as UnknownKind]));

/** The sentinels of the wire format, for the contract test against the SDK's own. */
export const WIRE_SENTINELS = { signatureKey: SIGNATURE_KEY, ...SIGNATURES, unknown: UNKNOWN_TEXT.string } as const;

/**
 * Properties of a message.
 * @throws ProviderError (invalid argument) for assets, archives and signatures we do not know: none of our resources
 * takes a file, and a value that is not understood must not be passed on as if it were plain data
 */
export function fromStruct(struct: Struct): PropertyObject {
  return objectOf(struct, '');
}

/** Properties of a field that may be absent: absent and empty mean different things in Read and Check. */
export function fromOptionalStruct(struct: Struct | undefined): PropertyObject | undefined {
  return struct === undefined ? undefined : fromStruct(struct);
}

/**
 * The message for properties.
 * @throws ProviderError (internal) for numbers that JSON cannot carry, and for a property named `__proto__`
 */
export function toStruct(properties: PropertyObject): Struct {
  const struct = new structMessages.Struct();
  const fields = struct.getFieldsMap();
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    // google-protobuf keeps map entries in a plain object, where this one name would vanish without a word.
    if (name === '__proto__') throw new ProviderError(`property '${name}' has no wire form`, { code: status.INTERNAL });
    fields.set(name, toValue(value, name));
  }
  return struct;
}

function objectOf(struct: Struct, path: string): PropertyObject {
  const entries: [string, PropertyValue][] = [];
  struct.getFieldsMap().forEach((value, name) => {
    entries.push([name, fromValue(value, path === '' ? name : `${path}.${name}`)]);
  });
  return Object.fromEntries(entries);
}

function fromValue(value: Value, path: string): PropertyValue {
  const { KindCase } = structMessages.Value;
  switch (value.getKindCase()) {
    case KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      const kind = UNKNOWN_KINDS.get(text);
      return kind === undefined ? text : new Unknown(kind);
    }
    case KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map((item, i) => fromValue(item, `${path}[${i}]`));
    case KindCase.STRUCT_VALUE: {
      const struct = value.getStructValue();
      return struct === undefined ? {} : special(objectOf(struct, path), path);
    }
    default:
      return null;
  }
}

function special(object: PropertyObject, path: string): PropertyValue {
  if (!Object.hasOwn(object, SIGNATURE_KEY)) return object;
  switch (object[SIGNATURE_KEY]) {
    case SIGNATURES.secret:
      return new Secret(object['value'] ?? null);
    case SIGNATURES.resource: {
      const { urn, id, packageVersion } = object;
      if (typeof urn !== 'string') throw badValue(path, 'a resource reference without urn');
      return new ResourceReference(urn, id, typeof packageVersion === 'string' ? packageVersion : undefined);
    }
    case SIGNATURES.output: {
      // An output without a value is unknown; its dependencies are the engine's business.
      const value = object['value'] ?? new Unknown();
      return object['secret'] === true ? new Secret(value) : value;
    }
    case SIGNATURES.asset:
    case SIGNATURES.archive:
      throw badValue(path, 'an asset or archive, which no resource of this provider takes');
    default:
      throw badValue(path, 'a value of a kind this provider does not know');
  }
}

function badValue(path: string, what: string): ProviderError {
  return new ProviderError(`property '${path}' is ${what}`, { code: status.INVALID_ARGUMENT });
}

function toValue(value: PropertyValue, path: string): Value {
  const message = new structMessages.Value();
  if (value === null) return message.setNullValue(structMessages.NullValue.NULL_VALUE);
  if (typeof value === 'boolean') return message.setBoolValue(value);
  if (typeof value === 'string') return message.setStringValue(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new ProviderError(`property '${path}' is ${value}`, { code: status.INTERNAL });
    return message.setNumberValue(value);
  }
  if (value instanceof Unknown) return message.setStringValue(UNKNOWN_TEXT[value.kind]);
  if (value instanceof Secret) return signed(SIGNATURES.secret, { value: value.value });
  if (value instanceof ResourceReference) {
    const { urn, id, packageVersion } = value;
    return signed(SIGNATURES.resource, {
      urn,
      ...(id === undefined ? {} : { id }),
      ...(packageVersion === undefined ? {} : { packageVersion }),
    });
  }
  if (isPropertyObject(value)) return message.setStructValue(toStruct(value));
  const list = new structMessages.ListValue();
  list.setValuesList(value.map((item, i) => toValue(item, `${path}[${i}]`)));
  return message.setListValue(list);
}

function signed(signature: string, fields: PropertyObject): Value {
  return new structMessages.Value().setStructValue(toStruct({ [SIGNATURE_KEY]: signature, ...fields }));
}
