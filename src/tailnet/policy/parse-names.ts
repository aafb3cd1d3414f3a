import { parsePrefix } from '../../net/prefix.ts';
import type { HujsonNode } from '../hujson/parse.ts';
import type { HostAlias, IpSetDefinition, IpSetOperation, LocatedText, NamedList } from './policy.ts';
import type { PolicyReader } from './reader.ts';
import { parseSelector } from './selector.ts';

/** Targets that an IP set may be made of (Tailscale documentation, "IP sets"). */
const IP_SET_TARGETS = new Set(['prefix', 'host', 'internet', 'ipset']);

/** A section that names lists of strings: `groups`, `tagOwners`, `postures`. */
export function namedLists(reader: PolicyReader, node: HujsonNode | undefined, what: string): Map<string, NamedList> {
  const lists = new Map<string, NamedList>();
  for (const m of reader.members(node, what)) {
    lists.set(m.key, {
      name: m.key,
      span: m.keySpan,
      items: reader.strings(m.value, `${what}[${JSON.stringify(m.key)}]`),
    });
  }
  return lists;
}

/** The section `hosts`. */
export function hostAliases(reader: PolicyReader, node: HujsonNode | undefined): Map<string, HostAlias> {
  const hosts = new Map<string, HostAlias>();
  for (const m of reader.members(node, 'hosts')) {
    const value = reader.string(m.value, `hosts[${JSON.stringify(m.key)}]`) ?? { text: '', span: m.value.span };
    hosts.set(m.key, { name: m.key, span: m.keySpan, value, prefix: parsePrefix(value.text.trim())?.prefix });
  }
  return hosts;
}

/** The section `ipsets`. */
export function ipSets(reader: PolicyReader, node: HujsonNode | undefined): Map<string, IpSetDefinition> {
  const sets = new Map<string, IpSetDefinition>();
  for (const { name, span, items } of namedLists(reader, node, 'ipsets').values()) {
    const read = items.map((item) => ({ item, operation: ipSetOperation(item) }));
    sets.set(name, {
      name,
      span,
      operations: read.flatMap((r) => r.operation ?? []),
      faults: read.filter((r) => r.operation === undefined).map((r) => r.item),
    });
  }
  return sets;
}

/** `add TARGET`, `remove TARGET`, or a bare target, which adds. */
function ipSetOperation(item: LocatedText): IpSetOperation | undefined {
  const words = item.text.trim().split(/\s+/);
  const [first = '', second] = words;
  const action = second === undefined ? 'add' : first === 'add' || first === 'remove' ? first : undefined;
  const text = second ?? first;
  const selector = parseSelector(text);
  if (action === undefined || words.length > 2 || !IP_SET_TARGETS.has(selector.kind)) return undefined;
  return { action, target: { text, span: item.span, selector } };
}
