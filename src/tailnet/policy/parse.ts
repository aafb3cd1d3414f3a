import { parsePrefix } from '../../net/prefix.ts';
import type { Diagnostic, Result } from '../../source/diagnostic.ts';
import { resultOf } from '../../source/diagnostic.ts';
import { type HujsonMember, type HujsonNode, parseHujson } from '../hujson/parse.ts';
import { hostAliases, ipSets, namedLists } from './parse-names.ts';
import { parseNodeAttr } from './parse-node-attrs.ts';
import { parseAcl, parseGrant, protoText, unknownKeys } from './parse-rules.ts';
import { parseSshEntry, parseSshTest } from './parse-ssh.ts';
import type {
  Aspect,
  AutoApprovers,
  LocatedText,
  NamedList,
  Policy,
  PolicyTest,
  SectionPresence,
  Unmodelled,
} from './policy.ts';
import { PolicyReader } from './reader.ts';
import { parseSelector } from './selector.ts';

/** Sections that are understood; what of an entry is not, is reported with it. */
const MODELLED = new Set([
  'acls',
  'grants',
  'groups',
  'hosts',
  'ipsets',
  'postures',
  'tagowners',
  'autoapprovers',
  'tests',
  'ssh',
  'sshtests',
  'nodeattrs',
]);

/** Sections that change nothing about who may reach, see or become what. */
const INERT = new Set(['randomizeclientport', 'onecgnatroute']);

interface Opaque {
  readonly what: string;
  readonly touches: readonly Aspect[];
  /** Whether the compiled answers bound it from above all the same. */
  readonly bounded?: boolean;
}

/** Sections that are in force but not interpreted, with what they could change. */
const OPAQUE: Readonly<Record<string, Opaque>> = {
  defaultsrcposture: {
    what: 'a default posture: rules without a posture of their own admit only those sources that meet it; taken as all of them',
    touches: ['packets', 'peers'],
    bounded: true,
  },
  derpmap: { what: 'relay servers: encrypted traffic of this tailnet passes through them', touches: ['underlay'] },
  disableipv4: {
    what: 'IPv4 is switched off for the tailnet: devices lose their IPv4 addresses',
    touches: ['packets', 'peers'],
  },
  attrconfig: { what: 'configuration of node attributes', touches: ['attributes'] },
};

/**
 * Reads a tailnet policy. Top-level and rule keys match in any case, the older names `users`, `ports`, `user` and
 * `allow` included; whatever is not understood is in `unmodelled`.
 * Not ok for syntax errors, duplicate keys and values of the wrong JSON type, all of them at once. What the API would
 * refuse for its meaning (an undeclared tag, …) is `checkPolicy`'s.
 * @param file name for the spans
 */
export function parsePolicy(file: string, text: string): Result<Policy> {
  const parsed = parseHujson(file, text);
  if (!parsed.ok) return parsed;
  const reader = new PolicyReader();
  const root = parsed.value;
  if (root.kind !== 'object') {
    reader.error('policy-shape', root.span, 'a policy must be an object');
    return { ok: false, diagnostics: reader.diagnostics };
  }
  const sections = reader.fields(root, 'the policy');
  const get = (name: string) => sections.get(name)?.value;
  const acls = reader.list(get('acls'), 'acls').map((n, i) => parseAcl(reader, n, i));
  const grants = reader.list(get('grants'), 'grants').map((n, i) => parseGrant(reader, n, i));
  const policy: Policy = {
    file,
    rules: [...acls, ...grants],
    sections: { acls: presence(get('acls')), grants: presence(get('grants')) },
    groups: namedLists(reader, get('groups'), 'groups'),
    hosts: hostAliases(reader, get('hosts')),
    ipsets: ipSets(reader, get('ipsets')),
    postures: namedLists(reader, get('postures'), 'postures'),
    tagOwners: tagOwners(reader, get('tagowners')),
    autoApprovers: autoApprovers(reader, get('autoapprovers')),
    tests: reader.list(get('tests'), 'tests').map((n, i) => policyTest(reader, n, i)),
    ssh: reader.list(get('ssh'), 'ssh').map((n, i) => parseSshEntry(reader, n, i)),
    sshTests: reader.list(get('sshtests'), 'sshTests').map((n, i) => parseSshTest(reader, n, i)),
    nodeAttrs: reader.list(get('nodeattrs'), 'nodeAttrs').map((n, i) => parseNodeAttr(reader, n, i)),
    randomizeClientPort: reader.flag(sections.get('randomizeclientport'), 'randomizeClientPort'),
    defaultPosture: reader.strings(get('defaultsrcposture'), 'defaultSrcPosture'),
    unmodelled: [...opaqueSections(sections, reader.diagnostics), ...reader.unmodelled],
  };
  return resultOf(policy, reader.diagnostics);
}

function presence(node: HujsonNode | undefined): SectionPresence {
  if (node === undefined || node.kind === 'null') return 'absent';
  return node.kind === 'array' && node.items.length === 0 ? 'empty' : 'present';
}

