import type { PropertyValue } from '../grpc/property-value.ts';
import { Unknown } from '../grpc/property-value.ts';

/** Kinds that the resources here are made of: Terraform's String, Bool, Int64 and Set of String. */
export type AttributeKind = 'string' | 'boolean' | 'integer' | 'string-set';

/** One property of a resource, under both of its names. */
export interface Attribute {
  /** Pulumi name, such as `deviceId`. */
  readonly name: string;
  readonly kind: AttributeKind;
  /** Without it the program must set the property; the description is part of the plugin's complaint. */
  readonly optional?: boolean;
  readonly description: string;
  /** Value of an optional property that the program leaves out: from the API (prior state), or this constant. */
  readonly otherwise?: 'computed' | boolean;
  readonly replaces?: boolean;
  /** Second notion of "the same" beside equality, as with policies that differ only in layout. */
  readonly same?: (a: string, b: string) => boolean;
  /** `<summary>. <detail>` of the complaint about a known value of the right kind, or undefined. */
  readonly validate?: (value: PropertyValue) => string | undefined;
}

/** Values by property name; null = not set. */
export type State = Readonly<Record<string, PropertyValue>>;

/** `overwriteExistingContent` → `overwrite_existing_content`: the name that the plugin's messages use. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Value as Terraform holds it: numbers and booleans given for a string are text, numeric text is a number. */
export function coerce(attribute: Attribute, value: PropertyValue): PropertyValue {
  if (value === null || value instanceof Unknown) return value;
  switch (attribute.kind) {
    case 'string':
      return text(value);
    case 'integer':
      return typeof value === 'string' ? Number(value) : value;
    case 'string-set':
      return Array.isArray(value) ? value.map((item) => (item instanceof Unknown ? item : text(item))) : value;
    case 'boolean':
      return value;
  }
}

function text(value: PropertyValue): PropertyValue {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

/** Sets are sorted by their text in plans and requests; elements that are not known yet come last. */
export function sortSet(values: readonly PropertyValue[]): PropertyValue[] {
  const known = values.filter((v) => typeof v === 'string').sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return [...known, ...values.filter((v) => typeof v !== 'string')];
}

/** First element that a set has twice. */
export function duplicateOf(values: readonly PropertyValue[]): string | undefined {
  const seen = new Set<PropertyValue>();
  for (const value of values) {
    if (typeof value === 'string' && seen.has(value)) return value;
    seen.add(value);
  }
  return undefined;
}

/** Text of the complaint about a doubled element (terraform-plugin-framework set validation). */
export function duplicateText(value: string): string {
  return `This attribute contains duplicate values of: tftypes.String<${JSON.stringify(value)}>`;
}
