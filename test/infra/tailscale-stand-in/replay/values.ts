import type { PropertyObject, PropertyValue } from '../../../../infra/grpc/property-value.ts';
import { isPropertyObject, Secret, Unknown } from '../../../../infra/grpc/property-value.ts';
import type { Json } from './recording.ts';

/** Recorded notation to values: `{"$secret": x}` and `{"$unknown": true|kind}`. */
export function fromRecorded(recorded: Json): PropertyValue {
  if (Array.isArray(recorded)) return recorded.map(fromRecorded);
  if (typeof recorded !== 'object' || recorded === null) return recorded;
  if ('$secret' in recorded) return new Secret(fromRecorded(recorded['$secret'] ?? null));
  if ('$unknown' in recorded) return new Unknown();
  return Object.fromEntries(Object.entries(recorded).map(([k, v]) => [k, fromRecorded(v)]));
}

/** The other way. */
export function toRecorded(value: PropertyValue): Json {
  if (value instanceof Secret) return { $secret: toRecorded(value.value) };
  if (value instanceof Unknown) return { $unknown: value.kind === 'string' ? true : value.kind };
  if (Array.isArray(value)) return value.map(toRecorded);
  if (isPropertyObject(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, toRecorded(v)]));
  return value as Json;
}

/** Properties, or undefined where the message has none. */
export function propertiesOf(recorded: Json | undefined): PropertyObject | undefined {
  if (recorded === undefined) return undefined;
  const value = fromRecorded(recorded);
  if (!isPropertyObject(value)) throw new Error('properties are not an object');
  return value;
}

/** Replaces in every string of a recorded value. */
export function replaceText(recorded: Json, replace: (text: string) => string): Json {
  if (typeof recorded === 'string') return replace(recorded);
  if (Array.isArray(recorded)) return recorded.map((item) => replaceText(item, replace));
  if (typeof recorded !== 'object' || recorded === null) return recorded;
  return Object.fromEntries(Object.entries(recorded).map(([k, v]) => [k, replaceText(v, replace)]));
}
