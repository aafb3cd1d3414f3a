import type { z } from 'zod';
import type { Diagnostic } from '../../source/diagnostic.ts';
import { type TopologyInput, topologySchema } from '../schema.ts';
import type { DraftData } from './draft.ts';
import type { Path, Places } from './places.ts';
import { copyPlain, kindOf, removeAt, valueAt } from './plain.ts';
import { required, schemaAt } from './schema-walk.ts';
import { describeIssue } from './shape-words.ts';
import type { YamlFile } from './yaml.ts';

/** Outcome of the comparison with the schema. */
export interface Shape {
  readonly data: DraftData;
  /** The whole, when nothing deviates. */
  readonly complete: TopologyInput | undefined;
  /** Paths (as JSON) whose values were there and did not pass. */
  readonly broken: ReadonlySet<string>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Compares a file with the schema of `cordon.yaml`: every deviation is a diagnostic at its own place. */
export function checkShape({ data, places, refused }: YamlFile): Shape {
  const copy = copyPlain(data);
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy)) return notAMap(copy, places);
  const result = topologySchema.safeParse(copy);
  if (result.success) return { data: result.data, complete: result.data, broken: new Set(), diagnostics: [] };
  const diagnostics: Diagnostic[] = [];
  const broken = new Set<string>();
  for (const { issue, path } of [...absolute(result.error.issues, copy, [])]) {
    const value = valueAt(copy, path);
    const known = refused.has(JSON.stringify(path));
    for (const words of known ? [] : describeIssue(issue, path, value)) {
      const span = words.at === 'key' ? places.key(words.path) : places.value(words.path);
      diagnostics.push({ code: words.code, severity: 'error', span, message: words.message, hint: words.hint });
    }
    if (issue.code === 'invalid_key') continue;
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) removeAt(copy, [...path, key]);
    } else if (value !== undefined) {
      broken.add(JSON.stringify(path));
      removeAt(copy, path);
    }
  }
  // Whatever the schema refused is gone from the copy: each value that is left has passed at its place.
  return { data: copy as DraftData, complete: undefined, broken, diagnostics };
}

/** Issues with absolute paths. An entry under a bad name is looked at too: zod stops at the name. */
function* absolute(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  base: Path,
): Generator<{ readonly issue: z.core.$ZodIssue; readonly path: Path }> {
  for (const issue of issues) {
    const path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
    yield { issue, path };
    const entry = issue.code === 'invalid_key' ? required(schemaAt(topologySchema, path)) : undefined;
    const inner = entry?.safeParse(valueAt(value, path.slice(base.length)));
    if (inner?.success === false) yield* absolute(inner.error.issues, valueAt(value, path.slice(base.length)), path);
  }
}

function notAMap(value: unknown, places: Places): Shape {
  const diagnostic: Diagnostic = {
    code: 'topology-wrong-type',
    severity: 'error',
    span: places.value([]),
    message: `the file has to be a map of sections, this is ${kindOf(value)}`,
    hint: 'start with "version: 1", then tailnet:, roles:, hosts:',
  };
  return { data: {}, complete: undefined, broken: new Set(), diagnostics: [diagnostic] };
}
