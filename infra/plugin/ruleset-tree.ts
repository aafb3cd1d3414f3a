import { diffArrays } from 'diff';
import type { ListedObject } from '../../src/nftables/listing.ts';
import { readListing } from '../../src/nftables/listing.ts';
import { splitElements } from '../../src/nftables/parse-object.ts';
import { isOwnTable } from '../../src/nftables/ruleset.ts';
import type { Diagnostic, Result } from '../../src/source/diagnostic.ts';
import { hasErrors } from '../../src/source/diagnostic.ts';
import type { DiffKind } from '../grpc/provider.ts';

/**
 * A ruleset as Pulumi compares and shows it: table (`inet cordon`) → object (`chain input`, `set orch4`; `table` for the
 * table's own lines) → its lines in order, elements of sets sorted and one each. Indentation, line breaks and the order
 * of elements are gone; the order of rules is kept, because it decides, and so are the blanks within a rule, because nft
 * leaves two where it cannot print a statement.
 */
export type RulesetTree = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** Key of a table's own lines (flags, comment) in the tree. */
const TABLE_LINES = 'table';

/**
 * Reads a text in the shape of `nft -s list ruleset`.
 * @param file name for the diagnostics' spans
 * @returns diagnostics for a text that is no whole listing, and for tables that are not cordon's own
 */
export function rulesetTree(file: string, text: string): Result<RulesetTree> {
  const { listing, diagnostics } = readListing(file, text);
  const problems: Diagnostic[] = [...diagnostics];
  const tree: Record<string, Record<string, readonly string[]>> = {};
  for (const table of listing.tables) {
    const name = `${table.family} ${table.name}`;
    if (!isOwnTable(table)) {
      problems.push(problem('ruleset-foreign-table', table.span, `table ${name} is not one of cordon's own`));
    }
    if (Object.hasOwn(tree, name)) problems.push(problem('ruleset-table-twice', table.span, `table ${name} twice`));
    const objects: Record<string, readonly string[]> = {};
    if (table.lines.length > 0) objects[TABLE_LINES] = table.lines.map((l) => l.text);
    for (const object of table.objects) {
      const key = `${object.kind} ${object.name}`;
      if (Object.hasOwn(objects, key)) {
        problems.push(problem('ruleset-object-twice', object.span, `${key} twice in table ${name}`));
      }
      objects[key] = linesOf(object);
    }
    tree[name] = objects;
  }
  if (hasErrors(problems)) return { ok: false, diagnostics: problems };
  return { ok: true, value: tree, warnings: problems };
}

function linesOf(object: ListedObject): readonly string[] {
  if (object.kind === 'chain') return object.lines.map((l) => l.text);
  const isElements = (text: string) => text.startsWith('elements = {');
  const plain = object.lines.filter((l) => !isElements(l.text)).map((l) => l.text);
  const elements = object.lines
    .filter((l) => isElements(l.text))
    .flatMap((l) => splitElements(l.text).map((e) => `element ${e.text}`));
  return [...plain, ...elements.sort()];
}

function problem(code: string, span: Diagnostic['span'], message: string): Diagnostic {
  return { code, severity: 'error', span, message };
}

/** One place where two trees differ, as a property path below `root`. */
export interface TreeDifference {
  readonly path: string;
  readonly kind: DiffKind & ('add' | 'delete' | 'update');
}

/**
 * Where `news` is not `olds`. An inserted rule is one addition, not a change of every rule behind it; paths of additions
 * and updates count in the new list, paths of deletions in the old one, so that each points at what it is about.
 */
export function compareTrees(root: string, olds: RulesetTree, news: RulesetTree): readonly TreeDifference[] {
  return union(olds, news).flatMap((table) => {
    const path = `${root}[${JSON.stringify(table)}]`;
    const [old, now] = [olds[table], news[table]];
    if (old === undefined) return [{ path, kind: 'add' as const }];
    if (now === undefined) return [{ path, kind: 'delete' as const }];
    return union(old, now).flatMap((object) =>
      compareLines(`${path}[${JSON.stringify(object)}]`, old[object], now[object]),
    );
  });
}

function compareLines(
  path: string,
  olds: readonly string[] | undefined,
  news: readonly string[] | undefined,
): readonly TreeDifference[] {
  if (olds === undefined) return [{ path, kind: 'add' }];
  if (news === undefined) return [{ path, kind: 'delete' }];
  const found = new Map<string, TreeDifference['kind']>();
  const note = (index: number, kind: TreeDifference['kind']) => {
    const at = `${path}[${index}]`;
    found.set(at, found.has(at) ? 'update' : kind);
  };
  for (const hunk of hunksOf(olds, news)) {
    const changed = Math.min(hunk.removed, hunk.added);
    for (let i = 0; i < changed; i++) note(hunk.newAt + i, 'update');
    for (let i = changed; i < hunk.removed; i++) note(hunk.oldAt + i, 'delete');
    for (let i = changed; i < hunk.added; i++) note(hunk.newAt + i, 'add');
  }
  return [...found].map(([at, kind]) => ({ path: at, kind }));
}

interface Hunk {
  readonly oldAt: number;
  readonly newAt: number;
  removed: number;
  added: number;
}

/** Runs of lines that differ, between runs that are the same. */
function hunksOf(olds: readonly string[], news: readonly string[]): readonly Hunk[] {
  const hunks: Hunk[] = [];
  let [oldAt, newAt] = [0, 0];
  let open: Hunk | undefined;
  for (const part of diffArrays([...olds], [...news])) {
    const { removed = false, added = false } = part;
    if (!removed && !added) {
      open = undefined;
    } else {
      if (open === undefined) {
        open = { oldAt, newAt, removed: 0, added: 0 };
        hunks.push(open);
      }
      if (removed) open.removed += part.value.length;
      else open.added += part.value.length;
    }
    if (!added) oldAt += part.value.length;
    if (!removed) newAt += part.value.length;
  }
  return hunks;
}

function union(a: object, b: object): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}
