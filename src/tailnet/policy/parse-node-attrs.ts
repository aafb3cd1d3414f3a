import type { Span } from '../../source/span.ts';
import { attributeEffect } from '../attributes/effect.ts';
import type { HujsonNode } from '../hujson/parse.ts';
import { unknownKeys } from './parse-rules.ts';
import type { Aspect, LocatedText, SelectorRef } from './policy.ts';
import type { PolicyReader } from './reader.ts';

/** An entry of `nodeAttrs`: what is stamped on the devices that its targets mean. */
export interface NodeAttrEntry {
  /** Position in `nodeAttrs`, from 0. */
  readonly index: number;
  readonly span: Span;
  readonly target: readonly SelectorRef[];
  readonly attr: readonly LocatedText[];
  /** Ranges that new addresses of the targets come from. */
  readonly ipPool: readonly LocatedText[];
}

const KEYS = new Set(['target', 'attr', 'ippool']);

/** Reads one entry of `nodeAttrs`, and reports what of it could change more than the attributes say. */
export function parseNodeAttr(reader: PolicyReader, node: HujsonNode, index: number): NodeAttrEntry {
  const what = `nodeAttrs[${index}]`;
  const fields = reader.fields(node, what);
  const report = ({ text, span }: LocatedText, said: string, touches: readonly Aspect[]) =>
    reader.unmodelled.push({ kind: 'unmodelled', span, what: `${what}: ${text}: ${said}`, touches });
  const attr = reader.strings(fields.get('attr')?.value, `${what}.attr`);
  for (const name of attr) {
    if (attributeEffect(name.text).known) continue;
    report(name, 'an attribute that cordon does not know', ['attributes']);
  }
  const ipPool = reader.strings(fields.get('ippool')?.value, `${what}.ipPool`);
  for (const pool of ipPool) report(pool, 'which addresses new devices get is not modelled', ['packets', 'peers']);
  for (const key of unknownKeys(fields, KEYS)) {
    const isConnector = key.text.toLowerCase() === 'app';
    if (!isConnector) reader.unknownKeys(what, [key]);
    const said = isConnector ? 'app connectors route what their domains resolve to' : 'a key that cordon does not know';
    report(key, said, ['attributes', 'packets', 'peers']);
  }
  return {
    index,
    span: node.span,
    target: reader.selectors(fields.get('target')?.value, `${what}.target`),
    attr,
    ipPool,
  };
}
