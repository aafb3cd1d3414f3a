import type { Span } from '../../source/span.ts';
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

/** Attributes that open nothing and show nobody anything: `addressesOn` and the rules say all that they change. */
const WITHOUT_REACH = new Set([
  'disable-captive-portal-detection',
  'disable-ipv4',
  // Taildrive: which folders are shared with whom is said by grants of tailscale.com/cap/drive.
  'drive:access',
  'drive:share',
  // Every device has these two, whatever the policy says (captures of the control plane).
  'https://tailscale.com/cap/file-sharing',
  'https://tailscale.com/cap/ssh',
  'magicdns-aaaa',
  'randomize-client-port',
  'suggest-exit-node',
]);

/** Attributes that change who can be reached, or by whom (Tailscale documentation, "node attributes"). */
const CONSEQUENCES: Readonly<Record<string, { readonly what: string; readonly touches: readonly Aspect[] }>> = {
  funnel: {
    what: 'the device may publish ports of its own to the internet, past every rule',
    touches: ['attributes', 'packets', 'peers'],
  },
  mullvad: { what: 'exit nodes of Mullvad become peers of the device', touches: ['attributes', 'packets', 'peers'] },
};

const KEYS = new Set(['target', 'attr', 'ippool']);

/** Reads one entry of `nodeAttrs`, and reports what of it could change more than the attributes say. */
export function parseNodeAttr(reader: PolicyReader, node: HujsonNode, index: number): NodeAttrEntry {
  const what = `nodeAttrs[${index}]`;
  const fields = reader.fields(node, what);
  const report = ({ text, span }: LocatedText, said: string, touches: readonly Aspect[]) =>
    reader.unmodelled.push({ kind: 'unmodelled', span, what: `${what}: ${text}: ${said}`, touches });
  const attr = reader.strings(fields.get('attr')?.value, `${what}.attr`);
  for (const name of attr) {
    if (WITHOUT_REACH.has(name.text)) continue;
    const known = Object.hasOwn(CONSEQUENCES, name.text) ? CONSEQUENCES[name.text] : undefined;
    if (known !== undefined) report(name, known.what, known.touches);
    // Tailscale documentation, "NextDNS": the device resolves names there.
    else if (name.text.startsWith('nextdns:')) report(name, 'names are resolved outside the tailnet', ['underlay']);
    else report(name, 'an attribute that cordon does not know', ['attributes', 'packets', 'peers']);
  }
  const ipPool = reader.strings(fields.get('ippool')?.value, `${what}.ipPool`);
  for (const pool of ipPool) report(pool, 'which addresses new devices get is not modelled', ['packets', 'peers']);
  for (const key of unknownKeys(fields, KEYS)) {
    const isConnector = key.text.toLowerCase() === 'app';
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
