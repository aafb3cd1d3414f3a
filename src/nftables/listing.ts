import type { Diagnostic } from '../source/diagnostic.ts';
import { type LineMap, lineMap, type Span } from '../source/span.ts';
import { isToken, tokenize } from './token.ts';

/** The block structure of a listing, before any statement is read. */
export interface Listing {
  readonly tables: readonly ListedTable[];
}

export interface ListedTable {
  readonly family: string;
  readonly name: string;
  /** `flags …` and `comment …`. */
  readonly lines: readonly ListedLine[];
  readonly objects: readonly ListedObject[];
  /** From the header to the closing brace. */
  readonly span: Span;
}

export interface ListedObject {
  /** `chain`, `set`, `counter`, `map`, `flowtable`, `ct helper`… */
  readonly kind: string;
  readonly name: string;
  readonly lines: readonly ListedLine[];
  /** From the header to the closing brace. */
  readonly span: Span;
}

/** One logical line: a rule, an option, or an element list with its continuation lines. */
export interface ListedLine {
  /** Without indentation and handle; a blank at the end is kept, since nft leaves one for what it cannot print. */
  readonly text: string;
  readonly handle: number | undefined;
  readonly span: Span;
}

const TABLE = /^table (inet|ip|ip6|arp|bridge|netdev) (\S+) \{(?: #.*)?$/;
const OBJECT =
  /^(chain|set|map|counter|quota|limit|flowtable|secmark|synproxy|ct helper|ct timeout|ct expectation) (\S+) \{$/;

/**
 * Reads the blocks of a text printed by `nft list ruleset` or `nft list table`. A text that ends inside a block, has a
 * brace too many, or has a line that belongs nowhere gives diagnostics and no listing at all: half a ruleset must never
 * pass for a whole, shorter one.
 */
export function readListing(
  file: string,
  text: string,
): { readonly listing: Listing; readonly diagnostics: readonly Diagnostic[] } {
  const reader = new Reader(file, text);
  return reader.read();
}

interface Line {
  /** 0-based. */
  readonly index: number;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

class Reader {
  readonly #map: LineMap;
  readonly #lines: readonly Line[];
  readonly #diagnostics: Diagnostic[] = [];
  readonly #size: number;
  #at = 0;

  constructor(file: string, text: string) {
    this.#map = lineMap(file, text);
    this.#lines = splitLines(text);
    this.#size = text.length;
  }

  read(): { listing: Listing; diagnostics: Diagnostic[] } {
    const tables: ListedTable[] = [];
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      const header = TABLE.exec(line.text.trimEnd());
      if (header === null) this.#unexpected(line, 'outside of every table');
      else tables.push(this.#table(line, header[1] ?? '', header[2] ?? ''));
    }
    return { listing: { tables }, diagnostics: this.#diagnostics };
  }

  #table(start: Line, family: string, name: string): ListedTable {
    const lines: ListedLine[] = [];
    const objects: ListedObject[] = [];
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      const bare = stripHandle(line.text);
      if (bare.text === '}') return { family, name, lines, objects, span: this.#spanOf(start, line) };
      const header = OBJECT.exec(bare.text);
      if (header !== null) objects.push(this.#object(line, header[1] ?? '', header[2] ?? ''));
      else if (/^(flags \S|comment ")/.test(bare.text)) lines.push(this.#listed(line, line));
      else this.#unexpected(line, `in table ${family} ${name}`);
    }
    this.#truncated(start, `table ${family} ${name}`);
    return { family, name, lines, objects, span: this.#spanOf(start, start) };
  }

  #object(start: Line, kind: string, name: string): ListedObject {
    const lines: ListedLine[] = [];
    for (let line = this.#next(); line !== undefined; line = this.#next()) {
      if (stripHandle(line.text).text === '}') return { kind, name, lines, span: this.#spanOf(start, line) };
      const last = this.#logicalEnd(line, kind);
      if (last === undefined) break;
      lines.push(this.#listed(line, last));
    }
    this.#truncated(start, `${kind} ${name}`);
    return { kind, name, lines, span: this.#spanOf(start, start) };
  }

  /** The last physical line of the logical line that begins here; element lists go on until their brace closes. */
  #logicalEnd(first: Line, kind: string): Line | undefined {
    let depth = this.#depth(first);
    if (depth !== 0 && (kind === 'chain' || depth < 0)) {
      this.#error('nft-unbalanced', first, 'braces of this line do not match');
      return first;
    }
    let last: Line | undefined = first;
    while (depth > 0) {
      last = this.#next();
      if (last === undefined) return undefined;
      depth += this.#depth(last);
    }
    return last;
  }

  #depth(line: Line): number {
    const tokens = tokenize(line.text);
    if (tokens === undefined) {
      this.#error('nft-unbalanced', line, 'a quote of this line is never closed');
      return 0;
    }
    return tokens.filter((t) => isToken(t, '{')).length - tokens.filter((t) => isToken(t, '}')).length;
  }

  /** Skips blank lines and lines that are only a comment (newer nft warns about tables of iptables-nft so). */
  #next(): Line | undefined {
    while (this.#at < this.#lines.length) {
      const line = this.#lines[this.#at++];
      if (line !== undefined && line.text.trim() !== '' && !line.text.startsWith('#')) return line;
    }
    return undefined;
  }

  #listed(first: Line, last: Line): ListedLine {
    const joined = this.#lines.slice(first.index, last.index + 1).map((l) => l.text);
    const { text, handle } = stripHandle(joined.join('\n'));
    return { text, handle, span: this.#map.span(first.start, last.end - first.start) };
  }

  #spanOf(first: Line, last: Line): Span {
    return this.#map.span(first.start, last.end - first.start);
  }

  #unexpected(line: Line, where: string): void {
    this.#error('nft-unexpected-line', line, `not a line of an nft listing ${where}`);
  }

  #truncated(start: Line, what: string): void {
    this.#diagnostics.push({
      code: 'nft-truncated',
      severity: 'error',
      span: this.#map.span(this.#size, 0),
      message: `the listing ends inside ${what}`,
      hint: 'list it again: a part of a ruleset proves nothing',
      related: [{ span: this.#spanOf(start, start), message: `${what} begins here` }],
    });
  }

  #error(code: string, line: Line, message: string): void {
    this.#diagnostics.push({ code, severity: 'error', span: this.#spanOf(line, line), message });
  }
}

/** Lines without indentation; `start` and `end` are the offsets of what is left. */
function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const raw = text.slice(start, end);
    const indent = raw.length - raw.trimStart().length;
    lines.push({ index: lines.length, text: raw.slice(indent), start: start + indent, end });
    start = end + 1;
  }
  return lines;
}

/** `… # handle 7`, as `nft -a` prints it, also behind the opening brace of a block. */
function stripHandle(text: string): { text: string; handle: number | undefined } {
  const found = /^([\s\S]*) # handle ([0-9]+)$/.exec(text);
  return found === null ? { text, handle: undefined } : { text: found[1] ?? '', handle: Number(found[2]) };
}
