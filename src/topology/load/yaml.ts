import { type Document, isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseAllDocuments } from 'yaml';
import type { Diagnostic } from '../../source/diagnostic.ts';
import { type LineMap, lineMap, type Span } from '../../source/span.ts';
import { type Path, Places } from './places.ts';
import { secretDiagnostic, secretIn } from './secrets.ts';

/** Deeper nesting than any field of the format; stops hostile files early. */
const MAX_DEPTH = 24;
/** Syntax errors shown; a file that is no YAML at all has thousands. */
const MAX_SYNTAX_ERRORS = 10;

/** NUL, and what a UTF-8 decoder puts where bytes are not UTF-8. */
const NOT_TEXT = '\u0000\uFFFD';

/** A YAML file as plain data, with the place of everything in it. */
export interface YamlFile {
  /** Objects have no prototype; undefined when the file holds nothing that can be read. */
  readonly data: unknown;
  readonly places: Places;
  /** Paths (as JSON) whose values were refused and stand as null in `data`. */
  readonly refused: ReadonlySet<string>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads YAML 1.2 with the core schema, one document, nothing else: no `yes`/`no` booleans, dates stay text. A file that
 * decides isolation has to mean what a reader sees at the place where it stands, so anchors, aliases, merge keys, tags,
 * directives, keys that are not text, duplicate keys and `__proto__` are errors. Never throws.
 */
export function readYaml(file: string, text: string): YamlFile {
  const lines = lineMap(file, text);
  const places = new Places(lines.span(0, 0));
  const unreadable = (code: string, span: Span, message: string, hint: string): YamlFile => ({
    data: undefined,
    places,
    refused: new Set(),
    diagnostics: [{ code, severity: 'error', span, message, hint }],
  });
  const binary =
    [...NOT_TEXT]
      .map((c) => text.indexOf(c))
      .filter((i) => i >= 0)
      .sort((a, b) => a - b)[0] ?? -1;
  if (binary >= 0) {
    return unreadable(
      'topology-not-text',
      lines.span(binary, 1),
      'this is not a text file in UTF-8',
      'give the path of a cordon.yaml; is this a binary file or another encoding?',
    );
  }
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      strict: true,
      prettyErrors: false,
      logLevel: 'silent',
    });
    documents = 'empty' in parsed ? [] : [...parsed];
  } catch {
    // The composer recurses: deep nesting overflows the stack. Whatever it throws, the file cannot be read.
    return unreadable(
      'topology-yaml-syntax',
      lines.span(0, 0),
      'the file cannot be read as YAML',
      'is it nested thousands of levels deep?',
    );
  }
  const document = documents[0];
  const other = documents[1];
  if (document === undefined || (document.contents === null && document.errors.length === 0)) {
    return unreadable(
      'topology-empty',
      lines.span(0, 0),
      'the file is empty',
      'start with "version: 1"; the format is described by the JSON Schema and the examples',
    );
  }
  const syntax = documents
    .flatMap((d) => d.errors)
    .map((e) => syntaxError(e.message, lines.span(e.pos[0], e.pos[1] - e.pos[0])));
  if (syntax.length > 0) return { data: undefined, places, refused: new Set(), diagnostics: firstOf(syntax) };
  const reader = new Reader(lines, places);
  if (other !== undefined) {
    const at = other.range[0];
    reader.report(
      'topology-yaml-documents',
      lines.span(at, 0),
      'the file holds more than one YAML document',
      'keep one: remove the "---" line, or split the file',
    );
  }
  if (/^%/m.test(text.slice(0, document.contents?.range?.[0] ?? 0))) {
    reader.report(
      'topology-yaml-feature',
      lines.span(text.search(/^%/m), 1),
      'YAML directives are not read',
      'remove the line that starts with %',
    );
  }
  const data = reader.value(document.contents, [], undefined, 0);
  return { data, places, refused: reader.refused, diagnostics: reader.diagnostics };
}

/** Turns the syntax tree into plain data, noting places and refusing what the format leaves out. */
class Reader {
  readonly diagnostics: Diagnostic[] = [];
  readonly refused = new Set<string>();
  readonly #lines: LineMap;
  readonly #places: Places;

  constructor(lines: LineMap, places: Places) {
    this.#lines = lines;
    this.#places = places;
  }

  report(code: string, span: Span, message: string, hint: string, related?: Diagnostic['related']): void {
    this.diagnostics.push({
      code,
      severity: 'error',
      span,
      message,
      hint,
      ...(related === undefined ? {} : { related }),
    });
  }

