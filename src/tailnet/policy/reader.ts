import type { Diagnostic } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import type { HujsonMember, HujsonNode } from '../hujson/parse.ts';
import type { LocatedText, SelectorRef, Unmodelled } from './policy.ts';
import { parseSelector } from './selector.ts';

/**
 * Reads values of known shape out of a policy and collects all that is wrong. `null` reads like an absent value, as it
 * does for the control plane (Go's nil).
 */
export class PolicyReader {
  readonly diagnostics: Diagnostic[] = [];
  readonly unmodelled: Unmodelled[] = [];

  error(code: string, span: Span, message: string, hint?: string): void {
    this.diagnostics.push({ code, severity: 'error', span, message, ...(hint === undefined ? {} : { hint }) });
  }

  /** Says of keys that they are not known: the API may refuse them, or mean something by them. */
  unknownKeys(what: string, keys: readonly LocatedText[]): void {
    for (const { text, span } of keys) {
      const message = `unknown key ${JSON.stringify(text)} in ${what}: what it changes is not known`;
      this.diagnostics.push({ code: 'policy-unknown-key', severity: 'warning', span, message });
    }
  }

  /** Members of an object whose keys are data (`groups`, `hosts`, …). */
  members(node: HujsonNode | undefined, what: string): readonly HujsonMember[] {
    if (node === undefined || node.kind === 'null') return [];
    if (node.kind === 'object') return node.members;
    this.wrongShape(node, what, 'an object');
    return [];
  }

  /**
   * Members of an object whose keys are names of ours to know, which match in any case. Two keys that differ in case
   * only are an error: readers disagree on which one counts.
   * @param aliases older names and the names they stand for, lower case
   * @returns by lower-case name
   */
  fields(
    node: HujsonNode | undefined,
    what: string,
    aliases: Readonly<Record<string, string>> = {},
  ): Map<string, HujsonMember> {
    const fields = new Map<string, HujsonMember>();
    for (const member of this.members(node, what)) {
      const lower = member.key.toLowerCase();
      const name = Object.hasOwn(aliases, lower) ? (aliases[lower] ?? lower) : lower;
      const first = fields.get(name);
      if (first === undefined) {
        fields.set(name, member);
        continue;
      }
      this.diagnostics.push({
        code: 'policy-duplicate-key',
        severity: 'error',
        span: member.keySpan,
        message: `${JSON.stringify(member.key)} and ${JSON.stringify(first.key)} are the same key of ${what}`,
        hint: 'keep one of them',
        related: [{ span: first.keySpan, message: 'first given here' }],
      });
    }
    return fields;
  }

  list(node: HujsonNode | undefined, what: string): readonly HujsonNode[] {
    if (node === undefined || node.kind === 'null') return [];
    if (node.kind === 'array') return node.items;
    this.wrongShape(node, what, 'a list');
    return [];
  }

  string(node: HujsonNode | undefined, what: string): LocatedText | undefined {
    if (node === undefined || node.kind === 'null') return undefined;
    if (node.kind === 'string') return { text: node.value, span: node.span };
    this.wrongShape(node, what, 'a string');
    return undefined;
  }

  strings(node: HujsonNode | undefined, what: string): LocatedText[] {
    return this.list(node, what).flatMap((item) => {
      if (item.kind === 'string') return [{ text: item.value, span: item.span }];
      this.wrongShape(item, `an entry of ${what}`, 'a string');
      return [];
    });
  }

  /** The place of the value where it is `true`. */
  flag(member: HujsonMember | undefined, what: string): Span | undefined {
    const node = member?.value;
    if (node === undefined || node.kind === 'null') return undefined;
    if (node.kind === 'boolean') return node.value ? node.span : undefined;
    this.wrongShape(node, what, 'true or false');
    return undefined;
  }

  selectors(node: HujsonNode | undefined, what: string): SelectorRef[] {
    return this.strings(node, what).map((t) => ({ ...t, selector: parseSelector(t.text) }));
  }

  private wrongShape(node: HujsonNode, what: string, wanted: string): void {
    this.error('policy-shape', node.span, `${what} must be ${wanted}, not ${article(node.kind)}`);
  }
}

function article(kind: HujsonNode['kind']): string {
  if (kind === 'null') return kind;
  return /^[ao]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/** The JSON value of a node; objects get no prototype, so `__proto__` is a key like any other. */
export function jsonValue(node: HujsonNode): unknown {
  switch (node.kind) {
    case 'null':
      return null;
    case 'array':
      return node.items.map(jsonValue);
    case 'object': {
      const out: Record<string, unknown> = Object.create(null);
      for (const m of node.members) out[m.key] = jsonValue(m.value);
      return out;
    }
    case 'string':
    case 'number':
    case 'boolean':
      return node.value;
  }
}
