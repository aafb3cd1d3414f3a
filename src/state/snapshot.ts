import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import type { Diagnostic, Result } from '../source/diagnostic.ts';
import { lineMap } from '../source/span.ts';
import type { Evidence, Snapshot } from './evidence.ts';

const sourceEntry = z
  .strictObject({
    status: z.enum(['ok', 'denied', 'failed', 'late', 'partial', 'absent']).describe('How the source answered'),
    at: z.iso.datetime({ offset: true }).optional().describe('When it was asked'),
    body: z.unknown().optional().describe("The source's own shape; secrets are removed before writing"),
    why: z.string().optional().describe('Why it is not ok'),
  })
  .describe('One answer of one source');

const snapshotSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    takenAt: z.iso.datetime({ offset: true }),
    sources: z.record(z.string().regex(/^[a-z]+(\/[A-Za-z0-9._-]+)+$/), sourceEntry),
  })
  .describe('cordon snapshot: raw evidence of one observation');

/** JSON Schema of a snapshot file, for editors and other tools. */
export function snapshotJsonSchema(): object {
  return z.toJSONSchema(snapshotSchema);
}

/**
 * Reads a snapshot file. Strict about our own envelope; the bodies are foreign data and judged where they are used.
 * @returns diagnostics (all of them) instead of throwing when the text is not a snapshot
 */
export function parseSnapshot(file: string, text: string): Result<Snapshot> {
  const at = lineMap(file, text);
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
  if (errors.length > 0 || tree === undefined) {
    const found = errors.length > 0 ? errors : [{ error: 0, offset: 0, length: 0 }];
    return failure(
      found.map((e) => ({
        code: 'snapshot-not-json',
        severity: 'error',
        span: at.span(e.offset, e.length),
        message: errors.length > 0 ? `this is not JSON: ${printParseErrorCode(e.error)}` : 'the file is empty',
        hint: 'write snapshots with `cordon observe`, or mend the file by hand',
      })),
    );
  }
  const parsed = snapshotSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    return failure(
      parsed.error.issues.map((issue) => {
        const node = deepestNode(tree, issue.path);
        return {
          code: 'snapshot-shape',
          severity: 'error',
          span: at.span(node.offset, node.length),
          message: `${issue.path.join('.') || 'the file'}: ${issue.message}`,
          hint: 'schemas/snapshot.schema.json describes the format',
        };
      }),
    );
  }
  return { ok: true, value: parsed.data as Snapshot, warnings: [] };
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
    if (node !== undefined) return node;
  }
  return tree;
}