  value(node: unknown, path: Path, key: Span | undefined, depth: number): unknown {
    const span = this.#span(node) ?? key ?? this.#lines.span(0, 0);
    this.#places.set(path, { key, value: span });
    if (depth > MAX_DEPTH) {
      this.report(
        'topology-yaml-syntax',
        span,
        'this is nested too deeply',
        'no field of the format is nested like this; check the indentation',
      );
      return null;
    }
    this.#refuseFeatures(node, span);
    if (isScalar(node)) {
      if (typeof node.value === 'string') this.#refuseSecret(node.value, span);
      return node.value;
    }
    if (isSeq(node)) return node.items.map((item, index) => this.value(item, [...path, index], undefined, depth + 1));
    if (isMap(node)) return this.#map(node.items, path, depth);
    if (isAlias(node)) this.refused.add(JSON.stringify(path));
    return null;
  }

  #map(pairs: readonly Pair[], path: Path, depth: number): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null);
    const first = new Map<string, Span>();
    for (const pair of pairs) {
      const span = this.#span(pair.key) ?? this.#span(pair.value) ?? this.#lines.span(0, 0);
      const key = this.#key(pair.key, span);
      if (key === undefined) continue;
      const before = first.get(key);
      if (before !== undefined) {
        this.report('topology-duplicate-key', span, `${JSON.stringify(key)} is given twice`, 'keep one of the two', [
          { span: before, message: 'first given here' },
        ]);
        continue;
      }
      first.set(key, span);
      const value = this.value(pair.value, [...path, key], span, depth + 1);
      Object.defineProperty(result, key, { value, enumerable: true, writable: true, configurable: true });
    }
    return result;
  }

  /** The key as text; undefined, with a finding, for keys that the format cannot have. */
  #key(node: unknown, span: Span): string | undefined {
    this.#refuseFeatures(node, span);
    const key = isScalar(node) ? node.value : undefined;
    if (key === '<<') {
      this.report(
        'topology-yaml-feature',
        span,
        'merge keys (<<) are not read',
        'write the fields out where they belong',
      );
      return undefined;
    }
    if (typeof key === 'string' && key !== '' && key !== '__proto__') {
      this.#refuseSecret(key, span);
      return key;
    }
    if (typeof key === 'number' || typeof key === 'boolean') return String(key);
    this.report(
      'topology-bad-name',
      span,
      'this key is not a usable name',
      'keys are plain words, such as role or orch-1',
    );
    return undefined;
  }

  #refuseFeatures(node: unknown, span: Span): void {
    if (isAlias(node)) {
      this.report(
        'topology-yaml-feature',
        span,
        'YAML aliases (*name) are not read',
        'write the value out: each field has to say at its own place what it means',
      );
    } else if (isTagged(node)) {
      this.report('topology-yaml-feature', span, 'YAML tags (!name) are not read', 'remove the tag');
    } else if ((isScalar(node) || isMap(node) || isSeq(node)) && node.anchor !== undefined) {
      this.report('topology-yaml-feature', span, 'YAML anchors (&name) are not read', 'remove the anchor');
    }
  }

  #refuseSecret(value: string, span: Span): void {
    const what = secretIn(value);
    if (what !== undefined) this.diagnostics.push(secretDiagnostic(what, span));
  }

  #span(node: unknown): Span | undefined {
    const range = isNodeLike(node) ? node.range : undefined;
    if (range === undefined || range === null) return undefined;
    return this.#lines.span(range[0], Math.max(0, range[1] - range[0]));
  }
}

function isNodeLike(node: unknown): node is Node {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
}

function isTagged(node: unknown): boolean {
  return (isScalar(node) || isMap(node) || isSeq(node)) && node.tag !== undefined;
}

function syntaxError(message: string, span: Span): Diagnostic {
  return {
    code: 'topology-yaml-syntax',
    severity: 'error',
    span,
    message: `this is not valid YAML: ${message}`,
    hint: 'check indentation (spaces only), quotes and brackets around this place',
  };
}

function firstOf(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const shown = diagnostics.slice(0, MAX_SYNTAX_ERRORS);
  const last = shown.at(-1);
  if (last === undefined || shown.length === diagnostics.length) return shown;
  return [
    ...shown.slice(0, -1),
    { ...last, message: `${last.message} (and ${diagnostics.length - shown.length} more like it)` },
  ];
}
