import type { Diagnostic, Result } from '../../source/diagnostic.ts';
import { resultOf } from '../../source/diagnostic.ts';
import type { Span } from '../../source/span.ts';
import { appendElement, appendMembers, buildTree, type JsonInput } from '../hujson/build.ts';
import { formatTree } from '../hujson/format.ts';
import { scanHujson } from '../hujson/scan.ts';
import type { HuNode, HuObject } from '../hujson/syntax.ts';
import { parsePolicy } from './parse.ts';
import type { NamedList, Policy } from './policy.ts';

/** What cordon adds to a policy, in the order in which it is to appear. */
export interface PolicySections {
  readonly grants: readonly GrantSection[];
  readonly tagOwners: Readonly<Record<string, readonly string[]>>;
  readonly hosts?: Readonly<Record<string, string>>;
  readonly autoApprovers?: {
    readonly routes?: Readonly<Record<string, readonly string[]>>;
    readonly exitNode?: readonly string[];
  };
  readonly tests?: readonly TestSection[];
  /**
   * Where an entry was declared, for the message when the base defines the same key: `tagOwners/tag:x`, `hosts/x`,
   * `autoApprovers.routes/10.0.0.0/8`.
   */
  readonly places?: ReadonlyMap<string, Span>;
}

interface GrantSection {
  readonly src: readonly string[];
  readonly dst: readonly string[];
  readonly ip: readonly string[];
  /** Written above the grant; every line becomes a comment line. */
  readonly comment?: string;
}

interface TestSection {
  readonly src: string;
  readonly proto?: string;
  readonly accept?: readonly string[];
  readonly deny?: readonly string[];
}

/** Sections of a policy that hold named entries, as the parser and as the file call them. */
type KeyedSection = 'tagOwners' | 'hosts' | 'autoApprovers.routes';

/**
 * Adds our sections to a policy and returns it in canonical form. The base is kept word for word, comments included:
 * entries are only appended, to the sections that it has or as new sections behind them. The result always has `acls`
 * or `grants`.
 * Not ok when the base does not parse, or defines a key that we define too (both places are named: neither side may
 * silently win). Warns when the base allowed everything for want of rules, which our rules end.
 */
export function mergePolicy(
  base: { file: string; text: string } | undefined,
  sections: PolicySections,
): Result<string> {
  const { file, text } = base ?? { file: 'policy', text: '{}' };
  const parsed = parsePolicy(file, text);
  if (!parsed.ok) return parsed;
  const scanned = scanHujson(text);
  const root = scanned.ok ? scanned.value.node : undefined;
  if (!scanned.ok || root?.kind !== 'object') return { ok: false, diagnostics: [] };
  const diagnostics = [...parsed.warnings, ...conflicts(parsed.value, sections)];
  if (base !== undefined) diagnostics.push(...lostDefault(file, parsed.value, root));
  // A policy without acls and grants allows everything, however little we add: the key has to be there.
  if (hasNoRuleSection(parsed.value)) section(root, 'grants', 'array');
  addToList(
    root,
    'grants',
    sections.grants.map(({ comment, ...grant }) => ({ value: { ...grant }, comment })),
  );
  addEntries(root, 'tagOwners', sections.tagOwners);
  addEntries(root, 'hosts', sections.hosts ?? {});
  addApprovers(root, sections);
  addToList(
    root,
    'tests',
    (sections.tests ?? []).map((test) => ({ value: { ...test }, comment: undefined })),
  );
  return resultOf(formatTree(scanned.value), diagnostics);
}

function conflicts(base: Policy, sections: PolicySections): Diagnostic[] {
  const routes = new Map(base.autoApprovers.routes.map((r) => [r.name, r]));
  return [
    ...conflictsIn('tagOwners', base.tagOwners, sections.tagOwners, sections),
    ...conflictsIn('hosts', base.hosts, sections.hosts ?? {}, sections),
    ...conflictsIn('autoApprovers.routes', routes, sections.autoApprovers?.routes ?? {}, sections),
  ];
}

function conflictsIn(
  section: KeyedSection,
  base: ReadonlyMap<string, Pick<NamedList, 'name' | 'span'>>,
  ours: Readonly<Record<string, unknown>>,
  sections: PolicySections,
): Diagnostic[] {
  return Object.keys(ours).flatMap((key): Diagnostic[] => {
    const theirs = base.get(key);
    if (theirs === undefined) return [];
    const place = sections.places?.get(`${section}/${key}`);
    return [
      {
        code: 'policy-key-conflict',
        severity: 'error',
        span: place ?? theirs.span,
        message: `${section} has ${JSON.stringify(key)} in the base policy and in the topology`,
        hint: 'rename one of them, or remove it from the base policy',
        related: place === undefined ? [] : [{ span: theirs.span, message: 'defined here in the base policy' }],
      },
    ];
  });
}

/** A base without rules allows everything; the first rule, ours, ends that for the whole tailnet. */
function lostDefault(file: string, base: Policy, root: HuObject): Diagnostic[] {
  if (!hasNoRuleSection(base)) return [];
  const span = { file, line: 1, column: 1, offset: root.offset, length: 0 };
  return [
    {
      code: 'policy-default-ends',
      severity: 'warning',
      span,
      message:
        'the base policy has neither acls nor grants, so it allows everything; with the grants added it does not',
      hint: 'give the base policy the grants that the rest of the tailnet needs',
    },
  ];
}

/** Neither `acls` nor `grants`, `null` counting as not given: the policy allows everything (captures). */
function hasNoRuleSection({ sections }: Policy): boolean {
  return sections.acls === 'absent' && sections.grants === 'absent';
}

interface Entry {
  readonly value: JsonInput;
  readonly comment: string | undefined;
}

function addToList(root: HuObject, key: string, entries: readonly Entry[]): void {
  if (entries.length === 0) return;
  const list = section(root, key, 'array');
  if (list.kind !== 'array') return;
  for (const { value, comment } of entries) appendElement(list, buildTree(value), comment);
}

function addEntries(root: HuObject, key: string, entries: Readonly<Record<string, JsonInput>>): void {
  if (Object.keys(entries).length === 0) return;
  const object = section(root, key, 'object');
  if (object.kind === 'object') appendMembers(object, treesOf(entries));
}

function addApprovers(root: HuObject, { autoApprovers }: PolicySections): void {
  const routes = autoApprovers?.routes ?? {};
  const exitNode = autoApprovers?.exitNode ?? [];
  if (Object.keys(routes).length + exitNode.length === 0) return;
  const object = section(root, 'autoApprovers', 'object');
  if (object.kind !== 'object') return;
  addEntries(object, 'routes', routes);
  addToList(
    object,
    'exitNode',
    exitNode.map((value) => ({ value, comment: undefined })),
  );
}

function treesOf(entries: Readonly<Record<string, JsonInput>>) {
  return Object.entries(entries).map(([key, value]) => [key, buildTree(value)] as const);
}

/** The section of that name in any case; a missing one, or one that is `null`, is created. */
function section(object: HuObject, key: string, kind: 'array' | 'object'): HuNode {
  const member = object.members.find((m) => nameOf(m.name.node).toLowerCase() === key.toLowerCase());
  const empty = buildTree(kind === 'array' ? [] : {});
  if (member === undefined) {
    appendMembers(object, [[key, empty]]);
    return empty.node;
  }
  if (member.value.node.kind === 'literal') member.value.node = empty.node;
  return member.value.node;
}

function nameOf(node: HuNode): string {
  return node.kind === 'literal' ? (JSON.parse(node.text) as string) : '';
}