function opaqueSections(sections: ReadonlyMap<string, HujsonMember>, diagnostics: Diagnostic[]): Unmodelled[] {
  const out: Unmodelled[] = [];
  for (const [name, { key, keySpan, value }] of sections) {
    if (MODELLED.has(name) || INERT.has(name) || isEmpty(value)) continue;
    const opaque = Object.hasOwn(OPAQUE, name) ? OPAQUE[name] : undefined;
    if (opaque !== undefined) {
      const kind = opaque.bounded ? 'assumed' : 'unmodelled';
      out.push({ kind, span: keySpan, what: `${key}: ${opaque.what}`, touches: opaque.touches });
      continue;
    }
    const what = `${key}: a section that cordon does not know; it could change anything`;
    out.push({
      kind: 'unmodelled',
      span: keySpan,
      what,
      touches: ['packets', 'peers', 'ssh', 'attributes', 'ownership', 'underlay', 'tests'],
    });
    diagnostics.push({
      code: 'policy-unknown-section',
      severity: 'warning',
      span: keySpan,
      message: `unknown section ${JSON.stringify(key)}: what it changes is not known`,
    });
  }
  return out;
}

function isEmpty(node: HujsonNode): boolean {
  if (node.kind === 'array') return node.items.length === 0;
  if (node.kind === 'object') return node.members.length === 0;
  return node.kind === 'null' || (node.kind === 'boolean' && !node.value);
}

function autoApprovers(reader: PolicyReader, node: HujsonNode | undefined): AutoApprovers {
  const fields = reader.fields(node, 'autoApprovers');
  for (const key of unknownKeys(fields, new Set(['routes', 'exitnode']))) {
    const said = APPROVERS[key.text.toLowerCase()];
    if (said === undefined) reader.unknownKeys('autoApprovers', [key]);
    const what = `autoApprovers.${key.text}: ${said ?? 'an approver that cordon does not know'}`;
    reader.unmodelled.push({ kind: 'unmodelled', span: key.span, what, touches: ['ownership', 'packets', 'peers'] });
  }
  const lists = namedLists(reader, fields.get('routes')?.value, 'autoApprovers.routes');
  const exitNode = reader.strings(fields.get('exitnode')?.value, 'autoApprovers.exitNode');
  const routes = [...lists.values()].map((list) => ({ ...list, prefix: parsePrefix(list.name)?.prefix }));
  reportStrangers(reader, [...routes.flatMap((r) => r.items), ...exitNode], 'autoApprovers');
  for (const route of routes.filter((r) => r.prefix === undefined)) {
    const what = `autoApprovers.routes: ${JSON.stringify(route.name)} is no prefix`;
    reader.unmodelled.push({ kind: 'unmodelled', span: route.span, what, touches: ['ownership'] });
  }
  return { routes, exitNode };
}

/** Approvers that Tailscale documents and that are not modelled. */
const APPROVERS: Readonly<Record<string, string>> = {
  services: 'who may host a service without being asked; a host receives what its addresses and tags are granted',
};

function tagOwners(reader: PolicyReader, node: HujsonNode | undefined): Map<string, NamedList> {
  const owners = namedLists(reader, node, 'tagOwners');
  reportStrangers(
    reader,
    [...owners.values()].flatMap((tag) => tag.items),
    'tagOwners',
  );
  return owners;
}

/** Selectors that may own a tag or approve a route (Tailscale documentation, "targets"). */
const OWNERS = new Set(['user', 'domain', 'group', 'tag', 'member', 'tagged', 'role']);

/** Whoever is named in a way that is not understood may be anybody. */
function reportStrangers(reader: PolicyReader, items: readonly LocatedText[], section: string): void {
  for (const item of items) {
    if (OWNERS.has(parseSelector(item.text).kind)) continue;
    const what = `${section}: ${JSON.stringify(item.text)} is no user, group, tag or autogroup of users`;
    reader.unmodelled.push({ kind: 'unmodelled', span: item.span, what, touches: ['ownership'] });
  }
}

function policyTest(reader: PolicyReader, node: HujsonNode, index: number): PolicyTest {
  const what = `tests[${index}]`;
  const fields = reader.fields(node, what, { user: 'src', allow: 'accept' });
  const strange = unknownKeys(fields, new Set(['src', 'proto', 'accept', 'deny']));
  for (const key of strange) {
    const said = `${what}: key ${JSON.stringify(key.text)}: what it changes about the test is not modelled`;
    reader.unmodelled.push({ kind: 'unmodelled', span: key.span, what: said, touches: ['tests'] });
  }
  return {
    span: node.span,
    src: reader.string(fields.get('src')?.value, `${what}.src`),
    proto: protoText(reader, fields.get('proto')?.value, what),
    accept: reader.strings(fields.get('accept')?.value, `${what}.accept`),
    deny: reader.strings(fields.get('deny')?.value, `${what}.deny`),
    unknownKeys: strange,
  };
}
