import type { z } from 'zod';
import { topologySchema } from '../schema.ts';
import { fieldRules } from '../schema-fields.ts';
import { quote } from './draft.ts';
import type { Path } from './places.ts';
import { kindOf } from './plain.ts';
import { documentation, expectation, keysOf, namesOf, required, schemaAt } from './schema-walk.ts';
import { closest } from './suggest.ts';

/** A deviation from the schema in words, and what it points at. */
export interface Words {
  readonly code: string;
  readonly path: Path;
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint: string;
}

/**
 * Says what is wrong and what to do, from zod's issue (data, not text) and the schema at its place.
 * @param path absolute path of the issue
 * @param value what stands there; undefined when nothing does
 */
export function describeIssue(issue: z.core.$ZodIssue, path: Path, value: unknown): Words[] {
  const schema = schemaAt(topologySchema, path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, keysOf(schema, value)));
  if (issue.code === 'invalid_key') return [badName(path)];
  const choices = choicesOf(issue);
  if (value === undefined) return [missing(path, schema, choices)];
  if (choices.length > 0) return [badChoice(path, value, choices)];
  const rule = ruleOf(schema);
  if (rule !== undefined && ['string', 'number', 'boolean'].includes(typeof value)) {
    return [
      {
        code: 'topology-bad-value',
        path,
        at: 'value',
        message: `${quote(value)} is not ${rule.what}`,
        hint: rule.hint,
      },
    ];
  }
  if (issue.code === 'too_small') {
    return [
      { code: 'topology-bad-value', path, at: 'value', message: `${nameOf(path)} is empty`, hint: fill(path, schema) },
    ];
  }
  const expected = rule?.what ?? expectation(schema);
  return [
    {
      code: 'topology-wrong-type',
      path,
      at: value === null ? 'key' : 'value',
      message: `${nameOf(path)} has to be ${expected}, this is ${kindOf(value)}`,
      hint: rule?.hint ?? fill(path, schema),
    },
  ];
}

function unknownKey(key: string, path: Path, known: readonly string[]): Words {
  const near = closest(key, known);
  const list = `keys here: ${known.join(', ')}`;
  return {
    code: 'topology-unknown-key',
    path: [...path, key],
    at: 'key',
    message: `${quote(key)} is not a key of ${path.length === 0 ? 'the file' : nameOf(path)}`,
    hint: near === undefined ? list : `did you mean ${near}? ${list}`,
  };
}

function badName(path: Path): Words {
  const rule = ruleOf(namesOf(schemaAt(topologySchema, path.slice(0, -1))));
  return {
    code: 'topology-bad-name',
    path,
    at: 'key',
    message: `${quote(path.at(-1))} is not ${rule?.what ?? 'a usable name'}`,
    hint: rule?.hint ?? 'choose another name',
  };
}

function missing(path: Path, schema: z.ZodType | undefined, choices: readonly string[]): Words {
  const owner = path.length === 1 ? 'the file' : nameOf(path.slice(0, -1));
  return {
    code: 'topology-missing-key',
    path,
    at: 'key',
    message: `${owner} lacks ${quote(path.at(-1))}`,
    hint: choices.length > 0 ? `${String(path.at(-1))} can be: ${choices.join(', ')}` : fill(path, schema),
  };
}

function badChoice(path: Path, value: unknown, choices: readonly string[]): Words {
  const near = typeof value === 'string' ? closest(value, choices) : undefined;
  const list = `it can be: ${choices.join(', ')}`;
  return {
    code: 'topology-bad-value',
    path,
    at: value === null ? 'key' : 'value',
    message: `${nameOf(path)} cannot be ${value === null ? 'empty' : quote(value)}`,
    hint: near === undefined ? list : `did you mean ${near}? ${list}`,
  };
}

function choicesOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_value') return issue.values.map(String);
  const options: unknown = issue.code === 'invalid_union' && 'options' in issue ? issue.options : undefined;
  return Array.isArray(options) ? options.map(String) : [];
}

function ruleOf(schema: z.ZodType | undefined) {
  const inner = required(schema);
  return inner === undefined ? undefined : fieldRules.get(inner);
}

/** `hosts.orch-1.role`, `flows[2].to`. */
function nameOf(path: Path): string {
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
}

/** What belongs there, from the field's own documentation. */
function fill(path: Path, schema: z.ZodType | undefined): string {
  const text = documentation(schema);
  const last = path.at(-1);
  const subject = typeof last === 'string' ? last : 'each item';
  return text === undefined ? `${subject} has to be ${expectation(schema)}` : `${subject}: ${text}`;
}
