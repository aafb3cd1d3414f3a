import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import type { Diagnostic, Result } from '../source/diagnostic.ts';
import { type LineMap, lineMap } from '../source/span.ts';
import type { Evidence, Snapshot } from './evidence.ts';

const sourceEntry = z
  .strictObject({
    status: z.enum(['ok', 'denied', 'failed', 'late', 'partial', 'absent']).describe('How the source answered.'),
    at: z.iso.datetime({ offset: true }).optional().describe('When it was asked.'),
    body: z.unknown().optional().describe("The source's own shape; secrets are removed before writing."),
    why: z.string().optional().describe('Why it is not ok.'),
  })
  .describe('One answer of one source.');

/** `tailnet/policy`, `host/orch-1/nft.txt`. */
const sourceName = z.string().regex(/^[a-z]+(\/[A-Za-z0-9._-]+)+$/);

const snapshotSchema = z
  .strictObject({
    schemaVersion: z.literal(1).describe('Version of this format.'),
    takenAt: z.iso.datetime({ offset: true }).describe('When the observation began.'),
    sources: z
      .record(sourceName, sourceEntry)
      .describe(
        'Every source that was asked, whether it answered or not. Of a host: nft.txt, nft.json, iptables, listeners, links, routes, tailscale.prefs, tailscale.serve, tailscale.netmap, units, files, processes (docs/snapshot.md).',
      ),
  })
  .describe('Raw evidence of one observation.');

/** Where the published schema lives; editors fetch it by this name. */
const SNAPSHOT_SCHEMA_ID = 'urn:cordon:snapshot:1';

/** JSON Schema (draft 2020-12) of a snapshot file, for editors and other tools. Pure and deterministic. */
export function snapshotJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(snapshotSchema, { io: 'input', target: 'draft-2020-12', reused: 'inline' });
  const { $schema, '~standard': _standard, ...rest } = schema as Record<string, unknown>;
  return { $schema, $id: SNAPSHOT_SCHEMA_ID, title: 'cordon snapshot', ...rest };
}

/**
 * Reads a snapshot file. Strict about our own envelope; the bodies are foreign data and judged where they are used. A key
 * that is given twice is refused wherever it stands: readers of JSON disagree on which of the two counts.
 * @returns diagnostics (all of them) instead of throwing when the text is not a snapshot
 */
export function parseSnapshot(file: string, text: string): Result<Snapshot> {
  const at = lineMap(file, text);
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  const value = errors.length > 0 || tree === undefined ? undefined : jsonOf(text);
  if (tree === undefined || value === undefined) return failure(syntaxErrors(at, text, errors));
  const parsed = snapshotSchema.safeParse(value);
  const found = [
    ...duplicateKeys(tree).map((d) => duplicate(at, d)),
    ...(parsed.success ? [] : parsed.error.issues.flatMap((issue) => shapeErrors(at, tree, issue))),
  ];
  if (found.length > 0) return failure(found.toSorted((x, y) => x.span.offset - y.span.offset));
  return { ok: true, value: parsed.data as Snapshot, warnings: [] };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function syntaxErrors(at: LineMap, text: string, errors: readonly ParseError[]): Diagnostic[] {
  const hint = 'write snapshots with `cordon observe`, or mend the file by hand';
  const isEmpty = text.trim() === '';
  const found = errors.length > 0 && !isEmpty ? errors : [{ error: undefined, offset: 0, length: 0 }];
  const distinct = [...new Map(found.map((e) => [`${e.error} ${e.offset}`, e])).values()];
  return distinct.map((e) => ({
    code: 'snapshot-not-json',
    severity: 'error',
    span: at.span(e.offset, e.length),
    message: isEmpty
      ? 'the file is empty'
      : `this is not JSON${e.error === undefined ? '' : `: ${printParseErrorCode(e.error)}`}`,
    hint,
  }));
}

function shapeErrors(at: LineMap, tree: Node, issue: z.core.$ZodIssue): Diagnostic[] {
  const error = (path: readonly PropertyKey[], message: string): Diagnostic => {
    const node = deepestNode(tree, path);
    return {
      code: 'snapshot-shape',
      severity: 'error',
      span: at.span(node.offset, node.length),
      message: `${path.map(String).join('.') || 'the file'}: ${message}`,
      hint: 'schemas/snapshot.schema.json describes the format',
    };
  };
  if (issue.code !== 'unrecognized_keys') return [error(issue.path, issue.message)];
  return issue.keys.map((key) => error([...issue.path, key], 'no such key'));
}

interface Duplicate {
  readonly key: string;
  readonly first: Node;
  readonly again: Node;
}

/** Every key of an object that was there before, anywhere in the tree. */
function duplicateKeys(root: Node): Duplicate[] {
  const found: Duplicate[] = [];
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const seen = new Map<string, Node>();
    for (const child of node.children ?? []) {
      open.push(child);
      const name = node.type === 'object' ? child.children?.[0] : undefined;
      if (name === undefined) continue;
      const first = seen.get(String(name.value));
      if (first === undefined) seen.set(String(name.value), name);
      else found.push({ key: String(name.value), first, again: name });
    }
  }
  return found;
}

function duplicate(at: LineMap, { key, first, again }: Duplicate): Diagnostic {
  return {
    code: 'snapshot-duplicate-key',
    severity: 'error',
    span: at.span(again.offset, again.length),
    message: `${JSON.stringify(key)} is given twice`,
    hint: 'keep one of them: which one counts depends on the reader',
    related: [{ span: at.span(first.offset, first.length), message: 'first given here' }],
  };
}

/** Canonical text of a snapshot: keys sorted at every level, two spaces, one newline at the end. */
export function printSnapshot(evidence: Evidence, takenAt: string): string {
  return `${JSON.stringify(sortKeys({ schemaVersion: 1, takenAt, sources: evidence.sources }), null, 2)}\n`;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sortKeys(v)]));
}

function failure(diagnostics: readonly Diagnostic[]): Result<never> {
  return { ok: false, diagnostics };
}

/** The node at `path`, or its nearest ancestor where the path leads to something that is absent. */
function deepestNode(tree: Node, path: readonly PropertyKey[]): Node {
  for (let length = path.length; length > 0; length--) {
    const segments = path.slice(0, length).map((key) => (typeof key === 'symbol' ? String(key) : key));
    const node = findNodeAtLocation(tree, segments);
    // A member is shown by its name: the value may be long, and it may be the name that is wrong.
    if (node !== undefined) return node.parent?.type === 'property' ? (node.parent.children?.[0] ?? node) : node;
  }
  return tree;
}
