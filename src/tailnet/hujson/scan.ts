import type { HuArray, HuLiteral, HuMember, HuNode, HuObject, HuValue } from './syntax.ts';

/** Deepest nesting that is read; a policy needs about six levels, and recursion must not meet a hostile text unbounded. */
export const MAX_DEPTH = 500;

/** First thing in a text that is not HuJSON. The message has upstream's wording, without the position. */
export interface SyntaxFault {
  /** 0-based UTF-16 offset. */
  readonly offset: number;
  readonly message: string;
}

export type ScanResult =
  | { readonly ok: true; readonly value: HuValue }
  | { readonly ok: false; readonly fault: SyntaxFault };

/**
 * Reads a text into its lossless syntax tree. Accepts and refuses what tailscale/hujson parse.go does, with the same
 * words: a line comment must end in a newline, only the four JSON white space characters separate tokens. Only
 * nesting beyond {@link MAX_DEPTH} is refused in addition.
 */
export function scanHujson(text: string): ScanResult {
  const scanner = new Scanner(text);
  try {
    const value = scanner.value(0);
    if (value === 'end') throw scanner.unexpectedStart();
    if (scanner.at < text.length) scanner.fail(`invalid character ${scanner.quoted()} after top-level value`);
    return { ok: true, value };
  } catch (error) {
    if (error instanceof Fault) return { ok: false, fault: { offset: error.offset, message: error.message } };
    throw error;
  }
}

/**
 * `hujson: line N, column M: message` as upstream prints a fault: both 1-based, the column in bytes of UTF-8, lines ended
 * by LF alone (parse.go:lineColumn).
 */
export function faultText(text: string, fault: SyntaxFault): string {
  const head = text.slice(0, fault.offset);
  const line = head.split('\n').length;
  const column = 1 + Buffer.byteLength(head.slice(head.lastIndexOf('\n') + 1), 'utf8');
  return `hujson: line ${line}, column ${column}: ${fault.message}`;
}

class Fault extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

const EOF = 'unexpected EOF';
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const BARE = /[-+.a-zA-Z0-9]*/y;
const WHITE = /[ \t\r\n]*/y;

