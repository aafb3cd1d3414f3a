import { z } from 'zod';
import type { Path } from './places.ts';
import { valueAt } from './plain.ts';

/** The schema that stands at a path, optional or not; undefined where there is none. */
export function schemaAt(schema: z.ZodType, path: Path): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema;
  for (const step of path) {
    current = stepInto(required(current), step);
    if (current === undefined) return undefined;
  }
  return current;
}

/** The schema without `optional`. */
export function required(schema: z.ZodType | undefined): z.ZodType | undefined {
  return schema instanceof z.ZodOptional ? (schema.unwrap() as z.ZodType) : schema;
}

/** The schema of a map's names; undefined for everything that is no map of names. */
export function namesOf(schema: z.ZodType | undefined): z.ZodType | undefined {
  const inner = required(schema);
  return inner instanceof z.ZodRecord ? (inner.keyType as z.ZodType) : undefined;
}

/**
 * The keys a map with fixed keys can have.
 * @param value what stands there: chooses among the variants of a union; without it the keys of all variants count
 */
export function keysOf(schema: z.ZodType | undefined, value?: unknown): string[] {
  const inner = required(schema);
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape);
  if (!(inner instanceof z.ZodDiscriminatedUnion)) return [];
  const key = inner.def.discriminator;
  const chosen = valueAt(value, [key]);
  const variants = inner.options.filter((option) => {
    const field = stepInto(option as z.ZodType, key);
    return chosen === undefined || field === undefined || field.safeParse(chosen).success;
  });
  return [...new Set(variants.flatMap((option) => keysOf(option as z.ZodType)))];
}

/** What a value has to be, in words. */
export function expectation(schema: z.ZodType | undefined): string {
  const inner = required(schema);
  if (inner instanceof z.ZodArray) return 'a list';
  if (inner instanceof z.ZodRecord) return 'a map of names';
  if (inner instanceof z.ZodBoolean) return 'true or false';
  const keys = keysOf(inner);
  return keys.length > 0 ? `a map with ${keys.join(', ')}` : 'text';
}

/** The field's documentation. */
export function documentation(schema: z.ZodType | undefined): string | undefined {
  return schema?.description ?? required(schema)?.description;
}

function stepInto(schema: z.ZodType | undefined, step: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodObject) return Object.hasOwn(schema.shape, step) ? schema.shape[step] : undefined;
  if (schema instanceof z.ZodRecord) return schema.valueType as z.ZodType;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  if (schema instanceof z.ZodDiscriminatedUnion) {
    return schema.options.map((o) => stepInto(o as z.ZodType, step)).find((s) => s !== undefined);
  }
  return undefined;
}
