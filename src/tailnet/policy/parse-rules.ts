import type { HujsonMember, HujsonNode } from '../hujson/parse.ts';
import type { AppCapability, LocatedText, PolicyRule, SelectorRef, Target } from './policy.ts';
import {
  ALL_PORTS,
  DEFAULT_PROTOCOLS,
  type IpSpec,
  ipSpec,
  parseIpEntry,
  parseProtocols,
  splitTarget,
} from './ports.ts';
import { jsonValue, type PolicyReader } from './reader.ts';
import { parseSelector } from './selector.ts';

/** Older names of rule keys, still accepted (tailscale/tailscale client/tailscale/acl.go: ACLRow). */
const ALIASES = { users: 'src', ports: 'dst' };
const ACL_KEYS = new Set(['action', 'src', 'dst', 'proto', 'srcposture']);
const GRANT_KEYS = new Set(['src', 'dst', 'ip', 'app', 'via', 'srcposture']);

/** What a destination permits when its ports or protocol do not parse: everything, since the rule has a fault anyway. */
const EVERYTHING: readonly IpSpec[] = [{ protocols: DEFAULT_PROTOCOLS, ports: ALL_PORTS, validated: false }];

/** Reads one entry of `acls`. */
export function parseAcl(reader: PolicyReader, node: HujsonNode, index: number): PolicyRule {
  const what = `acls[${index}]`;
  const fields = reader.fields(node, what, ALIASES);
  const faults: LocatedText[] = [];
  const proto = protoText(reader, fields.get('proto')?.value, what);
  const protocols = parseProtocols(proto?.text ?? '');
  if (!protocols.ok && proto !== undefined) faults.push({ text: protocols.message, span: proto.span });
  const dst = reader.strings(fields.get('dst')?.value, `${what}.dst`).map((written): Target => {
    const { name, ports } = splitTarget(written.text);
    if (!ports.ok) faults.push({ text: `dst="${written.text}": ${ports.message}`, span: written.span });
    const ip = ports.ok && protocols.ok ? [ipSpec(protocols.value, ports.value)] : EVERYTHING;
    return { text: name, span: written.span, selector: parseSelector(name), ip };
  });
  const strange = unknownKeys(fields, ACL_KEYS);
  reader.unknownKeys(what, strange);
  return {
    section: 'acls',
    index,
    span: node.span,
    action: reader.string(fields.get('action')?.value, `${what}.action`),
    src: reader.selectors(fields.get('src')?.value, `${what}.src`),
    dst,
    hasIp: true,
    app: [],
    via: [],
    posture: reader.strings(fields.get('srcposture')?.value, `${what}.srcPosture`),
    unknownKeys: strange,
    faults,
  };
}

/** Reads one entry of `grants`. */
export function parseGrant(reader: PolicyReader, node: HujsonNode, index: number): PolicyRule {
  const what = `grants[${index}]`;
  const fields = reader.fields(node, what);
  const faults: LocatedText[] = [];
  const ip = reader.strings(fields.get('ip')?.value, `${what}.ip`).flatMap((entry): readonly IpSpec[] => {
    const parsed = parseIpEntry(entry.text);
    if (parsed.ok) return [parsed.value];
    faults.push({ text: parsed.message, span: entry.span });
    return EVERYTHING;
  });
  const strange = unknownKeys(fields, GRANT_KEYS);
  reader.unknownKeys(what, strange);
  return {
    section: 'grants',
    index,
    span: node.span,
    action: undefined,
    src: reader.selectors(fields.get('src')?.value, `${what}.src`),
    dst: reader.selectors(fields.get('dst')?.value, `${what}.dst`).map((ref: SelectorRef): Target => ({ ...ref, ip })),
    hasIp: ip.length > 0,
    app: parseApp(reader, fields.get('app')?.value, what),
    via: reader.selectors(fields.get('via')?.value, `${what}.via`),
    posture: reader.strings(fields.get('srcposture')?.value, `${what}.srcPosture`),
    unknownKeys: strange,
    faults,
  };
}

function parseApp(reader: PolicyReader, node: HujsonNode | undefined, what: string): AppCapability[] {
  return reader.members(node, `${what}.app`).map((m) => ({ name: m.key, span: m.keySpan, values: jsonValue(m.value) }));
}

/** Protocol of an acl or a test: a name, a number in quotes, or a bare number. */
export function protoText(reader: PolicyReader, node: HujsonNode | undefined, what: string): LocatedText | undefined {
  if (node?.kind === 'number') return { text: node.text, span: node.span };
  return reader.string(node, `${what}.proto`);
}

/** The keys of an object that are not in a list of lower-case names. */
export function unknownKeys(fields: ReadonlyMap<string, HujsonMember>, known: ReadonlySet<string>): LocatedText[] {
  return [...fields].filter(([name]) => !known.has(name)).map(([, m]) => ({ text: m.key, span: m.keySpan }));
}