class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  fail(message: string, offset = this.at): never {
    throw new Fault(offset, message);
  }

  quoted(): string {
    return quoteCharacter(this.text, this.at);
  }

  unexpectedStart(): Fault {
    return new Fault(this.at, `invalid character ${this.quoted()} at start of value`);
  }

  /**
   * A value with what surrounds it, or `end` in front of a closing bracket (the caller decides whether that is an error;
   * white space before it is then in `pending`).
   */
  value(depth: number): HuValue | 'end' {
    const before = this.extra();
    if (this.at === this.text.length) this.fail(`parsing value: ${EOF}`);
    const ch = this.text[this.at];
    if (ch === '}' || ch === ']') {
      this.pending = before;
      return 'end';
    }
    const node = this.node(ch, depth);
    const after = this.extra();
    return { before, node, after: after === '' ? undefined : after };
  }

  pending = '';

  node(ch: string | undefined, depth: number): HuNode {
    if (ch === '{' || ch === '[') {
      if (depth === MAX_DEPTH) this.fail(`exceeded max depth of ${MAX_DEPTH}`);
      return ch === '{' ? this.object(depth + 1) : this.array(depth + 1);
    }
    return ch === '"' ? this.string() : this.bare();
  }

  object(depth: number): HuObject {
    const offset = this.at++;
    const members: HuMember[] = [];
    for (;;) {
      const name = this.value(depth);
      if (name === 'end')
        return { kind: 'object', members, closing: this.close('}', members.at(-1)?.value), offset, end: this.at };
      if (name.node.kind !== 'literal' || !name.node.text.startsWith('"')) {
        this.at = name.node.offset;
        this.fail(`invalid character ${this.quoted()} at start of object name`);
      }
      if (this.at === this.text.length) this.fail(`parsing object after name: ${EOF}`);
      if (this.text[this.at] !== ':') this.fail(`invalid character ${this.quoted()} after object name`);
      this.at++;
      const value = this.value(depth);
      if (value === 'end') throw this.unexpectedStart();
      members.push({ name, value });
      const closing = this.separator('object', '}', value);
      if (closing !== undefined) return { kind: 'object', members, closing, offset, end: this.at };
    }
  }

  array(depth: number): HuArray {
    const offset = this.at++;
    const elements: HuValue[] = [];
    for (;;) {
      const value = this.value(depth);
      if (value === 'end')
        return { kind: 'array', elements, closing: this.close(']', elements.at(-1)), offset, end: this.at };
      elements.push(value);
      const closing = this.separator('array', ']', value);
      if (closing !== undefined) return { kind: 'array', elements, closing, offset, end: this.at };
    }
  }

  /** Closing bracket directly after `[`, `{` or a trailing comma; returns what stood before it. */
  close(bracket: string, last: HuValue | undefined): string {
    if (this.text[this.at] !== bracket) throw this.unexpectedStart();
    this.at++;
    if (last !== undefined) last.after ??= '';
    return this.pending;
  }

  /** Comma (undefined) or closing bracket (what stood before it, taken from the value) behind a value. */
  separator(kind: 'object' | 'array', bracket: string, value: HuValue): string | undefined {
    if (this.at === this.text.length) this.fail(`parsing ${kind} after value: ${EOF}`);
    const ch = this.text[this.at];
    if (ch !== ',' && ch !== bracket) {
      this.fail(`invalid character ${this.quoted()} after ${kind} value (expecting ',' or '${bracket}')`);
    }
    this.at++;
    if (ch === ',') return undefined;
    const closing = value.after ?? '';
    value.after = undefined;
    return closing;
  }

  string(): HuLiteral {
    const offset = this.at;
    let at = offset + 1;
    while (at < this.text.length && this.text[at] !== '"') at += this.text[at] === '\\' ? 2 : 1;
    if (at >= this.text.length) {
      this.fail(`parsing string: ${EOF}`, this.text.length);
    }
    this.at = at + 1;
    const text = this.text.slice(offset, this.at);
    if (!isJson(text)) this.fail(`invalid literal: ${text}`, offset);
    return { kind: 'literal', text, offset };
  }

  bare(): HuLiteral {
    const offset = this.at;
    const text = this.match(BARE);
    if (text === '') throw this.unexpectedStart();
    if (text !== 'null' && text !== 'true' && text !== 'false' && !NUMBER.test(text)) {
      this.fail(`invalid literal: ${text}`, offset);
    }
    return { kind: 'literal', text, offset };
  }

  extra(): string {
    const start = this.at;
    for (;;) {
      this.match(WHITE);
      const opening = this.text.slice(this.at, this.at + 2);
      if (opening !== '//' && opening !== '/*') return this.text.slice(start, this.at);
      const closing = opening === '//' ? '\n' : '*/';
      const end = this.text.indexOf(closing, this.at + 2);
      if (opening === '//') this.refuseLineSeparator(end < 0 ? this.text.length : end);
      if (end < 0) this.fail(`parsing comment: ${EOF}`);
      this.at = end + closing.length;
    }
  }

  /** U+2028 and U+2029 end a line for some readers only, so what follows them would be comment to one and content to the other. */
  refuseLineSeparator(end: number): void {
    const found = this.text.slice(this.at, end).search(/[\u2028\u2029]/);
    if (found < 0) return;
    this.at += found;
    this.fail(`invalid character ${this.quoted()} in line comment`);
  }

  match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }
}

function isJson(literal: string): boolean {
  try {
    JSON.parse(literal);
    return true;
  } catch {
    return false;
  }
}

/** The character at an offset as upstream quotes it in messages (parse.go:newInvalidCharacterError). */
function quoteCharacter(text: string, at: number): string {
  const point = text.codePointAt(at) ?? 0;
  const character = String.fromCodePoint(point).toWellFormed();
  if (character === "'" || character === '\\') return `'\\${character}'`;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return `'${character}'`;
  const hex = point.toString(16);
  return point <= 0xffff ? `'\\u${hex.padStart(4, '0')}'` : `'\\U${hex.padStart(8, '0')}'`;
}
