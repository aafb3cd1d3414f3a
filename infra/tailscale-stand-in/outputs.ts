import type { PropertyObject, PropertyValue } from '../grpc/property-value.ts';
import { Secret } from '../grpc/property-value.ts';
import type { State } from './attribute.ts';
import type { ResourceKind } from './resource-kind.ts';

/** Properties of a preview: what is planned, without what is not set. */
export function previewProperties(planned: State): PropertyObject {
  return withoutNulls(planned);
}

/**
 * Properties of a real result: the state, and the bridge's note on how Terraform's raw state differs from it (lists and
 * sets are arrays; a property that is not set is a raw null, marked secret if the engine takes secrets).
 */
export function resultProperties(kind: ResourceKind, state: State, acceptSecrets: boolean): PropertyObject {
  const notes: Record<string, PropertyValue> = {};
  for (const { name, kind: attributeKind } of kind.attributes) {
    const value = state[name] ?? null;
    if (value === null) {
      const note = { replace: { raw: null } };
      notes[name] = acceptSecrets ? new Secret(note) : note;
    } else if (attributeKind === 'string-set') {
      notes[name] = { arr: {} };
    }
  }
  return {
    ...withoutNulls(state),
    __pulumi_raw_state_delta: { obj: Object.keys(notes).length === 0 ? {} : { ps: notes } },
  };
}

/**
 * Inputs that a Read answers.
 * @param oldInputs the inputs in state: their keys are answered, with lists no longer than they were; undefined with
 *   properties present = none
 * @param importing no properties were sent: required inputs, and optional ones that are not zero
 */
export function readInputs(
  kind: ResourceKind,
  state: State,
  oldInputs: PropertyObject | undefined,
  importing: boolean,
): PropertyObject {
  const inputs: Record<string, PropertyValue> = {};
  for (const { name, optional } of kind.attributes) {
    const value = state[name] ?? null;
    if (value === null) continue;
    if (oldInputs !== undefined) {
      if (Object.hasOwn(oldInputs, name)) inputs[name] = cut(value, oldInputs[name] ?? null);
    } else if (importing && (!optional || !isZero(value))) {
      inputs[name] = value;
    }
  }
  return inputs;
}

function cut(value: PropertyValue, old: PropertyValue): PropertyValue {
  return Array.isArray(value) && Array.isArray(old) ? value.slice(0, old.length) : value;
}

function isZero(value: PropertyValue): boolean {
  return value === '' || value === false || value === 0 || (Array.isArray(value) && value.length === 0);
}

function withoutNulls(state: State): PropertyObject {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== null));
}
