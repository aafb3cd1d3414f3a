import type { z } from 'zod';
import type { PropertyObject, PropertyValue } from '../grpc/property-value.ts';
import { hasUnknowns, isPropertyObject, Unknown, withoutSecrets } from '../grpc/property-value.ts';
import type { CheckFailure } from '../grpc/provider.ts';

/** Inputs as the engine sent them, without secret wrappers; our own resources have no secrets. */
export function plainInputs(properties: PropertyObject): PropertyObject {
  const plain = withoutSecrets(properties);
  return isPropertyObject(plain) ? plain : {};
}

/**
 * All that is wrong with inputs, one failure for each property. What a preview does not know yet passes, and is checked
 * once it is known.
 */
export function shapeFailures(schema: z.ZodType, inputs: PropertyObject): readonly CheckFailure[] {
  const parsed = schema.safeParse(inputs);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ property: key, reason: `there is no property '${key}'` }));
    }
    if (hasUnknowns(valueAt(inputs, issue.path))) return [];
    const property = issue.path.join('.');
    return [property === '' ? { reason: issue.message } : { property, reason: issue.message }];
  });
}

/**
 * Inputs that Check has passed and that hold no unknowns, in their own type.
 * @throws ZodError when they do not, which would be the engine's mistake or ours
 */
export function checkedInputs<S extends z.ZodType>(schema: S, inputs: PropertyObject): z.output<S> {
  return schema.parse(plainInputs(inputs));
}

/** The value at a path; the unknown itself where the path leads into one. */
function valueAt(inputs: PropertyObject, path: readonly PropertyKey[]): PropertyValue {
  let value: PropertyValue = inputs;
  for (const key of path) {
    if (value instanceof Unknown) return value;
    if (!isPropertyObject(value)) return null;
    value = value[String(key)] ?? null;
  }
  return value;
}
