import { datatypeOf, printValue } from './datatype.ts';
import type { Match, Operand, Rule, Selector, Statement } from './ruleset.ts';
import { symbolOf } from './symbols.ts';

/** One rule on one line without indentation, as `nft -s list` prints it (counters without values, no handle). */
export function printRule(rule: Rule): string {
  const words = rule.statements.map(printStatement);
  if (rule.comment !== undefined) words.push(`comment "${rule.comment}"`);
  return words.join(' ');
}

/** One statement as nft prints it. */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'match':
      return printMatch(statement);
    case 'counter':
      return statement.name === undefined ? 'counter' : `counter name "${statement.name}"`;
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
      return statement.kind;
    case 'jump':
    case 'goto':
      return `${statement.kind} ${statement.target}`;
    case 'reject':
      return statement.with === undefined ? 'reject' : `reject with ${statement.with}`;
    case 'log':
      return [
        'log',
        ...(statement.prefix === undefined ? [] : [`prefix "${statement.prefix}"`]),
        ...(statement.group === undefined ? [] : [`group ${statement.group}`]),
        ...(statement.options === undefined ? [] : [statement.options]),
      ].join(' ');
    case 'limit': {
      const burst = statement.burst === undefined ? '' : ` burst ${statement.burst} packets`;
      return `limit rate ${statement.over ? 'over ' : ''}${statement.rate}/${statement.unit}${burst}`;
    }
    case 'set-ct-mark':
      return `ct mark set ct mark | ${hex(statement.or)}`;
    case 'vmap':
    case 'rewrite':
    case 'condition':
    case 'unknown':
      return statement.text;
  }
}

/** The left side of a match as nft prints it, mask included. */
export function printSelector(selector: Selector): string {
  switch (selector.kind) {
    case 'meta': {
      const bare = /^[io]if(name)?$/.test(selector.key);
      const text = bare ? selector.key : `meta ${selector.key}`;
      return selector.mask === undefined ? text : `${text} & ${hex(selector.mask)}`;
    }
    case 'payload': {
      const text = `${selector.protocol} ${selector.field}`;
      // The mask of flags stands behind the value (`tcp flags syn / fin,syn`).
      return selector.mask === undefined || isFlags(selector) ? text : `${text} & ${selector.mask}`;
    }
    case 'concat':
      return selector.parts.map(printSelector).join(' . ');
    case 'fib-type':
      return `fib ${selector.flags.join(' . ')} type`;
    case 'ct':
      return selector.key === 'mark' && selector.mask !== undefined
        ? `ct mark & ${hex(selector.mask)}`
        : `ct ${selector.key}`;
    case 'socket-cgroup':
      return `socket cgroupv2 level ${selector.level ?? '(lost)'}`;
  }
}

function isFlags(selector: Selector): boolean {
  const type = datatypeOf(selector);
  return type?.kind === 'symbols' && type.flags;
}

function printMatch(match: Match): string {
  const { selector, op, right } = match;
  const left = printSelector(selector);
  if (right.kind === 'any-bit') return `${left} ${op === '!=' ? '! ' : ''}${printOperand(selector, right)}`;
  const masked = 'mask' in selector && selector.mask !== undefined;
  if (isFlags(selector) && masked) return `${left} ${op === '==' ? '' : `${op} `}${printMasked(selector, right)}`;
  const isPlain = op === '==' && !masked && !(isFlags(selector) && right.kind === 'number');
  return `${left} ${isPlain ? '' : `${op} `}${printOperand(selector, right)}`;
}

/** `syn / fin,syn,rst,ack`. */
function printMasked(selector: Selector & { readonly mask?: bigint }, right: Operand): string {
  const value = right.kind === 'number' ? bitNames(selector, right.value) : printOperand(selector, right);
  return `${value} / ${bitNames(selector, selector.mask ?? 0n)}`;
}

function bitNames(selector: Selector, bits: bigint): string {
  const type = datatypeOf(selector);
  const symbols = type?.kind === 'symbols' ? type.symbols : [];
  const names = symbols.flatMap(([name, bit]) => ((bits & BigInt(bit)) === 0n ? [] : [name]));
  return names.length === 0 ? hex(bits) : names.join(',');
}

function printOperand(selector: Selector, right: Operand): string {
  const type = datatypeOf(selector) ?? { kind: 'number', bits: 64 };
  switch (right.kind) {
    case 'set':
      return `{ ${right.elements.map((e) => printValue(type, e)).join(', ')} }`;
    case 'named-set':
      return `@${right.name}`;
    case 'any-bit':
      return right.bits
        .map((b) => (type.kind === 'symbols' ? symbolOf(type.symbols, b) : undefined) ?? hex(b))
        .join(',');
    default:
      return printValue(type, right);
  }
}

function hex(value: bigint): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
