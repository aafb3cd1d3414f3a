import { type HujsonMember, type HujsonNode, parseHujson } from '../hujson/parse.ts';
import { finding, type LintFinding } from './finding.ts';

/** Older names by section, and what is written today (Tailscale documentation, "ACL syntax"). */
const LEGACY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  acls: { users: 'src', ports: 'dst' },
  tests: { user: 'src', allow: 'accept' },
};

/** How the file is written: old spellings, and sections that say nothing. */
export function layoutFindings(file: string, text: string): LintFinding[] {
  const parsed = parseHujson(file, text);
  if (!parsed.ok || parsed.value.kind !== 'object') return [];
  return parsed.value.members.flatMap((section) => [...legacyKeys(section), ...emptySection(section)]);
}

function legacyKeys({ key, value }: HujsonMember): LintFinding[] {
  const section = key.toLowerCase();
  const names = Object.hasOwn(LEGACY, section) ? LEGACY[section] : undefined;
  if (names === undefined || value.kind !== 'array') return [];
  return value.items.flatMap((item, i) =>
    membersOf(item).flatMap((member) => {
      const old = member.key.toLowerCase();
      const today = Object.hasOwn(names, old) ? names[old] : undefined;
      if (today === undefined) return [];
      const message = `${section}[${i}]: ${JSON.stringify(member.key)} is the old name of "${today}"`;
      return [finding('legacy-key', member.keySpan, message, `write "${today}"`)];
    }),
  );
}

function membersOf(node: HujsonNode): readonly HujsonMember[] {
  return node.kind === 'object' ? node.members : [];
}

/** `acls` and `grants` excepted: there a list without entries denies everything. */
function emptySection({ key, keySpan, value }: HujsonMember): LintFinding[] {
  const isRules = /^(acls|grants)$/i.test(key);
  const isEmpty =
    value.kind === 'null' ||
    (value.kind === 'object' && value.members.length === 0) ||
    (value.kind === 'array' && value.items.length === 0);
  if (!isEmpty || (isRules && value.kind !== 'null')) return [];
  return [finding('empty-section', keySpan, `the section ${JSON.stringify(key)} is empty`, 'remove it')];
}
