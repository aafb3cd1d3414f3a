import { type Datatype, printValue, setDatatype } from './datatype.ts';
import { printRule } from './print-statement.ts';
import { printPriority } from './priority.ts';
import type { Chain, NamedCounter, NamedSet, OtherObject, Ruleset, SetElement, Table } from './ruleset.ts';
import { OWN_TABLE } from './ruleset.ts';

/**
 * The ruleset as `nft -s list ruleset` prints it (nft 1.0.6): a fixed point, so that loading the text and listing the
 * table gives the same bytes, provided that sets are canonical (sorted, an interval only where it is one) and named
 * objects stand in the order counters, sets, chains.
 */
export function printRuleset(ruleset: Ruleset): string {
  return ruleset.tables.map((t) => `${printTable(t)}\n`).join('');
}

/**
 * One file that replaces our tables in one transaction, whatever was there before: each table is created if it is
 * missing, deleted, and written anew. Tables that the ruleset does not have are gone afterwards.
 */
export function printLoadable(ruleset: Ruleset): string {
  const header = ['inet', 'netdev'].map((f) => `table ${f} ${OWN_TABLE}\ndelete table ${f} ${OWN_TABLE}\n`);
  return header.join('') + printRuleset(ruleset);
}

function printTable(table: Table): string {
  const head: string[] = [];
  if (table.flags.length > 0) head.push(`\tflags ${table.flags.join(',')}`);
  if (table.comment !== undefined) head.push(`\tcomment "${table.comment}"`);
  // nft separates the head from the objects only where it printed flags (rule.c table_print).
  if (table.flags.length > 0) head.push('');
  const objects = [
    ...table.counters.map(printCounter),
    ...table.sets.map(printSet),
    ...table.others.map(printOther),
    ...table.chains.map((c) => printChain(table, c)),
  ];
  const body = objects.map((lines) => lines.join('\n')).join('\n\n');
  return [`table ${table.family} ${table.name} {`, ...head, ...(body === '' ? [] : [body]), '}'].join('\n');
}

function block(header: string, lines: readonly string[]): string[] {
  return [`\t${header} {`, ...lines.map((l) => `\t\t${l}`), '\t}'];
}

function commentLine(comment: string | undefined): string[] {
  return comment === undefined ? [] : [`comment "${comment}"`];
}

function printCounter(counter: NamedCounter): string[] {
  return block(`counter ${counter.name}`, commentLine(counter.comment));
}

function printOther(object: OtherObject): string[] {
  return block(`${object.kind} ${object.name}`, object.lines);
}

function printChain(table: Table, chain: Chain): string[] {
  return block(`chain ${chain.name}`, [
    ...commentLine(chain.comment),
    ...(chain.base === undefined ? [] : [printBase(table, chain.base)]),
    ...chain.rules.map(printRule),
  ]);
}

function printBase(table: Table, base: NonNullable<Chain['base']>): string {
  const [only] = base.devices;
  let device = '';
  if (base.devices.length > 1) device = ` devices = { ${base.devices.join(', ')} }`;
  else if (only !== undefined) device = ` device "${only}"`;
  const priority = printPriority(table.family, base.hook, base.priority);
  return `type ${base.type} hook ${base.hook}${device} priority ${priority}; policy ${base.policy};${base.offload === true ? ' flags offload;' : ''}`;
}

function printSet(set: NamedSet): string[] {
  const lines = [`${set.type.kind} ${set.type.of}`];
  if (set.flags.length > 0) lines.push(`flags ${set.flags.join(',')}`);
  lines.push(...set.options, ...commentLine(set.comment));
  if (set.elements.length > 0) lines.push(`elements = { ${printElements(set)} }`);
  return block(`set ${set.name}`, lines);
}

/** nft breaks the line after so many elements, by type (expression.c calculate_delim). */
function printElements(set: NamedSet): string {
  const type = setDatatype(set.type);
  const perLine = elementsPerLine(type);
  const texts = set.elements.map((e) => printElement(type, e));
  const lines: string[] = [];
  for (let i = 0; i < texts.length; i += perLine) lines.push(texts.slice(i, i + perLine).join(', '));
  return lines.join(',\n\t\t\t     ');
}

function elementsPerLine(type: Datatype | undefined): number {
  switch (type?.kind) {
    case 'address':
      return type.family === 4 ? 2 : 1;
    case 'number':
    case 'mark':
      return 5;
    default:
      return 1;
  }
}

function printElement(type: Datatype | undefined, element: SetElement): string {
  if (element.kind === 'unknown' || type === undefined) return element.kind === 'unknown' ? element.text : '';
  return printValue(type, element);
}
