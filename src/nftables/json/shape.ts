/** A JSON object; its values are as unknown as JSON itself. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object; undefined for arrays, scalars and null. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** An own property; names come from outside, and `constructor` is none of them. */
export function field(object: JsonObject | undefined, key: string): unknown {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** An own property that is a string. */
export function text(object: JsonObject | undefined, key: string): string | undefined {
  const value = field(object, key);
  return typeof value === 'string' ? value : undefined;
}

/** The one key of an object and its value; undefined for anything else. */
export function onlyEntry(value: unknown): readonly [key: string, value: unknown] | undefined {
  const entries = Object.entries(asObject(value) ?? {});
  return entries.length === 1 ? entries[0] : undefined;
}

/** A list of strings, or one string, as nft writes flags; undefined for anything else. */
export function texts(value: unknown): readonly string[] | undefined {
  const list = Array.isArray(value) ? value : [value];
  return list.every((v) => typeof v === 'string') ? list : undefined;
}

/** Words for something that is not understood, in one line. */
export function words(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
