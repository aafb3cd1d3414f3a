/**
 * Lossless syntax tree of a HuJSON text (JSON with comments and trailing commas, "JWCC"): writing the tree gives the
 * input back. The shape follows tailscale/hujson types.go, because the canonical format is defined on it. Nodes are
 * mutable on purpose: formatting and merging rewrite a tree that nobody else holds.
 */

/** A value with the white space and comments around it ("extra" in upstream's words). */
export interface HuValue {
  /** Between the preceding bracket, colon, comma or start of input and the value. */
  before: string;
  node: HuNode;
  /**
   * Between the value and the following colon, comma or end of input. On the last value of an object or array,
   * `undefined` means that no trailing comma follows, and a string (even the empty one) that one does.
   */
  after: string | undefined;
}

export type HuNode = HuLiteral | HuObject | HuArray;

/** Literal text of a string, number, boolean or null, exactly as written. */
export interface HuLiteral {
  readonly kind: 'literal';
  text: string;
  /** 0-based UTF-16 offset in the parsed text; -1 for nodes that did not come from a text. */
  readonly offset: number;
}

export interface HuObject {
  readonly kind: 'object';
  readonly members: HuMember[];
  /** Between the last comma (or value, or opening bracket) and the closing bracket. */
  closing: string;
  readonly offset: number;
  /** Offset behind the closing bracket. */
  readonly end: number;
}

export interface HuMember {
  /** `node` is a string literal. */
  readonly name: HuValue;
  readonly value: HuValue;
}

export interface HuArray {
  readonly kind: 'array';
  readonly elements: HuValue[];
  closing: string;
  readonly offset: number;
  readonly end: number;
}

export type HuComposite = HuObject | HuArray;

/** The values inside an object (names and values in turn) or array, in textual order. */
export function innerValues(node: HuComposite): HuValue[] {
  return node.kind === 'array' ? node.elements : node.members.flatMap((m) => [m.name, m.value]);
}

/** The value that a trailing comma would follow. */
export function lastValue(node: HuComposite): HuValue | undefined {
  return node.kind === 'array' ? node.elements.at(-1) : node.members.at(-1)?.value;
}

/** Whether white space or comments hold a comment; a slash occurs there only to start one. */
export function hasComment(extra: string | undefined): boolean {
  return extra?.includes('/') ?? false;
}

/** The text of a tree, byte for byte. */
export function packHujson(value: HuValue): string {
  const out: string[] = [];
  pack(value, out);
  return out.join('');
}

function pack(value: HuValue, out: string[]): void {
  out.push(value.before);
  const node = value.node;
  if (node.kind === 'literal') {
    out.push(node.text);
  } else {
    out.push(node.kind === 'object' ? '{' : '[');
    const count = node.kind === 'object' ? node.members.length : node.elements.length;
    for (let i = 0; i < count; i++) {
      const member = node.kind === 'object' ? node.members[i] : undefined;
      const inner = node.kind === 'object' ? member?.value : node.elements[i];
      if (inner === undefined) continue;
      if (member !== undefined) {
        pack(member.name, out);
        out.push(':');
      }
      pack(inner, out);
      if (i < count - 1 || inner.after !== undefined) out.push(',');
    }
    out.push(node.closing, node.kind === 'object' ? '}' : ']');
  }
  out.push(value.after ?? '');
}
