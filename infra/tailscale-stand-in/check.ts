import { ProviderError } from '../grpc/errors.ts';
import type { PropertyObject, PropertyValue } from '../grpc/property-value.ts';
import { hasUnknowns, isPropertyObject, Unknown, withoutSecrets } from '../grpc/property-value.ts';
import type { CheckFailure } from '../grpc/provider.ts';
import type { Attribute } from './attribute.ts';
import { coerce, duplicateOf, duplicateText, snakeCase } from './attribute.ts';

/*
 * Check of the bridge: inputs come back as they were given (secret wrappers off, nothing added, unknown properties
 * kept); what is wrong with them is either a failure, or, for a value of the wrong kind, an error of the call.
 */

const READ_ONLY =
  'Invalid Configuration for Read-Only Attribute. Cannot set value for this attribute as the provider has marked it as ' +
  'read-only. Remove the configuration line setting the value.\n\nRefer to the provider documentation or contact the ' +
  'provider developers for additional information about configurable and read-only attributes that are supported.';

/**
 * Checks the inputs of one resource.
 * @param name the resource's name, which the failures mention
 * @throws ProviderError for a value of the wrong kind
 */
export function checkInputs(
  attributes: readonly Attribute[],
  name: string,
  news: PropertyObject,
): { inputs: PropertyObject; failures: CheckFailure[] } {
  const inputs = withoutSecrets(news);
  if (!isPropertyObject(inputs)) throw new ProviderError('inputs are not an object');
  const reasons: string[] = [];
  for (const attribute of attributes) requireKind(attribute, inputs[attribute.name] ?? null);
  if ((inputs['id'] ?? null) !== null) reasons.push(`${READ_ONLY}. Examine values at '${name}.id'.`);
  for (const attribute of attributes) {
    const reason = complaintAbout(attribute, name, inputs[attribute.name] ?? null);
    if (reason !== undefined) reasons.push(reason);
  }
  // The plugin's own order varies from run to run.
  return { inputs, failures: reasons.sort().map((reason) => ({ reason })) };
}

function requireKind(attribute: Attribute, value: PropertyValue): void {
  const expected = wrongKind(attribute, value);
  if (expected === undefined) return;
  throw new ProviderError(
    'cannot encode resource inputs to call ValidateResourceConfig: ' +
      `objectEncoder failed on property "${snakeCase(attribute.name)}": ${expected}`,
  );
}

function wrongKind(attribute: Attribute, value: PropertyValue): string | undefined {
  if (value === null || value instanceof Unknown) return undefined;
  const composite = Array.isArray(value) || isPropertyObject(value);
  switch (attribute.kind) {
    case 'string':
      return composite ? `Expected a string, got: ${goValue(value)}` : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'Expected a Boolean';
    case 'integer':
      return Number.isNaN(Number(coerce(attribute, value))) || composite ? 'Expected a Number' : undefined;
    case 'string-set':
      if (!Array.isArray(value))
        return 'set encoder failed: expected an Array PropertyValue, got a resource.PropertyValue';
      return undefined;
  }
}

function complaintAbout(attribute: Attribute, resource: string, given: PropertyValue): string | undefined {
  if (given === null) {
    return attribute.optional ? undefined : `Missing required property '${attribute.name}': ${attribute.description}`;
  }
  const value = coerce(attribute, given);
  const at = `Examine values at '${resource}.${attribute.name}'.`;
  if (Array.isArray(value)) {
    const twice = duplicateOf(value);
    if (twice !== undefined) return `Duplicate Set Element. ${duplicateText(twice)}. ${at}`;
  }
  if (hasUnknowns(value)) return undefined;
  const complaint = attribute.validate?.(value);
  return complaint === undefined ? undefined : `${complaint}. ${at}`;
}

/** A property value as Go prints it with `%v`. */
function goValue(value: PropertyValue): string {
  if (value === null) return '{<nil>}';
  if (Array.isArray(value)) return `{[${value.map(goValue).join(' ')}]}`;
  if (isPropertyObject(value)) {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{map[${members.map(([k, v]) => `${k}:${goValue(v)}`).join(' ')}]}`;
  }
  return `{${String(value)}}`;
}
