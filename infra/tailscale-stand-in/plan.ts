import { ProviderError } from '../grpc/errors.ts';
import type { PropertyObject, PropertyValue } from '../grpc/property-value.ts';
import { hasUnknowns, isPropertyObject, Unknown, withoutSecrets } from '../grpc/property-value.ts';
import type { DiffResult } from '../grpc/provider.ts';
import type { Attribute, State } from './attribute.ts';
import { coerce, duplicateOf, duplicateText, sortSet } from './attribute.ts';
import type { ResourceKind } from './resource-kind.ts';

/*
 * Terraform's plan: what a resource will be, from what it is (state) and what the program asks for. Diff, previews and
 * real changes all go by it.
 */

/** State of the resource as it is recorded in properties: every attribute and the id, null where nothing is set. */
export function stateOf(kind: ResourceKind, properties: PropertyObject): State {
  const plain = withoutSecrets(properties);
  const values = isPropertyObject(plain) ? plain : {};
  return Object.fromEntries([
    ['id', values['id'] ?? null],
    ...kind.attributes.map((a): [string, PropertyValue] => [a.name, coerce(a, values[a.name] ?? null)]),
  ]);
}

/**
 * The planned state.
 * @param prior undefined for a new resource
 * @param ignoreChanges names of properties that keep their state whatever the program says
 * @throws ProviderError for a set with the same element twice
 */
export function planOf(
  kind: ResourceKind,
  prior: State | undefined,
  news: PropertyObject,
  ignoreChanges: readonly string[] = [],
): State {
  const asked = stateOf(kind, news);
  const planned: Record<string, PropertyValue> = {};
  for (const attribute of kind.attributes) {
    const kept = prior !== undefined && ignoreChanges.includes(attribute.name);
    planned[attribute.name] = kept
      ? (prior[attribute.name] ?? null)
      : plannedValue(attribute, prior, asked[attribute.name] ?? null);
  }
  const changed = prior !== undefined && kind.attributes.some((a) => differs(a, prior, planned));
  const idIsOpen = prior === undefined || (changed && kind.idOnUpdate === 'unknown');
  return { ...planned, id: idIsOpen ? new Unknown() : (prior['id'] ?? null) };
}

function plannedValue(attribute: Attribute, prior: State | undefined, asked: PropertyValue): PropertyValue {
  if (asked === null) {
    if (attribute.otherwise === undefined) return null;
    if (attribute.otherwise !== 'computed') return attribute.otherwise;
    return prior === undefined ? new Unknown() : (prior[attribute.name] ?? null);
  }
  if (Array.isArray(asked)) {
    const twice = duplicateOf(asked);
    if (twice !== undefined) throw duplicateError(attribute, twice);
    return sortSet(asked);
  }
  const before = prior?.[attribute.name];
  if (typeof asked === 'string' && typeof before === 'string' && attribute.same?.(before, asked)) return before;
  return asked;
}

function duplicateError(attribute: Attribute, value: string): ProviderError {
  return new ProviderError(
    `1 error occurred:\n\t* AttributeName("${attribute.name}"): Duplicate Set Element - ${duplicateText(value)}\n\n`,
  );
}

/** Answer of Diff. */
export function diffOf(kind: ResourceKind, prior: State, planned: State): DiffResult {
  const changed = kind.attributes.filter((a) => differs(a, prior, planned));
  const names = changed.map((a) => a.name);
  if (planned['id'] instanceof Unknown) names.push('id');
  if (names.length === 0) return { changes: 'none' };
  const replaces = changed.filter((a) => a.replaces).map((a) => a.name);
  return { changes: 'some', diffs: names.sort(), replaces: replaces.sort() };
}

/** True if the plan changes the attribute, or might: an unknown value counts as a change. */
export function differs(attribute: Attribute, prior: State, planned: State): boolean {
  const before = prior[attribute.name] ?? null;
  const after = planned[attribute.name] ?? null;
  if (hasUnknowns(after)) return true;
  if (Array.isArray(before) && Array.isArray(after)) {
    return sortSet(before).join('\n') !== sortSet(after).join('\n');
  }
  return before !== after;
}
