import { inspect } from 'node:util';

/**
 * Property values as a provider sees them: JSON, and the three things JSON has no word for. Optional properties are
 * absent keys, never `undefined` values.
 */
export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | Secret
  | Unknown
  | ResourceReference
  | readonly PropertyValue[]
  | PropertyObject;

/** Named properties. */
export interface PropertyObject {
  readonly [name: string]: PropertyValue;
}

/** A value that the engine encrypts in state and hides in its output. Prints as `[secret]`, wherever it ends up. */
export class Secret {
  readonly value: PropertyValue;

  constructor(value: PropertyValue) {
    this.value = value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

/** What an unknown value will be once it is known; the engine mostly says `string`, whatever the real type. */
export type UnknownKind = 'boolean' | 'number' | 'string' | 'array' | 'asset' | 'archive' | 'object';

/** A value that a preview cannot know yet. */
export class Unknown {
  readonly kind: UnknownKind;

  constructor(kind: UnknownKind = 'string') {
    this.kind = kind;
  }

  toString(): string {
    return '[unknown]';
  }
}

/** A reference to another resource; sent only to providers that accept resources. */
export class ResourceReference {
  readonly urn: string;
  /** Absent for a component resource; empty or unknown before the resource exists. */
  readonly id: PropertyValue | undefined;
  readonly packageVersion: string | undefined;

  constructor(urn: string, id: PropertyValue | undefined, packageVersion: string | undefined) {
    this.urn = urn;
    this.id = id;
    this.packageVersion = packageVersion;
  }
}

/** True for a plain object of properties, false for lists, scalars and the special values. */
export function isPropertyObject(value: PropertyValue | undefined): value is PropertyObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Secret) &&
    !(value instanceof Unknown) &&
    !(value instanceof ResourceReference)
  );
}

/** Takes secret wrappers off, at every depth. */
export function withoutSecrets(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return withoutSecrets(value.value);
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (isPropertyObject(value)) return mapProperties(value, withoutSecrets);
  return value;
}

/** True if the value is unknown or has an unknown part. */
export function hasUnknowns(value: PropertyValue): boolean {
  if (value instanceof Unknown) return true;
  if (value instanceof Secret) return hasUnknowns(value.value);
  if (Array.isArray(value)) return value.some(hasUnknowns);
  if (isPropertyObject(value)) return Object.values(value).some(hasUnknowns);
  return false;
}

/** A new object with every value replaced. */
export function mapProperties(object: PropertyObject, change: (value: PropertyValue) => PropertyValue): PropertyObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, change(value)]));
}
